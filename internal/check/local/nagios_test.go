package local

import (
	"strings"
	"testing"

	"github.com/holdfast-net/holdfast/internal/program"
)

func FuzzNagios(f *testing.F) {
	f.Add(0, "DISK OK - fine | /=60%")
	f.Add(1, "|")
	f.Add(255, "")
	f.Add(-1, "x")
	f.Fuzz(func(t *testing.T, status int, first string) {
		for _, strict := range []bool{false, true} {
			seen := nagios(program.Outcome{Status: status, First: first}, strict)
			if seen.OK != (status == 0 || status == 1 && !strict) || seen.Warn != (status == 1 && !strict) {
				t.Errorf("status %d, strict %t: %+v", status, strict, seen)
			}
			if seen.Text == "" || strings.Contains(seen.Text, "|") {
				t.Errorf("text %q of %q", seen.Text, first)
			}
		}
	})
}
