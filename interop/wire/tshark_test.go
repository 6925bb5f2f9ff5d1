package wire

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What tshark says is a problem from a warning on.
func TestJudge(t *testing.T) {
	for name, tt := range map[string]struct {
		layers map[string][]string
		want   []string
	}{
		"nothing": {map[string][]string{"frame.protocols": {"eth:vrrp"}}, nil},
		"a note": {map[string][]string{
			"_ws.expert.message": {"Time To Live only 1"}, "_ws.expert.severity": {"4194304"},
		}, nil},
		"a warning after a note": {map[string][]string{
			"_ws.expert.message": {"a note", "Bad checksum"}, "_ws.expert.severity": {"4194304", "6291456"},
		}, []string{"Bad checksum"}},
		"an error": {map[string][]string{
			"_ws.expert.message": {"Malformed Packet"}, "_ws.expert.severity": {"8388608"},
		}, []string{"Malformed Packet"}},
		"no severity": {map[string][]string{"_ws.expert.message": {"odd"}}, []string{"odd"}},
		"malformed":   {map[string][]string{"_ws.malformed": {"1"}}, []string{"malformed"}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, judge(tt.layers).Problems); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
