package bpf

import (
	"sync"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/balance"
	"github.com/holdfast-net/holdfast/internal/balance/packets"
)

// A backend's slot that another one has got since is not taken for the same.
func TestSlotsThatAreUsedAgainAreNotMistaken(t *testing.T) {
	f := families[0]
	p := newPair(t, Config{})
	must(t, p.a.Apply([]*balance.Plan{f.plan(1, nil)}))
	must(t, p.b.Apply([]*balance.Plan{f.plan(1, nil)}))
	p.install(p.open(at(f.client, 1001), at(f.vip, 80)))
	p.same(1)
	swapped := f.plan(1, func(p *balance.Plan) { p.Targets[0].ID, p.Targets[0].Addr = 2, at(f.backends[1], 8080) })
	for _, plane := range []*Plane{p.a, p.b} {
		plane.mu.Lock()
		slot := plane.services["web"].slots[0]
		plane.mu.Unlock()
		must(t, plane.Apply([]*balance.Plan{f.plan(1, func(p *balance.Plan) { p.Targets, p.Table = nil, nil })}))
		plane.mu.Lock()
		plane.slots.next = slot
		plane.slots.freed[slot] = time.Time{} // as if it were long ago
		plane.mu.Unlock()
		must(t, plane.Apply([]*balance.Plan{swapped}))
		plane.mu.Lock()
		if got := plane.services["web"].slots[0]; got != slot {
			t.Errorf("slot %d, want %d again", got, slot)
		}
		plane.mu.Unlock()
	}
	if got := walked(t, p.a); len(got) != 0 {
		t.Errorf("a flow of the one before is told as %+v", got)
	}
	p.install(p.open(at(f.client, 1002), at(f.vip, 80)))
	must(t, p.a.Sweep())
	must(t, p.b.Sweep())
	gone := p.news(1)
	if !gone[0].Gone || gone[0].Client != at(f.client, 1001) {
		t.Errorf("told %+v, want that the flow of the one before is gone", gone)
	}
	p.install(gone...)
	p.same(1)
}

// A follower keeps what the holder still has, is told of it again, and tells
// nothing of it itself.
func TestFollowersForgetLater(t *testing.T) {
	f := families[0]
	p := newPair(t, Config{})
	plan := f.plan(1, nil)
	must(t, p.a.Apply([]*balance.Plan{plan}))
	must(t, p.b.Apply([]*balance.Plan{plan}))
	var told []balance.Change
	var mu sync.Mutex
	stop, err := p.b.Watch(func(changes []balance.Change, _ bool) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, changes...)
	})
	must(t, err)
	defer stop()
	idle := func(c balance.Change, d time.Duration) balance.Change {
		c.Idle = d
		return c
	}
	// The holder's timeout is 2 hours; this machine runs for less, so the flow's
	// is a minute.
	short := *plan
	service := *plan.Service
	service.Timeouts.Established = 20 * time.Second
	short.Service = &service
	must(t, p.a.Apply([]*balance.Plan{&short}))
	must(t, p.b.Apply([]*balance.Plan{&short}))
	flow := p.open(at(f.client, 1001), at(f.vip, 80))
	p.install(idle(flow, 30*time.Second)) // 20 s, a quarter of that, and two sweeps are 35 s
	must(t, p.b.Sweep())
	p.same(1)
	p.install(idle(flow, 0))
	p.same(1)
	// Reminded, once in a quarter of the timeout.
	must(t, p.a.Sweep())
	p.a.mu.Lock()
	p.a.swept -= uint64(service.Timeouts.Established / reminders)
	p.a.mu.Unlock()
	must(t, p.a.Sweep())
	if again := p.news(1)[0]; again.Gone || again.Client != flow.Client {
		t.Errorf("told %+v, want that it lives", again)
	}
	must(t, p.a.Sweep())
	p.quiet()
	// Nothing was told of what the follower did not see; what it sees it tells.
	must(t, p.b.Sweep())
	if refused, err := p.b.Install([]balance.Change{{Flow: flow.Flow, Gone: true}}); refused != 0 || err != nil {
		t.Error(refused, err)
	}
	p.give(p.b, at(f.client, 1002), at(f.vip, 80), packets.TCP, packets.SYN)
	p.give(p.b, at(f.client, 1002), at(f.vip, 80), packets.TCP, packets.ACK)
	waitFor(t, "the follower's own flow", func() bool { mu.Lock(); defer mu.Unlock(); return len(told) > 0 })
	mu.Lock()
	defer mu.Unlock()
	if len(told) != 1 || told[0].Client != at(f.client, 1002) {
		t.Errorf("the follower told %+v", told)
	}
}
