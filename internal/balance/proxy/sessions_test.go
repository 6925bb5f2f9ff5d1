package proxy

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/balance"
)

// A flood of clients whom nobody answers pushes out its own sessions, and none
// that is answered.
func TestDatagrams_AreBounded(t *testing.T) {
	echo := newEcho(t, "a")
	silent, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	s := newDatagramSite(t, echo)
	s.plane.sessions.most = int64(4 * len(s.plane.loops))
	known := s.client()
	ask(t, known, "hello")
	used := func() int64 { return s.plane.sessions.now.Load() }
	if used() != 1 {
		t.Fatalf("%d sessions, want 1", used())
	}
	// From now on new ones go where nobody answers.
	s.apply(func(p *balance.Plan, _ *balance.Service) {
		p.Targets[0].State = balance.Drain
		p.Targets = append(p.Targets, balance.Target{ID: 2, Addr: silent.LocalAddr().(*net.UDPAddr).AddrPort(), Weight: 1})
		p.Table = []uint16{1}
	})
	for range 64 {
		if _, err := s.client().Write([]byte("nobody answers")); err != nil {
			t.Fatal(err)
		}
	}
	s.until("sessions make room", func() bool {
		d := s.usage()[0].Drops
		return d["made room"]+d["no room"] >= uint64(64-4*len(s.plane.loops)) && used() <= s.plane.sessions.most
	})
	if got := ask(t, known, "still there"); got != "a still there" {
		t.Errorf("the session that was answered: %q", got)
	}
	r, err := s.plane.Room()
	if err != nil || r.Tables[0].Name != "sessions" || r.Tables[0].Used == 0 || r.Tables[0].Size != uint64(s.plane.sessions.most) {
		t.Errorf("%+v, %v", r, err)
	}
	s.apply(func(_ *balance.Plan, svc *balance.Service) { svc.Timeouts = balance.Timeouts{UDP: 1, UDPAssured: 1} })
	s.until("all sessions are over", func() bool { return used() == 0 })
}

func TestAffinity_IsBounded(t *testing.T) {
	a := affinity{most: 8}
	x := &target{id: 1}
	for i := range 100 {
		client := netip.AddrFrom4([4]byte{10, 0, 0, byte(i)})
		a.put(client, x, 0, time.Hour)
		if a.get(client, 1) != x {
			t.Fatalf("client %d was not remembered", i)
		}
	}
	if a.size() != 8 {
		t.Errorf("%d clients are remembered, want 8", a.size())
	}
}
