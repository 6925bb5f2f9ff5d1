package proxy

import (
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/balance"
	"github.com/holdfast-net/holdfast/internal/balance/flowhash"
)

// newView is a view of targets with these weights, and with a table of as many
// slots for each.
func newView(how balance.Select, weights ...uint32) *view {
	p := &balance.Plan{Service: &balance.Service{}, Select: how}
	for i, w := range weights {
		p.Targets = append(p.Targets, balance.Target{ID: uint32(i + 1), Weight: w})
		for range w {
			p.Table = append(p.Table, uint16(i))
		}
	}
	return viewOf(p, nil)
}

// limit gives a target one flow at most.
func (v *view) limit(place int) {
	v.plan.Targets[place].MaxFlows = 1
	v.targets[place].limit.Store(1)
}

func newPicker() *loop {
	return &loop{rand: rand.New(rand.NewPCG(1, 2)), turns: map[*service]uint32{}}
}

func TestPick_Spreads(t *testing.T) {
	to := netip.MustParseAddrPort("192.0.2.10:443")
	for _, tt := range []struct {
		how    balance.Select
		within int // of 6000 flows
	}{{balance.InTurn, 1}, {balance.Least, 1}, {balance.LeastOfTwo, 400}, {balance.ByFlow, 200}, {balance.BySource, 200}} {
		l, s, v := newPicker(), &service{}, newView(tt.how, 1, 2, 3)
		for i := range 6000 {
			from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 51, byte(i >> 8), byte(i)}), uint16(1024+i))
			if got, _ := l.pick(s, v, balance.TCP, from, to, nil); got == nil {
				t.Fatal("nobody")
			}
		}
		for i, weight := range []int{1, 2, 3} {
			if got, want := int(v.targets[i].flows.Load()), 1000*weight; got < want-tt.within || got > want+tt.within {
				t.Errorf("select %d: target of weight %d has %d of 6000 flows", tt.how, weight, got)
			}
		}
	}
}

func TestPick_IsTheHashThatAllPlanesHave(t *testing.T) {
	l, s, v := newPicker(), &service{}, newView(balance.ByFlow, 100, 100, 100)
	from, to := netip.MustParseAddrPort("198.51.100.7:40000"), netip.MustParseAddrPort("192.0.2.10:443")
	want := v.plan.Table[flowhash.Slot(flowhash.Flow(v.plan.Seed, from, to, uint8(balance.TCP)), uint32(len(v.plan.Table)))]
	for range 5 {
		if got, _ := l.pick(s, v, balance.TCP, from, to, nil); got != v.targets[want] {
			t.Fatalf("target %d, want %d", got.id, want+1)
		}
	}
}

func TestPick_PassesOverWhoIsFullOrFailed(t *testing.T) {
	from, to := netip.MustParseAddrPort("198.51.100.7:40000"), netip.MustParseAddrPort("192.0.2.10:443")
	for _, how := range []balance.Select{balance.InTurn, balance.Least, balance.LeastOfTwo, balance.ByFlow, balance.BySource} {
		l, s, v := newPicker(), &service{}, newView(how, 1, 1, 1)
		v.limit(0)
		v.targets[0].flows.Store(1)
		for range 10 {
			if got, _ := l.pick(s, v, balance.TCP, from, to, v.targets[1]); got != v.targets[2] {
				t.Fatalf("select %d: chose %d", how, got.id)
			}
		}
		for i, x := range v.targets {
			v.limit(i)
			x.flows.Store(1)
		}
		if got, full := l.pick(s, v, balance.TCP, from, to, nil); got != nil || !full {
			t.Errorf("select %d: all are full, and it chose %v", how, got)
		}
		// The one that has failed is better than nobody.
		v.targets[1].flows.Store(0)
		if got, _ := l.pick(s, v, balance.TCP, from, to, v.targets[1]); got != v.targets[1] {
			t.Errorf("select %d: chose %v, want the one that has failed", how, got)
		}
	}
}

func TestRate(t *testing.T) {
	var r rate
	at, n := int64(time.Hour), 0
	for i := range 10_000 { // ten seconds, a thousand asked for a second
		if r.take(at+int64(i)*int64(time.Millisecond), 100) {
			n++
		}
	}
	if n < 1000 || n > 1011 { // a burst of a tenth of a second beyond it
		t.Errorf("%d in ten seconds at 100 a second", n)
	}
}
