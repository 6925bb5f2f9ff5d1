package bpf

import (
	"testing"

	"github.com/holdfast-net/holdfast/internal/balance"
	"github.com/holdfast-net/holdfast/internal/balance/packets"
)

// A sweep reads many flows at once, and judges one after the other. A client that
// connects again from the same port meanwhile has a flow that nobody judged.
func TestSweepLeavesWhatHasBegunSince(t *testing.T) {
	f := families[0]
	p := newPair(t, Config{})
	must(t, p.a.Apply([]*balance.Plan{f.plan(2, nil)}))
	p.open(at(f.client, 1001), at(f.vip, 80))
	k := flowKey{
		Tuple: tuple{Src: f.client.As16(), Dst: f.vip.As16(), Sport: portOf(1001), Dport: portOf(80)}, Proto: packets.TCP,
	}
	var now flow
	must(t, p.a.objs.HfFlows.Lookup(k, &now))
	before := now
	before.Seen, before.Ends = 0, reset
	elsewhere := before
	elsewhere.To.Dst = f.backends[2].As16()
	for name, judged := range map[string]flow{"to the same backend": before, "to another one": elsewhere} {
		p.a.mu.Lock()
		err := p.a.judge(p.a.objs.HfFlows, k, judged, monotonic(), map[uint32]int64{})
		p.a.mu.Unlock()
		must(t, err)
		var got, back flow
		if err := p.a.objs.HfFlows.Lookup(k, &got); err != nil || got.To != now.To {
			t.Errorf("after one %s has ended: %+v, %v", name, got, err)
		}
		if err := p.a.objs.HfFlows.Lookup(k.other(now.To), &back); err != nil {
			t.Errorf("after one %s has ended, the way back: %v", name, err)
		}
	}
}

// A port of full NAT may be another flow's since the one that was read with it
// has ended.
func TestSweepLeavesAPortThatWasTakenSince(t *testing.T) {
	f := families[0]
	p := newPair(t, Config{})
	must(t, p.a.Apply([]*balance.Plan{f.plan(1, func(p *balance.Plan) { p.Service.Forward = balance.FullNAT })}))
	p.open(at(f.client, 1001), at(f.vip, 80))
	k := flowKey{
		Tuple: tuple{Src: f.client.As16(), Dst: f.vip.As16(), Sport: portOf(1001), Dport: portOf(80)}, Proto: packets.TCP,
	}
	var now, back flow
	must(t, p.a.objs.HfFlows.Lookup(k, &now))
	before, was := now, k
	before.ID = 99                 // of a backend that was removed, and is back
	was.Tuple.Sport = portOf(1002) // who had the port before
	p.a.mu.Lock()
	err := p.a.judge(p.a.objs.HfFlows, was, before, monotonic(), map[uint32]int64{})
	p.a.mu.Unlock()
	must(t, err)
	if err := p.a.objs.HfFlows.Lookup(k.other(now.To), &back); err != nil {
		t.Error("the way back of a new flow is gone:", err)
	}
}
