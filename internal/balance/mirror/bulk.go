package mirror

import (
	"fmt"
	"slices"
	"time"

	"github.com/holdfast-net/holdfast/internal/balance"
)

// bulk is a walk of all flows, on its way to one peer.
type bulk struct {
	number  uint32
	listens []balance.Endpoint
	begun   time.Time
	flows   uint64
	waits   bool // for the other side
	again   again
}

// again remembers what changed during a walk, the last word on each flow: the
// walk may have looked at it before, and be told after.
type again struct {
	all []fresh
	at  map[id]int
}

func (a *again) put(c *balance.Change, now time.Time) {
	key := idOf(&c.Flow)
	if i, known := a.at[key]; known {
		a.all[i] = fresh{*c, now}
		return
	}
	if a.at == nil {
		a.at = map[id]int{}
	}
	a.at[key] = len(a.all)
	a.all = append(a.all, fresh{*c, now})
}

// want has all flows of services told, as soon as may be.
func (m *Machine) want(t *teller, listens []balance.Endpoint) {
	for _, l := range listens {
		if !slices.Contains(t.wanted, l) {
			t.wanted = append(t.wanted, l)
		}
	}
}

// begin begins a walk, if one is wanted. A node that has begun to hold a moment
// ago waits: packets are still arriving elsewhere, and it has better to do.
func (m *Machine) begin(t *teller) {
	if t.bulk != nil || len(t.wanted) == 0 {
		return
	}
	listens := slices.DeleteFunc(t.wanted, func(l balance.Endpoint) bool { return !slices.Contains(t.holds, l) || m.of(l, t.key) == nil })
	t.wanted = listens
	at := t.soonest
	for _, l := range listens {
		if due := m.held[l.Addr()].Add(settled); due.After(at) {
			at = due
		}
	}
	switch {
	case len(listens) == 0:
		return
	case at.After(m.now):
		m.due(at)
		return
	}
	t.wanted = nil
	t.number++
	t.bulk = &bulk{number: t.number, listens: listens, begun: m.now}
	// What was gathered is older than the walk.
	m.flush(t, true)
	m.send(t, FrameBegin, begin{t.number, listens}.append(nil), time.Time{})
	m.do(Action{Kind: ActionWalk, Conn: t.conn, Bulk: t.number})
}

// walked tells some flows of a walk.
func (m *Machine) walked(e Walked) {
	t := m.walks(e.Conn, e.Bulk)
	if t == nil {
		return
	}
	some := make([]balance.Change, 0, min(most, len(e.Flows)))
	tell := func() {
		if len(some) > 0 {
			m.send(t, FrameFlows, appendChanges(nil, some), time.Time{})
			t.bulk.flows += uint64(len(some))
			t.told += uint64(len(some))
			some = some[:0]
		}
	}
	for i := range e.Flows {
		f := &e.Flows[i]
		s := m.of(f.Listen, t.key)
		c := balance.Change{Flow: *f}
		if s == nil || !slices.Contains(t.bulk.listens, f.Listen) || !s.matters(&c) {
			continue
		}
		if some = append(some, c); len(some) == most {
			tell()
		}
	}
	tell()
	if t.inFlight < bulkWindow {
		m.do(Action{Kind: ActionMore, Conn: t.conn, Bulk: e.Bulk})
	} else {
		t.bulk.waits = true
	}
}

// walkEnded ends a walk. What changed during it is told once more: the follower
// may have heard of a flow's end before it heard, from the walk, that it was
// there.
func (m *Machine) walkEnded(e WalkEnded) {
	t := m.walks(e.Conn, e.Bulk)
	if t == nil {
		return
	}
	b := t.bulk
	took := m.now.Sub(b.begun)
	t.bulk = nil
	if e.Err != nil {
		t.soonest = m.now.Add(patience)
		m.want(t, b.listens)
		m.record("", CodeWalk, fmt.Sprintf("%s is not told of all flows: %v (it is tried again)", t.node, e.Err))
		return
	}
	t.pending = append(t.pending, b.again.all...)
	m.flush(t, true)
	m.send(t, FrameEnd, end{b.number, b.flows}.append(nil), time.Time{})
	t.ends = t.seq
	t.soonest = m.now.Add(hurry * took)
	t.refresh = m.now.Add(max(refresh, spacing*took))
}

// giveUp ends a walk before its end. The next one begins anew.
func (m *Machine) giveUp(t *teller) {
	if t.bulk != nil {
		m.do(Action{Kind: ActionStop, Conn: t.conn, Bulk: t.bulk.number})
		m.want(t, t.bulk.listens)
		t.bulk = nil
	}
}

// walks finds who is told by a walk.
func (m *Machine) walks(c Conn, number uint32) *teller {
	for _, t := range m.tellers {
		if t.conn == c && t.bulk != nil && t.bulk.number == number {
			return t
		}
	}
	return nil
}
