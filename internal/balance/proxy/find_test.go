package proxy

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/balance"
)

func TestPlane_FindsAConnection(t *testing.T) {
	a := newBackend(t, "a")
	s := newSite(t, balance.InTurn, a.at)
	s.apply(func(_ *balance.Plan, svc *balance.Service) { svc.Affinity = time.Hour })
	c := s.mustDial()
	if err := c.echo("hello"); err != nil {
		t.Fatal(err)
	}
	from, at := c.LocalAddr().(*net.TCPAddr).AddrPort(), balance.Endpoint{AddrPort: s.at, Proto: balance.TCP}
	got, err := s.plane.Find("web", at, from)
	if err != nil || got.Client != from || got.Backend != a.at || !got.Established || got.Gone || got.Bond != a.at || got.Flows[0] != 1 {
		t.Errorf("%+v, %v", got, err)
	}
	other, err := s.plane.Find("web", at, netip.AddrPortFrom(from.Addr(), from.Port()^1))
	if err != nil || other.Client.IsValid() || !other.Chance || other.Bond != a.at {
		t.Errorf("of nobody: %+v, %v", other, err)
	}
	if _, err := s.plane.Find("none", at, from); err == nil {
		t.Error("of a service that is not there: no error")
	}
}

func TestDatagrams_AreFound(t *testing.T) {
	a := newEcho(t, "a")
	s := newDatagramSite(t, a)
	c := s.client()
	ask(t, c, "hello")
	from := c.LocalAddr().(*net.UDPAddr).AddrPort()
	got, err := s.plane.Find("web", balance.Endpoint{AddrPort: s.at, Proto: balance.UDP}, from)
	if err != nil || got.Client != from || got.Backend != a || !got.Established {
		t.Errorf("%+v, %v", got, err)
	}
}
