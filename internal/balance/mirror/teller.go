package mirror

import (
	"slices"
	"time"

	"github.com/holdfast-net/holdfast/internal/balance"
)

// teller is a connection on which this node tells another one.
type teller struct {
	conn    Conn
	node    string
	key     Print
	since   time.Time
	alive   time.Time // when the other side was heard last
	pulse   time.Time // when the next sign of life is due
	holds   []balance.Endpoint
	greeted bool

	seq      uint64 // of the last frame
	sent     []sent // not acknowledged
	inFlight int    // bytes of them

	pending []fresh

	bulk    *bulk
	number  uint32
	wanted  []balance.Endpoint // services of which all flows are to be told
	soonest time.Time          // before which no walk begins
	refresh time.Time          // when all is told again

	told     uint64 // flows and changes
	refused  uint64 // by the other side
	overflow uint64 // how often the other side was too slow
	ends     uint64 // the frame that ended the last walk
	complete time.Time
	lags     lags
}

// fresh is news that was not sent yet, and when it came.
type fresh struct {
	balance.Change
	at time.Time
}

// sent is a frame that the other side has not done yet.
type sent struct {
	seq  uint64
	size int
	at   time.Time // when the oldest of its news came; zero: it has none
}

// send has a frame sent.
func (m *Machine) send(t *teller, k FrameKind, body []byte, oldest time.Time) {
	t.seq++
	t.sent = append(t.sent, sent{t.seq, len(body), oldest})
	t.inFlight += len(body)
	m.do(Action{Kind: ActionSend, Conn: t.conn, Frame: k, Body: body})
}

// greet tells what a new connection has to know.
func (m *Machine) greet(t *teller) {
	m.tellPulse(t)
	m.tellHolds(t)
	for _, s := range m.services {
		m.tellViewTo(t, s)
	}
}

// tellHolds tells of which services this node holds the address, where that has
// changed, and has all flows told of those that are new.
func (m *Machine) tellHolds(t *teller) {
	var all, begun []balance.Endpoint
	for _, s := range m.services {
		for _, l := range s.Listen {
			if s.Key != t.key || !m.holds(l) {
				continue
			}
			all = append(all, l)
			if s.Flows && !slices.Contains(t.holds, l) {
				begun = append(begun, l)
			}
		}
	}
	if t.greeted && slices.Equal(all, t.holds) {
		return
	}
	if b := t.bulk; b != nil && slices.ContainsFunc(b.listens, func(l balance.Endpoint) bool { return !slices.Contains(all, l) }) {
		m.giveUp(t)
	}
	t.greeted, t.holds = true, all
	m.send(t, FrameHolds, appendEndpoints(nil, all), time.Time{})
	m.want(t, begun)
}

// news takes what became of this node's flows.
func (m *Machine) news(e News) {
	for _, t := range m.tellers {
		if e.Lost {
			m.want(t, m.mine(t.key))
		}
		for i := range e.Changes {
			c := &e.Changes[i]
			if s := m.of(c.Listen, t.key); s == nil || !s.matters(c) {
				continue
			}
			t.pending = append(t.pending, fresh{*c, m.now})
			if t.bulk != nil {
				t.bulk.again.put(c, m.now)
			}
		}
		if len(t.pending) > queue || t.bulk != nil && len(t.bulk.again.all) > mostAgain {
			m.overrun(t)
		}
	}
}

// matters says whether a follower has to be told of a flow. Of one that is gone
// the backend's port may not be known any more.
func (s *service) matters(c *balance.Change) bool {
	if !s.Flows || !s.Exceptions || s.plan == nil {
		return s.Flows
	}
	a := s.plan.Pick(balance.Question{Source: c.Client, Listen: c.Listen, Except: balance.NoPlace})
	if a.Place == balance.NoPlace {
		return true
	}
	to := s.plan.Targets[a.Place].Addr
	return to != c.Backend && !(c.Gone && to.Addr() == c.Backend.Addr())
}

// overrun lets go of what a slow peer did not take: it will be told all.
func (m *Machine) overrun(t *teller) {
	t.overflow++
	t.pending = nil
	m.giveUp(t)
	m.want(t, m.mine(t.key))
}

// flush sends what has been gathered: when it is time, or there is a frame full
// of it. Forced, it sends all, whatever the other side has not done yet.
func (m *Machine) flush(t *teller, forced bool) {
	var some []balance.Change
	for len(t.pending) > 0 && (forced || t.inFlight < window) {
		oldest := t.pending[0].at
		if at := oldest.Add(delay); !forced && len(t.pending) < most && at.After(m.now) {
			m.due(at)
			return
		}
		n := min(len(t.pending), most)
		some = some[:0]
		for _, f := range t.pending[:n] {
			f.Idle += m.now.Sub(f.at)
			some = append(some, f.Change)
		}
		m.send(t, FrameChanges, appendChanges(nil, some), oldest)
		t.told += uint64(n)
		t.pending = t.pending[n:]
	}
	if len(t.pending) == 0 {
		t.pending = nil
	}
}

// tend does what is due on a connection.
func (m *Machine) tend(t *teller) {
	if !t.alive.Add(patience).After(m.now) {
		m.hangup(t.conn, "nothing was heard of it for "+patience.String())
		return
	}
	m.due(t.alive.Add(patience))
	m.flush(t, false)
	if len(m.mine(t.key)) > 0 && t.bulk == nil {
		if !t.refresh.After(m.now) {
			m.want(t, m.mine(t.key))
		} else {
			m.due(t.refresh)
		}
	}
	m.begin(t)
	if !t.pulse.After(m.now) {
		m.tellPulse(t)
	}
	m.due(t.pulse)
}

func (m *Machine) tellPulse(t *teller) {
	t.pulse = m.now.Add(beat)
	m.send(t, FramePulse, pulse{t.lags.p99(), m.share.Ports(), m.share.Fixed}.append(nil), time.Time{})
}

// acked takes what the other side has done.
func (m *Machine) acked(t *teller, a ack) error {
	if a.seq > t.seq {
		return ErrOrder
	}
	n := 0
	for n < len(t.sent) && t.sent[n].seq <= a.seq {
		t.inFlight -= t.sent[n].size
		if at := t.sent[n].at; !at.IsZero() {
			t.lags.add(m.now.Sub(at))
		}
		n++
	}
	t.sent = t.sent[n:]
	if len(t.sent) == 0 {
		t.sent = nil
	}
	t.refused = a.refused
	if t.ends > 0 && a.seq >= t.ends && t.complete.IsZero() {
		t.complete = m.now
	}
	if b := t.bulk; b != nil && b.waits && t.inFlight < bulkWindow {
		b.waits = false
		m.do(Action{Kind: ActionMore, Conn: t.conn, Bulk: b.number})
	}
	return nil
}
