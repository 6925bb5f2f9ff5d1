package engine

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/group"
	"github.com/holdfast-net/holdfast/vrrp"
)

// quietWire takes everything and gives nothing.
type quietWire struct{ sent int }

func (w *quietWire) Open(string) (Port, error)        { return 1, nil }
func (w *quietWire) Close(Port) error                 { return nil }
func (*quietWire) OpenBFD(Port) error                 { return nil }
func (*quietWire) OpenAnswers(Port, netip.Addr) error { return nil }
func (*quietWire) CloseAnswers(Port, netip.Addr)      {}
func (w *quietWire) Wake()                            {}
func (w *quietWire) Send(out []Outgoing)              { w.sent += len(out) }

func (w *quietWire) Wait(time.Time, []Datagram) (int, time.Time, error) {
	return 0, time.Time{}, nil
}

// Now and Set make a byHand its gate.
func (h *byHand) Now() Instant   { return Instant(h.now.UnixNano()) }
func (h *byHand) Set(Slot, Hold) {}

// quietHands keep their orders until they are asked to carry them out.
type quietHands struct{ ops []Op }

func (h *quietHands) Submit(op Op) { h.ops = append(h.ops, op) }
func (h *quietHands) Close() error { return nil }

// byHand is an engine whose rounds a test turns itself, at times of its own.
type byHand struct {
	*Engine
	wire  quietWire
	hands quietHands
	now   time.Time
}

func newByHand(t testing.TB, cfg *config.Config) *byHand {
	t.Helper()
	h := &byHand{now: time.Unix(1_800_000_000, 0)}
	h.Engine = New(Options{Wire: &h.wire, Hands: &h.hands, Gate: h, Clock: func() time.Time { return h.now }})
	h.changed(h.now, Change{Link: Link{
		Name: "eth0", Index: 2, Up: true,
		Addresses: []netip.Prefix{netip.MustParsePrefix("192.0.2.1/24"), netip.MustParsePrefix("fe80::1/64")},
	}})
	cfg.Node = "lb1"
	if err := h.apply(h.now, cfg); err != nil {
		t.Fatal(err)
	}
	h.round(0)
	return h
}

// round advances the time and turns one round of the loop.
func (h *byHand) round(d time.Duration) {
	h.now = h.now.Add(d)
	for _, op := range h.hands.ops {
		h.carried(h.now, Result{Op: op, MAC: [6]byte{0, 0, 0x5e, 0, 1, op.VRID}, Virtual: true})
	}
	h.hands.ops = h.hands.ops[:0]
	for _, f := range h.inbox.take() {
		f(h.now)
	}
	h.tick(h.now)
	h.talk(h.now)
	h.send()
}

func (h *byHand) until(t testing.TB, s group.State) {
	t.Helper()
	for range 100_000 {
		if !slices.ContainsFunc(h.sortedUnits(), func(u *unit) bool { return u.set.State() != s }) {
			return
		}
		h.round(time.Millisecond)
	}
	t.Fatalf("the groups did not become %s", s)
}

func manyGroups(n int, priority uint8, interval time.Duration) *config.Config {
	cfg := &config.Config{}
	for i := range n {
		id := uint8(i + 1)
		cfg.Groups = append(cfg.Groups, config.Group{
			Name: "g" + string(rune('a'+i/26)) + string(rune('a'+i%26)), Interface: "eth0",
			Addresses: []netip.Prefix{netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 0, 3, id}), 24)},
			VRRP: config.VRRP{
				ID: id, Priority: priority, Interval: interval, Version: 3, Preempt: true, Accept: true,
			},
		})
	}
	return cfg
}

// Garbage is collected at the cost of lateness, so the loop makes none.
func TestEngine_AnActiveNodeAllocatesNothing(t *testing.T) {
	h := newByHand(t, manyGroups(50, 150, 10*time.Millisecond))
	h.until(t, group.Active)
	for range 5000 { // past the burst of announcements
		h.round(time.Millisecond)
	}
	before := h.wire.sent
	if got := testing.AllocsPerRun(500, func() { h.round(time.Millisecond) }); got > 0 {
		t.Errorf("a round of an active node allocates %.1f times", got)
	}
	if h.wire.sent-before < 1000 {
		t.Fatalf("only %d packets were sent: this measured nothing", h.wire.sent-before)
	}
}

func TestEngine_ABackupAllocatesNothing(t *testing.T) {
	h := newByHand(t, manyGroups(50, 100, 10*time.Millisecond))
	h.until(t, group.Backup)
	peer, err := vrrp.New(vrrp.Config{
		VRID: 7, Family: vrrp.IPv4, Priority: 200, Interval: 10 * time.Millisecond,
		Source: netip.MustParseAddr("192.0.2.9"), Addresses: []netip.Addr{netip.MustParseAddr("192.0.3.7")},
	})
	if err != nil {
		t.Fatal(err)
	}
	advert := peer.AppendAdvert(nil, h.now, vrrp.Group4, 200)
	d := &Datagram{
		Port: 1, Kind: Advert, Family: vrrp.IPv4, Src: netip.MustParseAddr("192.0.2.9"), Dst: vrrp.Group4, TTL: 255, Data: advert,
	}
	h.datagram(h.now, d)
	if got := testing.AllocsPerRun(500, func() { h.datagram(h.now, d) }); got > 0 {
		t.Errorf("receiving an advert allocates %.1f times", got)
	}
	r := h.routes[route{1, vrrp.IPv4, 7}]
	if heard := r.unit.set.Router(0).Counters().Received; heard < 500 {
		t.Fatalf("only %d adverts were accepted: this measured nothing", heard)
	}
}

func BenchmarkEngine_AdvertsOf255Groups(b *testing.B) {
	h := newByHand(b, manyGroups(255, 150, 10*time.Millisecond))
	h.until(b, group.Active)
	b.ReportAllocs()
	for b.Loop() {
		h.round(10 * time.Millisecond)
	}
}
