package proxy

import (
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/balance"
)

// newEcho answers every datagram with its name and the datagram.
func newEcho(t *testing.T, name string) netip.AddrPort {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	go func() {
		b := make([]byte, 64<<10)
		for {
			n, from, err := c.ReadFrom(b)
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err == nil {
				_, _ = c.WriteTo(append([]byte(name+" "), b[:n]...), from)
			}
		}
	}()
	return c.LocalAddr().(*net.UDPAddr).AddrPort()
}

// ask sends a datagram, again where it was lost, and gives the answer.
func ask(t *testing.T, c net.Conn, what string) string {
	t.Helper()
	b := make([]byte, 64<<10)
	for range 20 {
		if _, err := c.Write([]byte(what)); err != nil {
			continue // of an ICMP error about the one before
		}
		_ = c.SetReadDeadline(time.Now().Add(patience / 20))
		if n, err := c.Read(b); err == nil {
			return string(b[:n])
		}
	}
	t.Fatal("no answer")
	return ""
}

func newDatagramSite(t *testing.T, targets ...netip.AddrPort) *site {
	t.Helper()
	s := newSite(t, balance.InTurn, targets...)
	s.apply(func(_ *balance.Plan, svc *balance.Service) {
		svc.Listen = []balance.Endpoint{{AddrPort: s.at, Proto: balance.UDP}}
		svc.Timeouts = balance.Timeouts{UDP: time.Minute, UDPAssured: time.Minute}
	})
	return s
}

func (s *site) client() net.Conn {
	s.Helper()
	c, err := net.Dial("udp", s.at.String())
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = c.Close() })
	return c
}

func TestDatagrams_KeepTheirTarget(t *testing.T) {
	s := newDatagramSite(t, newEcho(t, "a"), newEcho(t, "b"))
	got := map[string]int{}
	for range 10 {
		c := s.client()
		first := ask(t, c, "x")
		for range 5 {
			if again := ask(t, c, "x"); again != first {
				t.Errorf("%q, then %q", first, again)
			}
		}
		got[first]++
	}
	if len(got) != 2 {
		t.Errorf("spread %v", got)
	}
	if u := s.usage(); u[1].Flows+u[2].Flows != 10 {
		t.Errorf("flows %+v", u)
	}
	s.apply(func(_ *balance.Plan, svc *balance.Service) { svc.Timeouts.UDPAssured = time.Millisecond })
	s.until("all sessions are forgotten", func() bool { u := s.usage(); return u[1].Flows+u[2].Flows == 0 })
}

func TestDatagrams_GoElsewhereWhenATargetIsDown(t *testing.T) {
	s := newDatagramSite(t, newEcho(t, "a"), newEcho(t, "b"))
	c := s.client()
	first := ask(t, c, "x")
	down := uint16(first[0] - 'a')
	s.apply(func(p *balance.Plan, _ *balance.Service) {
		p.Targets[down].State, p.Table = balance.Down, []uint16{1 - down}
	})
	if next := ask(t, c, "x"); next == first {
		t.Error("a session of one that is down")
	}
}

// Nobody listens there, as an ICMP error says; a new session finds another.
func TestDatagrams_HeedPortUnreachable(t *testing.T) {
	dead, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := dead.LocalAddr().(*net.UDPAddr).AddrPort()
	_ = dead.Close()
	s := newDatagramSite(t, at, newEcho(t, "b"))
	for range 4 {
		if got := ask(t, s.client(), "x"); got != "b x" {
			t.Errorf("got %q", got)
		}
	}
	if s.usage()[1].Dropped == 0 {
		t.Error("no failure was counted")
	}
}
