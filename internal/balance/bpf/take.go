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

// Install is balance.Mirror's. As many calls go on at a time as there are lanes.
func (p *Plane) Install(changes []balance.Change) (refused int, err error) {
	p.alive.RLock()
	defer p.alive.RUnlock()
	if p.watch == nil {
		return len(changes), fmt.Errorf("cannot take flows over: %w", balance.ErrGone)
	}
	lane := <-p.lanes
	defer func() { p.lanes <- lane }()
	inbox := p.inbox[int(lane)*mostTaken:][:mostTaken]
	now, names := monotonic(), p.names.Load()
	refuse := func(c *balance.Change, why error) {
		if refused++; err == nil {
			err = fmt.Errorf("cannot take over the flow of %s to %s: %w", c.Client, c.Listen, why)
		}
	}
	frame := make([]byte, 14) // of the size of Ethernet's header, the smallest that there is
	frame[0] = lane
	from := make([]*balance.Change, 0, mostTaken) // of what is in the inbox
	for len(changes) > 0 {
		from = from[:0]
		for len(changes) > 0 && len(from) < mostTaken {
			c := &changes[0]
			changes = changes[1:]
			t, why := names.told(c, now)
			switch {
			case why == nil:
				inbox[len(from)] = t
				from = append(from, c)
			case !c.Gone:
				refuse(c, why)
			}
		}
		if len(from) < mostTaken {
			inbox[len(from)].What = 0
		}
		if _, err := p.objs.HoldfastTake1.Run(&ebpf.RunOptions{Data: frame}); err != nil {
			return refused, fmt.Errorf("cannot take flows over: %w", err)
		}
		for i, c := range from {
			if why := answers[inbox[i].Answer]; why != nil {
				refuse(c, why)
			}
		}
	}
	return refused, err
}

// mostTaken is how many flows a lane has room for, and lanes how many there are:
// INBOX and LANES of bpf/take.h.
const (
	mostTaken = 256
	lanes     = 4
)
