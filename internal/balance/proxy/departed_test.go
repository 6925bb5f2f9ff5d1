package proxy

import (
	"net/netip"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/balance"
)

// Connections end when their address has left for good, and with them those to
// the backends.
func TestPlane_EndsWhatCameByAnAddressThatLeft(t *testing.T) {
	a := newBackend(t, "a")
	s := newSite(t, balance.InTurn, a.at)
	c := s.mustDial()
	now, away := time.Unix(1000, 0), map[netip.Addr]time.Time{}
	held := func(netip.Addr) bool { return true }
	left := func(netip.Addr) bool { return false }
	look := func(after time.Duration, local func(netip.Addr) bool) {
		now = now.Add(after)
		s.plane.depart(now, local, away)
	}
	look(0, left)
	look(farewell-time.Second, left)
	look(time.Second/2, held) // it comes back in time
	look(time.Second, left)
	look(farewell-time.Second, left)
	if err := c.echo("still here"); err != nil {
		t.Fatal(err)
	}
	look(time.Second, left)
	s.until("the connections have ended", func() bool { return s.usage()[1].Flows == 0 && a.connections() == 0 })
	if err := c.echo("gone"); err == nil {
		t.Error("the client's connection goes on")
	}
	// Who connects then has an address here.
	look(time.Second, held)
	if err := s.mustDial().echo("again"); err != nil {
		t.Error(err)
	}
}

func TestIsLocal(t *testing.T) {
	for a, want := range map[string]bool{"127.0.0.1": true, "127.0.0.77": true, "::1": true, "192.0.2.77": false, "2001:db8::77": false} {
		if got := isLocal(netip.MustParseAddr(a)); got != want {
			t.Errorf("%s: %v", a, got)
		}
	}
}
