package daemon_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-net/holdfast/internal/api"
)

// An address does not answer before the kernel serves what is behind it: the
// table of a service is made when its backends have been checked, and the
// election is over long before.
func TestService_IsInPlaceBeforeItsAddress(t *testing.T) {
	s := newSite(t)
	s.server(11).listen(s, ":8080")
	s.a.start(web(200) + strings.Replace(spreading("full-nat", "192.0.2.10:80/tcp", 8080, "192.0.2.11"), "    backends:", "    checks: [deaf]\n    backends:", 1) +
		"checks:\n  deaf: {tcp: \"192.0.2.250:9\", interval: 10s, timeout: 9s}\n")
	s.a.becomes("web", "active")
	events := s.a.events()
	find := func(what string, ok func(api.Event) bool) int {
		i := slices.IndexFunc(events, ok)
		if i < 0 {
			t.Errorf("the journal does not say %s: %+v", what, events)
		}
		return i
	}
	waits := find("that the group waits", func(e api.Event) bool {
		return e.Code == "HF2032" && strings.Contains(e.Reason, "does not claim without services")
	})
	there := find("that they are there", func(e api.Event) bool {
		return e.Code == "HF2032" && strings.Contains(e.Reason, "services: it is there")
	})
	active := find("that the group is active", func(e api.Event) bool { return e.Kind == "transition" && e.To == "active" })
	if waits > there || there > active {
		t.Errorf("in the order %d, %d, %d", waits, there, active)
	}
	// What is there is nothing to warn of.
	st, err := s.a.status()
	s.must(err)
	for _, w := range st.Warnings {
		if w.Code == "HF2032" {
			t.Errorf("status still warns: %s", w.Text)
		}
	}
}
