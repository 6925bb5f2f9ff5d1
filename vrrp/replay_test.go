package vrrp

import (
	"net/netip"
	"testing"
	"time"
)

func TestSequence_Order(t *testing.T) {
	for _, c := range []struct {
		a, b sequence
		want bool
	}{
		{1, 0, true},
		{0, 1, false},
		{5, 5, false},
		{0, 1<<64 - 1, true}, // past the wrap of 2106
		{1<<64 - 1, 0, false},
		{1 << 63, 1, true},
		{1<<63 + 1, 1, false},
	} {
		if got := c.a.after(c.b); got != c.want {
			t.Errorf("%#x after %#x: %v, want %v", uint64(c.a), uint64(c.b), got, c.want)
		}
	}
}

func TestSequence_Next(t *testing.T) {
	const window = 5 * time.Second
	at := time.Unix(1000, 0)
	clock := sequenceAt(at)
	for _, c := range []struct {
		name string
		last sequence
		want sequence
	}{
		{"first", 0, clock},
		{"the clock moved on", sequenceAt(at.Add(-time.Second)), clock},
		{"the clock stands still", clock, clock + 1},
		{"the counter is full", clock + 0xffff, clock + 0x10000},
		{"the clock went back a little", sequenceAt(at.Add(5 * time.Second)), sequenceAt(at.Add(5*time.Second)) + 1},
		{"the clock went back for good", sequenceAt(at.Add(6 * time.Second)), clock},
	} {
		if got := c.last.next(at, window); got != c.want {
			t.Errorf("%s: %#x, want %#x", c.name, uint64(got), uint64(c.want))
		}
	}
	// Over the wrap of the 32 bits of seconds.
	end := time.Unix(1<<32-1, 999_999_999)
	if a, b := sequenceAt(end), sequenceAt(end.Add(time.Nanosecond)); !b.after(a) || uint32(b>>32) != 0 {
		t.Errorf("%#x is not after %#x", uint64(b), uint64(a))
	}
}

// Clocks may differ by the window.
func TestReplay_Window(t *testing.T) {
	for _, c := range []struct {
		window, ahead time.Duration
		want          Drop
	}{
		{0, 0, DropNone},
		{0, 5 * time.Second, DropNone},
		{0, -5 * time.Second, DropNone},
		{0, 6 * time.Second, DropReplay},
		{0, -6 * time.Second, DropReplay},
		{time.Second, 2 * time.Second, DropReplay},
		{300 * time.Second, -300 * time.Second, DropNone},
		{300 * time.Second, 24 * time.Hour, DropReplay},
	} {
		cfg := ipv4(hmacOf(Enforce, 1, 1))
		cfg.HMAC.Window = c.window
		n := backup(t, cfg)
		peer := backup(t, changed(cfg, []func(*Config){source(higher)}))
		b := peer.AppendAdvert(nil, n.now.Add(c.ahead), Group4, 200)
		n.Step(n.now, Received(&Packet{Src: higher, Dst: Group4, TTL: 255, Payload: b}), nil)
		if got := n.Counters(); got.Dropped[c.want] != 1 && c.want != DropNone || c.want == DropNone && got.Received != 1 {
			t.Errorf("window %s, clock %s ahead: counters %+v, want %s", c.window, c.ahead, got, c.want)
		}
	}
	// With a slow interval the default window is three of them.
	n := place(t, ipv4(interval(10*time.Second), hmacOf(Enforce, 1, 1)))
	if got := n.Config().HMAC.Window; got != 30*time.Second {
		t.Errorf("window %s, want 30s", got)
	}
}

// Captured adverts are worth nothing: neither at once nor out of order.
func TestReplay_NothingTwice(t *testing.T) {
	cfg := ipv4(hmacOf(Enforce, 1, 1))
	n := backup(t, cfg)
	peer := place(t, changed(cfg, []func(*Config){source(higher)}))
	var captured []*Packet
	for range 5 {
		p := &Packet{Src: higher, Dst: Group4, TTL: 255, Payload: peer.AppendAdvert(nil, n.now, Group4, 200)}
		captured = append(captured, p)
		n.do(Received(p))
	}
	for _, p := range captured {
		n.Step(n.now, Received(p), nil)
	}
	if c := n.Counters(); c.Received != 5 || c.Dropped[DropReplay] != 5 {
		t.Errorf("counters %+v, want 5 accepted and 5 dropped", c)
	}
}

// A sender whose clock was set back is heard again once what it sent with the
// wrong clock lies outside the window.
func TestReplay_RecoversFromAWrongClock(t *testing.T) {
	cfg := ipv4(hmacOf(Enforce, 1, 1))
	n := backup(t, cfg)
	peer := place(t, changed(cfg, []func(*Config){source(higher)}))
	send := func(ahead time.Duration) *Packet {
		return &Packet{Src: higher, Dst: Group4, TTL: 255, Payload: peer.AppendAdvert(nil, n.now.Add(ahead), Group4, 200)}
	}
	n.do(Received(send(4 * time.Second)))
	peer = place(t, changed(cfg, []func(*Config){source(higher)})) // restarted, with the right clock
	n.Step(n.now, Received(send(0)), nil)
	n.now = n.now.Add(10 * time.Second)
	n.do(Received(send(0)))
	if c := n.Counters(); c.Received != 2 || c.Dropped[DropReplay] != 1 {
		t.Errorf("counters %+v, want 2 accepted and 1 dropped", c)
	}
}

// Four multicast senders are remembered, the least recently heard goes first.
// Unicast peers have a slot each.
func TestReplay_Slots(t *testing.T) {
	fresh := func(table *replayTable, host byte, seq sequence) bool {
		return table.fresh(begin, netip.AddrFrom4([4]byte{192, 0, 2, host}), seq)
	}
	table := &replayTable{limit: multicastSlots, window: time.Minute}
	base := sequenceAt(begin)
	for host := range byte(4) {
		fresh(table, host, base+5)
	}
	fresh(table, 0, base+6) // now 1 is the least recently heard
	fresh(table, 4, base+5) // and gives way
	for host, known := range []bool{true, false, true, true, true} {
		before := len(table.slots)
		probe := replayTable{slots: append([]replaySlot(nil), table.slots...), limit: multicastSlots, window: time.Minute}
		if got := !fresh(&probe, byte(host), base+1); got != known {
			t.Errorf("sender %d known %v, want %v", host, got, known)
		}
		if len(table.slots) != before {
			t.Fatal("the probe changed the table")
		}
	}

	var peers []netip.Addr
	for host := range byte(20) {
		peers = append(peers, netip.AddrFrom4([4]byte{192, 0, 2, host}))
	}
	table = &replayTable{window: time.Minute}
	table.keep(peers)
	for host := range byte(20) {
		fresh(table, host, base+5)
	}
	for host := range byte(20) {
		if fresh(table, host, base+5) {
			t.Errorf("peer %d was forgotten", host)
		}
	}
	table.keep(peers[10:])
	if len(table.slots) != 10 {
		t.Errorf("%d slots for 10 peers", len(table.slots))
	}
}
