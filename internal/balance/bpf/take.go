package bpf

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"

	"github.com/holdfast-net/holdfast/internal/balance"
)

var _ balance.Mirror = (*Plane)(nil)

// Why a flow of another node cannot be put here.
var (
	errUnknownService = errors.New("no such service here")
	errUnknownBackend = errors.New("the service has no such backend here")
	errOtherForward   = errors.New("the service forwards in another way here")
	errNoRoom         = errors.New("the table of flows is full")
	errNoPort         = errors.New("another flow has its way back")
)

// answers are those of enum answer in bpf/take.h.
var answers = [...]error{nil, errUnknownBackend, errNoRoom, errNoPort}

// Walk is balance.Mirror's. Flows that begin or end meanwhile may be in it or
// not.
func (p *Plane) Walk(some func(flows []balance.Flow) bool) error {
	p.alive.RLock()
	defer p.alive.RUnlock()
	if p.watch == nil {
		return fmt.Errorf("cannot read flows: %w", balance.ErrGone)
	}
	var at ebpf.MapBatchCursor
	keys, values := make([]flowKey, batch), make([]flow, batch)
	flows := make([]balance.Flow, 0, batch)
	for {
		n, err := p.objs.HfFlows.BatchLookup(&at, keys, values, nil)
		if err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
			return fmt.Errorf("cannot read flows: %w", err)
		}
		now, names := monotonic(), p.names.Load()
		flows = flows[:0]
		for i := range n {
			if keys[i].Side != clientSide {
				continue
			}
			if f, known := names.flow(keys[i], values[i], now); known {
				flows = append(flows, f)
			}
		}
		if len(flows) > 0 && !some(flows) || err != nil {
			return nil
		}
	}
}

// Install is balance.Mirror's.
func (p *Plane) Install(changes []balance.Change) (refused int, err error) {
	p.alive.RLock()
	defer p.alive.RUnlock()
	if p.watch == nil {
		return len(changes), fmt.Errorf("cannot take flows over: %w", balance.ErrGone)
	}
	p.installing.Lock()
	defer p.installing.Unlock()
	now, names := monotonic(), p.names.Load()
	refuse := func(c balance.Change, why error) {
		if refused++; err == nil {
			err = fmt.Errorf("cannot take over the flow of %s to %s: %w", c.Client, c.Listen, why)
		}
	}
	from := make([]balance.Change, 0, len(p.inbox)) // of what is in the inbox
	for len(changes) > 0 {
		from = from[:0]
		for len(changes) > 0 && len(from) < len(p.inbox) {
			c := changes[0]
			changes = changes[1:]
			t, why := names.told(c, now)
			switch {
			case why == nil:
				p.inbox[len(from)] = t
				from = append(from, c)
			case !c.Gone:
				refuse(c, why)
			}
		}
		if len(from) < len(p.inbox) {
			p.inbox[len(from)].What = 0
		}
		if _, err := p.objs.HoldfastTake1.Run(&ebpf.RunOptions{Data: make([]byte, 14)}); err != nil {
			return refused, fmt.Errorf("cannot take flows over: %w", err)
		}
		for i, c := range from {
			if why := answers[p.inbox[i].Answer]; why != nil {
				refuse(c, why)
			}
		}
	}
	return refused, err
}
