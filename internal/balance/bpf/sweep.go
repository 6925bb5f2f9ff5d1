package bpf

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cilium/ebpf"

	"github.com/holdfast-net/holdfast/internal/balance"
)

// interval between two sweeps. Timeouts are as exact as that.
const interval = 5 * time.Second

// batch is how many flows are read at once.
const batch = 4096

const (
	// piece is how many flows a sweep looks at before it rests.
	piece = 1024
	// rests is by how much of the time in which it worked it rests. All threads of
	// the daemon are in the real-time class: whoever waits for the processor, as the
	// kernel's own thread that forwards packets may, has it only when this one
	// leaves it.
	rests = 4
)

// Run looks after the flows until the context is over: those that have timed
// out are forgotten, the neighbours of backends are kept known, and the program
// is where links and routes lead.
func (p *Plane) Run(ctx context.Context) error {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	moved, err := moves(ctx)
	if err != nil {
		return err
	}
	for {
		if err := errors.Join(p.Sweep(), p.warm(), p.follow()); err != nil {
			return err
		}
		for waiting := true; waiting; {
			select {
			case <-ctx.Done():
				return nil
			case <-tick.C:
				waiting = false
			case <-moved:
				began := time.Now()
				if err := p.follow(); err != nil {
					return err
				}
				// Thousands of links may change at once.
				sleep(ctx, 10*time.Since(began))
			}
		}
	}
}

// Sweep forgets the flows that have timed out and those of targets that are
// gone, and counts what is left.
func (p *Plane) Sweep() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := monotonic()
	left := map[uint32]int64{}
	p.census = census{ports: map[translation]uint64{}}
	if err := p.sweep(p.objs.HfFlows, now, left); err != nil {
		return fmt.Errorf("cannot sweep flows: %w", err)
	}
	p.swept = now
	if err := p.sweep(p.objs.HfHalf, now, nil); err != nil {
		return fmt.Errorf("cannot sweep half-open flows: %w", err)
	}
	p.recount(left)
	return nil
}

func (p *Plane) sweep(m *ebpf.Map, now uint64, left map[uint32]int64) error {
	var at ebpf.MapBatchCursor
	keys, values := make([]flowKey, piece), make([]flow, piece)
	for {
		began := time.Now()
		n, err := m.BatchLookup(&at, keys, values, nil)
		if err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
			return err
		}
		for i := range n {
			p.census.count(keys[i], values[i], left != nil)
			if err := p.judge(m, keys[i], values[i], now, left); err != nil {
				return err
			}
		}
		if w := p.watcher.Load(); w != nil {
			w.wake()
		}
		if err != nil {
			return nil // that was the last batch
		}
		time.Sleep(time.Since(began) / rests)
	}
}

// judge forgets a flow that has ended. Each direction notes for itself when it
// was seen: the later one counts.
func (p *Plane) judge(m *ebpf.Map, k flowKey, f flow, now uint64, left map[uint32]int64) error {
	established := left != nil
	gone := p.gone(f)
	client := k.Side == clientSide
	if !gone && age(now, f.Seen) <= p.timeout(k, f, established) {
		if established && client && !f.closed() {
			left[f.Slot]++
		}
		if established && client {
			p.remind(k, f, now)
		}
		return nil
	}
	other := k.other(f.To)
	var back flow
	err := m.Lookup(other, &back)
	if err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
		return err
	}
	if err == nil && !gone && age(now, back.Seen) <= p.timeout(k, f, established) {
		if established && client && !f.closed() {
			left[f.Slot]++
		}
		if established && client && back.Ends&mirrored == 0 {
			p.tell(k, flow{Seen: back.Seen, Service: f.Service, Slot: f.Slot, ID: f.ID, Ends: f.Ends, To: f.To}, toldFlow)
		}
		return nil
	}
	of, backend := k, other
	if !client {
		of, backend = other, k
	}
	// What is judged was read with thousands of others. The client's port may
	// have begun anew since then, and this flow be another one.
	var current flow
	err = m.Lookup(of, &current)
	if err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
		return err
	}
	if err == nil && of.other(current.To) == backend {
		if !p.gone(current) && age(now, current.Seen) <= p.timeout(of, current, established) {
			return nil
		}
		if err := p.end(m, of, established); err != nil {
			return err
		}
	}
	// So may the port that full NAT had for it.
	if err = m.Lookup(backend, &back); err != nil || backend.other(back.To) != of {
		return ignoreMissing(err)
	}
	return ignoreMissing(m.Delete(backend))
}

// end deletes a client's flow, tells of it, and takes it off the tally, unless the kernel has
// when it closed.
func (p *Plane) end(m *ebpf.Map, k flowKey, established bool) error {
	if !established {
		return ignoreMissing(m.Delete(k))
	}
	var f flow
	if err := m.LookupAndDelete(k, &f); err != nil {
		return ignoreMissing(err)
	}
	if f.Ends&mirrored == 0 {
		p.tell(k, f, toldGone)
	}
	if f.closed() {
		return nil
	}
	if !p.gone(f) { // its slot may be another's
		p.tallies[f.Slot].flows.Add(-1)
	}
	if s := p.numbers[f.Service]; s != nil {
		p.tallies[s.nobody].flows.Add(-1)
	}
	return nil
}

// gone says whether a flow belongs to nobody.
func (p *Plane) gone(f flow) bool {
	t, ok := p.slots.used[f.Slot]
	return !ok || t.ID != f.ID || t.Service != f.Service
}

func age(now, seen uint64) time.Duration {
	return time.Duration(max(int64(now-seen), 0))
}

// timeout is by what the flow has come to. What another node has told of is
// kept until that one would have told of it again, if it still had it.
func (p *Plane) timeout(k flowKey, f flow, established bool) time.Duration {
	t := p.ownTimeout(k, f, established)
	if f.Ends&mirrored != 0 {
		t += t/reminders + 2*interval
	}
	return t
}

func (p *Plane) ownTimeout(k flowKey, f flow, established bool) time.Duration {
	s := p.numbers[f.Service]
	if s == nil || s.plan == nil {
		return 24 * time.Hour // of an earlier run: the first Apply will tell
	}
	t := s.plan.Service.Timeouts
	switch {
	case balance.Proto(k.Proto) == balance.UDP && established && f.Ends&answered != 0:
		return t.UDPAssured
	case balance.Proto(k.Proto) == balance.UDP:
		return t.UDP
	case !established && f.closed():
		return min(t.HalfOpen, t.Closed)
	case !established:
		return t.HalfOpen
	case f.closed():
		return t.Closed
	case f.Ends&(clientFin|backendFin) != 0:
		return t.Closing
	}
	return t.Established
}

// recount corrects tallies that have gone wrong: two CPUs, or a CPU and a
// sweep, may end a flow at the same time. Flows begin and end while a sweep is
// under way, so it takes two that find the same.
func (p *Plane) recount(left map[uint32]int64) {
	drift := map[uint32]int64{}
	for _, s := range p.services {
		sum := int64(0)
		for _, slot := range s.slots {
			sum += left[slot]
		}
		left[s.nobody] = sum
		for _, slot := range append([]uint32{s.nobody}, s.slots...) {
			d := p.tallies[slot].flows.Load() - left[slot]
			if d == 0 {
				continue
			}
			if p.drift[slot] == d {
				p.tallies[slot].flows.Add(-d)
				continue
			}
			drift[slot] = d
		}
	}
	p.drift = drift
}
