package mirror

import (
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/holdfast-net/holdfast/internal/balance"
)

// Machine is one node's part of the whole: whom it tells, whom it hears, and
// what it has.
type Machine struct {
	node     string
	services []*service
	at       map[balance.Endpoint]*service
	held     map[netip.Addr]time.Time // since when
	peers    []*neighbour
	tellers  []*teller
	hearers  []*hearer
	synced   map[string]bool // of the groups that have flows, as it was said
	since    map[string]time.Time
	settled  map[balance.Endpoint]bool // as it was said (settle.go)
	left     time.Time                 // when a node last gave up what it held, or was lost
	wanted   Share                     // as it was configured
	share    Share                     // as it is
	told     map[string][2]uint16      // whose ports it was said that they are this node's, too
	stale    bool                      // who holds what has changed, or what is complete

	deadline  time.Time
	unsettled time.Time // when something settles, if nothing happens
	now       time.Time // of the step under way, as is out
	out       []Action
}

// service is a service and whose view it goes by.
type service struct {
	Service
	view balance.View
	plan *balance.Plan

	following bool
	leader    Conn      // whose view that is
	version   int       // which of them
	orphaned  time.Time // since when nobody holds who could be heard; zero: somebody is
}

// Times.
const (
	delay    = 2 * time.Millisecond // for how long news are gathered
	beat     = time.Second          // between signs of life
	patience = 5 * time.Second      // without one, a connection is given up; without a holder, a service leads
	settled  = 3 * time.Second      // after it began to hold, a node tells all
	refresh  = 30 * time.Second     // between two times at which all is told, at least
	spacing  = 100                  // telling all may take one part of so many of the time
	hurry    = 5                    // … where it is not known what is missing
)

// Bounds.
const (
	queue      = 1 << 16 // changes that wait for a peer; more are told as a whole
	window     = 1 << 20 // bytes of news that are under way
	bulkWindow = 1 << 18 // bytes under way for a walk to go on: news do not wait long behind it
	mostAgain  = 1 << 18 // changes that are remembered during a walk
)

// New makes the machine of a node. It does nothing before it is configured.
func New(node string) *Machine {
	return &Machine{
		node: node, at: map[balance.Endpoint]*service{}, held: map[netip.Addr]time.Time{},
		synced: map[string]bool{}, since: map[string]time.Time{}, settled: map[balance.Endpoint]bool{}, told: map[string][2]uint16{},
	}
}

// Deadline is when the machine wants [Reached]; zero is never.
func (m *Machine) Deadline() time.Time { return m.deadline }

// Step takes an event and adds what is to be done to out.
func (m *Machine) Step(now time.Time, ev Event, out []Action) []Action {
	m.now, m.out = now, out
	switch e := ev.(type) {
	case Configured:
		m.configure(e)
	case Held:
		m.hold(e)
	case Dialed:
		m.dialed(e)
	case Accepted:
		m.accepted(e)
	case Closed:
		m.closed(e)
	case Heard:
		m.heard(e)
	case News:
		m.news(e)
	case Walked:
		m.walked(e)
	case WalkEnded:
		m.walkEnded(e)
	case Installed:
		m.installed(e)
	case Swept:
		m.swept(e)
	case Viewed:
		m.viewed(e)
	case Reached:
		m.stale = true
	}
	m.work()
	out, m.out = m.out, nil
	return out
}

// work does what is due, and sets when the next is.
func (m *Machine) work() {
	m.deadline = time.Time{}
	for _, n := range m.peers {
		m.reach(n)
	}
	for _, t := range slices.Clone(m.tellers) {
		m.tend(t)
	}
	for _, h := range slices.Clone(m.hearers) {
		m.attend(h)
	}
	if m.stale || !m.unsettled.IsZero() && !m.unsettled.After(m.now) {
		m.settle()
	}
	if !m.unsettled.IsZero() {
		m.due(m.unsettled)
	}
	if m.stale {
		m.stale = false
		m.judge()
	}
	for _, s := range m.services {
		if !s.orphaned.IsZero() {
			m.due(s.orphaned.Add(patience))
		}
	}
}

// due has the machine woken at that time, at the latest.
func (m *Machine) due(at time.Time) {
	if m.deadline.IsZero() || at.Before(m.deadline) {
		m.deadline = at
	}
}

func (m *Machine) do(a Action) { m.out = append(m.out, a) }

func (m *Machine) record(group, code, reason string) {
	m.do(Action{Kind: ActionRecord, Group: group, Code: code, Reason: reason})
}

// configure takes services and peers. Those that stay keep what is known of
// them; connections to peers that are gone are closed.
func (m *Machine) configure(e Configured) {
	was, before := m.services, maps.Clone(m.at)
	m.services = nil
	clear(m.at)
	var unknown []balance.Endpoint
	for _, c := range e.Services {
		s := &service{Service: c}
		if i := slices.IndexFunc(was, func(o *service) bool { return o.Name == c.Name }); i >= 0 {
			old := *was[i]
			old.Service = c
			s = &old
		}
		m.services = append(m.services, s)
		for _, l := range c.Listen {
			m.at[l] = s
			if old := before[l]; c.Flows && (old == nil || !old.Flows || old.Key != c.Key) {
				unknown = append(unknown, l)
			}
		}
	}
	peers := m.peers
	m.peers = nil
	for _, p := range e.Peers {
		i := slices.IndexFunc(peers, func(n *neighbour) bool { return n.Peer == p })
		if i < 0 {
			m.peers = append(m.peers, &neighbour{Peer: p})
			continue
		}
		m.peers = append(m.peers, peers[i])
		peers = slices.Delete(peers, i, i+1)
	}
	if m.wanted != e.Share {
		m.wanted = e.Share
		m.shareIs(e.Share)
		m.divide()
	}
	for _, n := range peers {
		if n.teller != nil {
			m.hangup(n.teller.conn, "it is no peer any more")
		}
	}
	for _, t := range m.tellers {
		m.tellHolds(t)
		m.want(t, m.mine(t.key))
	}
	m.renew(unknown)
	m.stale = true
}

// hold takes that an address answers here, or no more.
func (m *Machine) hold(e Held) {
	_, was := m.held[e.Addr]
	if was == e.Held {
		return
	}
	m.stale = true
	if e.Held {
		m.held[e.Addr] = m.now
	} else {
		delete(m.held, e.Addr)
	}
	for _, t := range m.tellers {
		m.tellHolds(t)
	}
	if !e.Held {
		return
	}
	for _, s := range m.services {
		if slices.ContainsFunc(s.Listen, func(l balance.Endpoint) bool { return l.Addr() == e.Addr }) {
			m.tellView(s)
		}
	}
}

// holds says whether a service's address answers here.
func (m *Machine) holds(l balance.Endpoint) bool {
	_, held := m.held[l.Addr()]
	return held
}

// mine is where the services with flows listen that are of a key and answer
// here.
func (m *Machine) mine(key Print) (out []balance.Endpoint) {
	for _, s := range m.services {
		for _, l := range s.Listen {
			if s.Flows && s.Key == key && m.holds(l) {
				out = append(out, l)
			}
		}
	}
	return out
}

// of finds a service by where it listens, among those of a key.
func (m *Machine) of(l balance.Endpoint, key Print) *service {
	if s := m.at[l]; s != nil && s.Key == key {
		return s
	}
	return nil
}

// closed forgets a connection.
func (m *Machine) closed(e Closed) {
	reason := "the connection ended"
	if e.Err != nil {
		reason = e.Err.Error()
	}
	m.forget(e.Conn, reason)
}

// hangup ends a connection.
func (m *Machine) hangup(c Conn, reason string) {
	m.do(Action{Kind: ActionHangup, Conn: c, Reason: reason})
	m.forget(c, reason)
}

func (m *Machine) forget(c Conn, reason string) {
	if i := slices.IndexFunc(m.tellers, func(t *teller) bool { return t.conn == c }); i >= 0 {
		t := m.tellers[i]
		m.tellers = slices.Delete(m.tellers, i, i+1)
		if t.bulk != nil {
			m.do(Action{Kind: ActionStop, Conn: c, Bulk: t.bulk.number})
		}
		m.parted(t, reason)
	}
	if i := slices.IndexFunc(m.hearers, func(h *hearer) bool { return h.conn == c }); i >= 0 {
		m.gave(m.hearers[i], nil)
		m.hearers = slices.Delete(m.hearers, i, i+1)
		m.stale = true
	}
}
