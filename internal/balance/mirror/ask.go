package mirror

import (
	"slices"
	"time"

	"github.com/holdfast-net/holdfast/internal/balance"
)

// What could not be put here may be put later: files of two nodes are not
// changed at the same moment, so one hears of flows whose service or backend it
// does not know yet. It asks for all flows again, soon, and then less and less
// often: a table may also be full.
const (
	soon      = time.Second
	mostPause = 5 * time.Minute
)

// missing notes that something of a node was not put here.
func (m *Machine) missing(h *hearer) {
	if h.ask.IsZero() {
		h.pause = min(max(2*h.pause, soon), mostPause)
		h.ask = m.now.Add(h.pause)
	}
}

// renew has all flows asked for of services that were not known here until now.
// What was told of them was refused.
func (m *Machine) renew(unknown []balance.Endpoint) {
	if len(unknown) == 0 {
		return
	}
	is := func(l balance.Endpoint) bool { return slices.Contains(unknown, l) }
	for _, h := range m.hearers {
		for _, l := range unknown {
			delete(h.complete, l)
		}
		for _, b := range append(slices.Clone(h.ended), h.bulk) {
			if b != nil {
				b.listens = slices.DeleteFunc(b.listens, is)
			}
		}
		if slices.ContainsFunc(h.holds, is) {
			h.pause, h.ask = 0, time.Time{}
			m.missing(h)
		}
	}
}

// demand asks for all flows, when it is time to.
func (m *Machine) demand(h *hearer) {
	switch {
	case h.ask.IsZero():
		return
	case h.ask.After(m.now):
		m.due(h.ask)
		return
	}
	h.ask = time.Time{}
	known := slices.DeleteFunc(slices.Clone(h.holds), func(l balance.Endpoint) bool {
		s := m.of(l, h.key)
		return s == nil || !s.Flows
	})
	if len(known) > 0 {
		m.do(Action{Kind: ActionSend, Conn: h.conn, Frame: FrameAsk, Body: appendEndpoints(nil, known)})
	}
}

// asked tells all flows of some services once more.
func (m *Machine) asked(t *teller, body []byte) error {
	listens, err := parseEndpoints(body)
	if err != nil {
		return err
	}
	mine := m.mine(t.key)
	m.want(t, slices.DeleteFunc(listens, func(l balance.Endpoint) bool { return !slices.Contains(mine, l) }))
	return nil
}
