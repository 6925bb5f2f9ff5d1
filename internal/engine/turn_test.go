package engine

import (
	"net/netip"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/group"
	"github.com/holdfast-net/holdfast/vrrp"
)

// stranger gives an advert of another node for the first of manyGroups.
func stranger(t testing.TB, h *byHand, priority uint8) Datagram {
	t.Helper()
	src := netip.MustParseAddr("192.0.2.9")
	peer, err := vrrp.New(vrrp.Config{
		VRID: 1, Family: vrrp.IPv4, Priority: priority, Interval: time.Second,
		Source: src, Addresses: []netip.Addr{netip.MustParseAddr("192.0.3.1")},
	})
	if err != nil {
		t.Fatal(err)
	}
	return Datagram{
		Port: 1, Kind: Advert, Family: vrrp.IPv4, Src: src, Dst: vrrp.Group4, TTL: 255,
		Data: peer.AppendAdvert(nil, h.now, vrrp.Group4, priority),
	}
}

// A process that was stopped between looking at its clock and reading its
// sockets does not know when what it read was sent: it may have been a moment
// ago. Counted from when it looked, its patience would end before the sender's
// hold.
func TestTurn_StoppedWhileReading(t *testing.T) {
	h := newByHand(t, manyGroups(1, 100, time.Second))
	h.until(t, group.Backup)
	h.in[0] = stranger(t, h, 150)
	looked := h.now
	h.now = h.now.Add(2900 * time.Millisecond)
	h.turn(1, looked)
	u := h.sortedUnits()[0]
	if got := u.set.Deadline().Sub(h.now); got < 3*time.Second {
		t.Errorf("the holder is given %s to be heard again", got)
	}
}

// Nor does it know whether the holder has spoken that it misses: it looks
// again first.
func TestTurn_StoppedBeforeATimer(t *testing.T) {
	h := newByHand(t, manyGroups(1, 100, time.Second))
	h.until(t, group.Backup)
	u := h.sortedUnits()[0]
	claims := func() bool { return u.set.View().Claiming }

	h.now = u.set.Deadline().Add(-time.Millisecond)
	looked := h.now
	h.now = h.now.Add(time.Second)
	h.turn(0, looked)
	if claims() {
		t.Error("it claims on a timer that fell due while it was stopped")
	}
	if at := h.wake(h.now); at.After(h.now) {
		t.Error("it does not look again at once")
	}
	h.turn(0, h.now)
	if !claims() {
		t.Error("it does not claim although nobody is heard")
	}
}

// A holder waits for nobody: the advert that is due is sent in that round.
func TestTurn_StoppedHolderSpeaks(t *testing.T) {
	h := newByHand(t, manyGroups(1, 100, time.Second))
	h.until(t, group.Active)
	for range 50 {
		h.round(100 * time.Millisecond) // past the announcements
	}
	u := h.sortedUnits()[0]
	before := u.set.Router(0).Counters().Sent
	looked := u.set.Deadline().Add(-time.Millisecond)
	h.now = looked.Add(time.Second)
	h.turn(0, looked)
	if got := u.set.Router(0).Counters().Sent - before; got != 1 {
		t.Errorf("%d adverts were sent, want the one that is due", got)
	}
}
