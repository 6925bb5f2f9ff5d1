package mirror

import (
	"fmt"
	"slices"
	"time"

	"github.com/holdfast-net/holdfast/internal/balance"
)

// hearer is a connection on which another node tells this one.
type hearer struct {
	conn  Conn
	node  string
	key   Print
	since time.Time
	alive time.Time
	pulse time.Time // when the next ack is due, news or not
	lag   time.Duration
	ports [2]uint16 // of full NAT that are its own
	fixed bool

	holds    []balance.Endpoint
	views    map[balance.Endpoint]*seen
	complete map[balance.Endpoint]bool // all is here that the other side has
	bulk     *intake
	ended    []*intake // those that are being compared

	received    uint64 // the last frame
	done        uint64 // … of which everything was done
	acked       uint64 // … of which that was said
	outstanding int    // frames that somebody is at
	installed   uint64
	refused     uint64

	ask   time.Time // when all is asked for again; zero: it need not be
	pause time.Duration
}

// seen is a view, and which one it was.
type seen struct {
	balance.View
	version int
}

// intake is a walk of the other side.
type intake struct {
	begin
	named  Names
	flows  uint64
	before uint64 // how many were refused before it
	ended  uint64 // the frame that was its end; 0: not yet
}

// accepted begins to hear a node. An older connection of it is dead, though
// this side does not know yet.
func (m *Machine) accepted(e Accepted) {
	for _, h := range slices.Clone(m.hearers) {
		if h.node == e.Node && h.key == e.Key {
			m.hangup(h.conn, "the node has connected again")
		}
	}
	if e.Node == m.node {
		m.do(Action{Kind: ActionHangup, Conn: e.Conn, Reason: "it is this node"})
		return
	}
	m.hearers = append(m.hearers, &hearer{
		conn: e.Conn, node: e.Node, key: e.Key, since: m.now, alive: m.now, pulse: m.now.Add(beat),
		views: map[balance.Endpoint]*seen{}, complete: map[balance.Endpoint]bool{},
	})
}

// heard takes a frame, of either kind of connection.
func (m *Machine) heard(e Heard) {
	for _, t := range m.tellers {
		if t.conn != e.Conn {
			continue
		}
		t.alive = m.now
		if err := m.answer(t, e.Frame); err != nil {
			m.hangup(t.conn, err.Error())
		}
		return
	}
	for _, h := range m.hearers {
		if h.conn != e.Conn {
			continue
		}
		m.stale = m.stale || !h.alive.Add(quiet).After(m.now) // it was taken to be silent
		h.alive, h.received = m.now, e.Frame.Seq
		if err := m.take(h, e.Frame); err != nil {
			m.hangup(h.conn, err.Error())
			return
		}
		m.acknowledge(h)
		return
	}
}

// answer takes what the one who is told says.
func (m *Machine) answer(t *teller, f Frame) error {
	switch f.Kind {
	case FrameAck:
		a, err := parseAck(f.Body)
		if err != nil {
			return err
		}
		return m.acked(t, a)
	case FrameAsk:
		return m.asked(t, f.Body)
	default:
		return fmt.Errorf("%w: %s", ErrFrame, f.Kind)
	}
}

// take does what a frame says.
func (m *Machine) take(h *hearer, f Frame) error {
	switch f.Kind {
	case FrameHolds:
		return m.takeHolds(h, f.Body)
	case FrameView:
		v, err := parseView(f.Body)
		if err != nil {
			return err
		}
		if m.of(v.listen, h.key) != nil {
			version := 1
			if old := h.views[v.listen]; old != nil {
				version += old.version
			}
			h.views[v.listen] = &seen{v.View, version}
			m.stale = true
		}
		return nil
	case FrameChanges, FrameFlows:
		return m.takeFlows(h, f)
	case FrameBegin:
		return m.takeBegin(h, f.Body)
	case FrameEnd:
		return m.takeEnd(h, f)
	case FramePulse:
		x, err := parsePulse(f.Body)
		if err != nil {
			return err
		}
		h.lag = x.lag
		if h.ports != x.ports || h.fixed != x.fixed {
			h.ports, h.fixed = x.ports, x.fixed
			m.divide()
		}
		return nil
	default:
		return fmt.Errorf("%w: %s", ErrFrame, f.Kind)
	}
}

func (m *Machine) takeHolds(h *hearer, body []byte) error {
	holds, err := parseEndpoints(body)
	if err != nil {
		return err
	}
	m.gave(h, holds)
	h.holds = holds
	if b := h.bulk; b != nil && slices.ContainsFunc(b.listens, func(l balance.Endpoint) bool { return !slices.Contains(holds, l) }) {
		h.bulk = nil // it was given up
	}
	for l := range h.complete {
		if !slices.Contains(holds, l) {
			delete(h.complete, l)
		}
	}
	m.stale = true
	return nil
}

// takeBegin has it noted what is here as a walk begins.
func (m *Machine) takeBegin(h *hearer, body []byte) error {
	x, err := parseBegin(body)
	if err != nil {
		return err
	}
	h.bulk = &intake{begin: x, before: h.refused}
	m.do(Action{Kind: ActionSurvey, Conn: h.conn, Bulk: x.number, Listens: x.listens})
	return nil
}

// takeFlows has flows put, those of services that both sides know.
func (m *Machine) takeFlows(h *hearer, f Frame) error {
	changes, err := parseChanges(f.Body)
	if err != nil {
		return err
	}
	if h.bulk != nil {
		if f.Kind == FrameFlows {
			h.bulk.flows += uint64(len(changes))
		}
		for i := range changes {
			if changes[i].Gone {
				h.bulk.named.addGone(&changes[i].Flow)
			} else {
				h.bulk.named.Add(&changes[i].Flow)
			}
		}
	}
	known := changes[:0]
	for _, c := range changes {
		if s := m.of(c.Listen, h.key); s != nil && s.Flows {
			known = append(known, c)
		} else {
			h.refused++
			m.missing(h)
		}
	}
	h.installed += uint64(len(known))
	if len(known) > 0 {
		h.outstanding++
		m.do(Action{Kind: ActionInstall, Conn: h.conn, Seq: f.Seq, Changes: known})
	}
	return nil
}

// takeEnd has taken away what the holder does not have any more. Where this
// node holds too, it keeps what is its own: the other one is about to find out.
func (m *Machine) takeEnd(h *hearer, f Frame) error {
	x, err := parseEnd(f.Body)
	b := h.bulk
	switch {
	case err != nil:
		return err
	case b == nil || b.number != x.number || b.flows != x.flows:
		return fmt.Errorf("%w: the end of another walk", ErrFrame)
	}
	b.ended, h.bulk = f.Seq, nil
	h.ended = append(h.ended, b)
	var sweep []balance.Endpoint
	for _, l := range b.listens {
		if s := m.of(l, h.key); s != nil && s.Flows && slices.Contains(h.holds, l) && !m.holds(l) {
			sweep = append(sweep, l)
		}
	}
	h.outstanding++
	m.do(Action{Kind: ActionSweep, Conn: h.conn, Seq: f.Seq, Bulk: b.number, Listens: sweep, Named: &b.named})
	return nil
}

// installed notes that flows of a frame were put.
func (m *Machine) installed(e Installed) {
	h := m.hears(e.Conn)
	if h == nil {
		return
	}
	if e.Err != nil && h.refused == 0 {
		m.record("", CodeRefused, fmt.Sprintf("flows of %s cannot be taken over: %v (what follows is counted and not told)", h.node, e.Err))
	}
	if e.Refused > 0 {
		h.refused += uint64(e.Refused)
		m.missing(h)
	}
	h.installed -= min(uint64(e.Refused), h.installed)
	m.finished(h, e.Seq)
}

// swept notes that all is here.
func (m *Machine) swept(e Swept) {
	h := m.hears(e.Conn)
	if h == nil {
		return
	}
	if e.Err != nil {
		m.hangup(h.conn, fmt.Sprintf("cannot compare flows with those of %s: %v", h.node, e.Err))
		return
	}
	m.finished(h, e.Seq)
	if len(h.ended) == 0 || h.ended[0].ended != e.Seq {
		return
	}
	b, again := h.ended[0], true
	h.ended = h.ended[1:]
	if h.refused == b.before {
		h.pause = 0
	}
	for _, l := range b.listens {
		if !slices.Contains(h.holds, l) {
			continue
		}
		again = again && h.complete[l]
		h.complete[l] = true
	}
	if again && e.Ended > 0 {
		m.record("", CodeDrift, fmt.Sprintf("%d flows were here that %s does not have, though it told everything: they were taken away", e.Ended, h.node))
	}
	m.stale = true
}

func (m *Machine) hears(c Conn) *hearer {
	if i := slices.IndexFunc(m.hearers, func(h *hearer) bool { return h.conn == c }); i >= 0 {
		return m.hearers[i]
	}
	return nil
}

func (m *Machine) finished(h *hearer, seq uint64) {
	h.outstanding--
	h.done = seq
	m.acknowledge(h)
}

// acknowledge says what has been done, where that is news or the other side has
// not heard anything for a while.
func (m *Machine) acknowledge(h *hearer) {
	if h.outstanding == 0 {
		h.done = h.received
	}
	if h.done > h.acked || !h.pulse.After(m.now) {
		h.acked, h.pulse = h.done, m.now.Add(beat)
		m.do(Action{Kind: ActionSend, Conn: h.conn, Frame: FrameAck, Body: ack{h.done, h.refused}.append(nil)})
	}
}

// attend does what is due on a connection.
func (m *Machine) attend(h *hearer) {
	if !h.alive.Add(patience).After(m.now) {
		m.hangup(h.conn, "nothing was heard of it for "+patience.String())
		return
	}
	m.acknowledge(h)
	m.demand(h)
	m.due(h.alive.Add(patience))
	m.due(h.pulse)
}
