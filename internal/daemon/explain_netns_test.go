package daemon_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/holdfast-net/holdfast/internal/api"
)

// explain is what the command says of a group, for people and for programs.
func (n *node) explain(group string) (text string, e api.Explanation) {
	n.s.t.Helper()
	got := n.cli("explain", group)
	if got.code != 0 {
		n.s.t.Fatalf("explain ended with %d: %s", got.code, got.err)
	}
	doc := n.cli("explain", group, "-o", "json")
	if err := json.Unmarshal([]byte(doc.out), &e); err != nil || e.Schema != api.SchemaExplanation {
		n.s.t.Fatalf("%v: %s%s", err, doc.out, doc.err)
	}
	return got.out, e
}

// explains waits until the command says all of these words of a group.
func (n *node) explains(group string, words ...string) api.Explanation {
	n.s.t.Helper()
	var e api.Explanation
	n.s.within(n.name+" explains "+group, func() error {
		var text string
		if text, e = n.explain(group); !hasAll(text, words) {
			return fmt.Errorf("wanted %q in\n%s", words, text)
		}
		return nil
	})
	return e
}

// Two nodes say of a group why it is here and not there, and what would change
// that; a check that fails bars one of them, with what it saw.
func TestExplain(t *testing.T) {
	s := newSite(t)
	service := filepath.Join(s.dir, "service")
	s.must(os.WriteFile(service, nil, 0o600))
	checked := "checks:\n  service: {file: " + service + ", interval: 50ms, rise: 1, fall: 1}\n"
	s.a.start(web(200, "preempt: false") + "    checks: [service]\n" + checked)
	s.a.becomes("web", "active")
	s.b.start(web(100))
	s.b.becomes("web", "backup")

	s.a.explains("web", "web is active on a: this node holds it", "check service", "passes", "one of these checks fails: service", "init -> backup", "backup -> active")
	s.b.explains("web", "web is backup on b: a holds it; this node is ready to take over", "a falls silent: this node claims it after",
		"its priority of 100 would have to be above the 200 of a")

	s.must(os.Remove(service))
	s.b.becomes("web", "active")
	e := s.a.explains("web", "web is fault on a: b holds it; this node may not: check service: fails", "check service", "bars", service, "active -> ")
	if len(e.Facts) == 0 || e.Facts[0].Verdict != api.VerdictBars || e.Facts[0].Subject != "check service" || len(e.Events) == 0 {
		t.Errorf("for programs: %+v", e)
	}
	s.must(os.WriteFile(service, nil, 0o600))
	s.a.becomes("web", "backup")
	s.a.explains("web", "its priority of 200 is above the 100 of b, and it does not preempt: it waits")
	if got := s.a.cli("maintenance", "on"); got.code != 0 {
		t.Fatalf("maintenance ended with %d: %s", got.code, got.err)
	}
	s.a.explains("web", "maintenance", "bars", "maintenance: holdfast maintenance off")
	s.over()
}
