package daemon_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-net/holdfast/internal/api"
)

// What the status says of holds, guards and voters is what is so: the holder
// has a majority's promise and an open hold, also without the witness, and
// when it is alone it has neither.
func TestStatus_Guarded(t *testing.T) {
	s := newSite(t)
	key := filepath.Join(s.dir, "key")
	s.must(os.WriteFile(key, []byte(strings.Repeat("0123456789abcdef", 4)), 0o600))
	cluster := fmt.Sprintf("cluster:\n  nodes: {a: 192.0.2.1, b: 192.0.2.2}\n  witnesses: {w: 192.0.2.250}\n  key: {file: %s}\n", key)
	s.a.start(web(200), cluster)
	s.b.start(web(100), cluster)
	s.a.becomes("web", "active")
	s.answers(vip, "a")
	s.within("the holder has a majority's promise", func() error {
		st, err := s.a.status()
		if err != nil {
			return err
		}
		g := &st.Groups[0]
		if g.Guard.Kind != api.GuardMajority || g.Guard.Promised <= 0 || g.Guard.Votes != 2 || g.Guard.Of != 3 || len(st.Voters) != 3 {
			return fmt.Errorf("guard %+v, voters %+v", g.Guard, st.Voters)
		}
		for _, r := range g.Routers {
			if r.Hold.State != api.HoldOpen || r.Hold.Left <= 0 {
				return fmt.Errorf("%s: hold %+v", r.Family, r.Hold)
			}
		}
		if st.Gate.Line == "" || st.Gate.Guarantee <= 0 {
			return fmt.Errorf("gate %+v", st.Gate)
		}
		return nil
	})
	if got := s.a.cli("status"); !hasAll(got.out, []string{"gate: ", "closes within", "voters: 2 of 3 heard", "witness w was never heard", "guarded ", "open "}) {
		t.Errorf("status says:\n%s", got.out)
	}

	s.b.end()
	s.a.becomes("web", "backup")
	s.within("one of three voters holds nothing", func() error {
		g, err := s.a.group("web")
		if err != nil || g.Guard.Promised != 0 || g.Routers[0].Hold.State != api.HoldClosed {
			return fmt.Errorf("guard %+v, routers %+v, %v", g.Guard, g.Routers, err)
		}
		return nil
	})
	if got := s.a.cli("status"); got.code != 21 {
		t.Errorf("status without a holder ended with %d:\n%s", got.code, got.out)
	}
	s.over()
}
