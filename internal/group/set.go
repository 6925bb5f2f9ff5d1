package group

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/holdfast-net/holdfast/vrrp"
)

// Set is groups that move together. Its methods are for one goroutine.
type Set struct {
	groups      []Config
	members     []member
	phase       phase
	reason      string    // why the phase was entered
	since       time.Time // when the State last changed
	transitions uint64

	started     bool
	stopping    bool
	stopText    string
	maintenance bool
	down        map[string]string // checks that are down, and why
	retry       time.Time         // after a failed install: not fit until then
	retryText   string

	claimed   time.Time // when the claim in progress began
	taking    string    // why to claim without having been asked: a leaving peer named this node
	leave     leave
	suspended suspension
	announces []schedule // one per group

	// Step's scratch: kept to spare allocations.
	now  time.Time
	out  []Action
	acts []vrrp.Action
}

// member is one router with what the kernel holds for it.
type member struct {
	group   int
	router  *vrrp.Router
	preempt bool   // as configured; a handover may suspend it
	reason  string // of the router's last transition

	linkUp  bool
	linkWhy string

	ordered Op    // the last order given
	pending int   // orders not answered yet
	failed  error // the last answer's error
}

// phase is where a set is between its visible states.
type phase uint8

const (
	resting  phase = iota // Init
	unfit                 // Fault
	waiting               // Backup
	claiming              // Backup: every router asks, the addresses are being installed
	holding               // Active
	hushing               // Active: ARP and ND are being silenced, then priority 0 is said
	leaving               // Backup: still serving what arrives
)

func (p phase) state() State {
	switch p {
	case resting:
		return Init
	case unfit:
		return Fault
	case holding, hushing:
		return Active
	default:
		return Backup
	}
}

// retryInstall is how long a set stays in Fault after the kernel refused its
// addresses.
const retryInstall = 5 * time.Second

// New makes a set that does nothing until Start. It fails on a configuration
// that vrrp.New or this package refuses.
func New(groups []Config) (*Set, error) {
	s := &Set{groups: groups, down: map[string]string{}, announces: make([]schedule, len(groups))}
	for g := range groups {
		if err := groups[g].validate(); err != nil {
			return nil, err
		}
		for _, rc := range groups[g].Routers {
			rc.Ask = true
			rc.Priority = groups[g].Priority
			r, err := vrrp.New(rc)
			if err != nil {
				return nil, fmt.Errorf("cannot make group %s: %w", groups[g].Name, err)
			}
			s.members = append(s.members, member{
				group: g, router: r, preempt: !rc.NoPreempt, ordered: Remove, linkWhy: "interface not seen yet",
			})
		}
	}
	return s, nil
}

// Step tells the set what happened at now and appends what must be done.
func (s *Set) Step(now time.Time, ev Event, out []Action) []Action {
	s.now, s.out = now, out
	switch ev.Kind {
	case EventTick:
		s.tick()
	case EventPacket:
		s.route(ev.Router, vrrp.Received(ev.Packet), time.Time{})
		s.watchSuspension(ev.Router)
	case EventStart:
		s.started = true
	case EventStop:
		s.stopping, s.stopText = true, ev.Text
	case EventCheck:
		s.check(ev)
	case EventLink:
		s.link(ev)
	case EventDone:
		s.done(ev)
	case EventLost:
		s.lost(ev)
	case EventHandover:
		s.handover(ev)
	case EventMaintenance:
		s.maintain(ev)
	case EventTake:
		s.take(ev)
	case EventSuspend:
		s.suspend(ev.Name)
	}
	for s.settle() {
	}
	s.announce()
	out, s.out = s.out, nil
	return out
}

// settle takes one step towards the phase that the set's facts demand and
// reports whether it took one.
func (s *Set) settle() bool {
	switch s.phase {
	case resting, unfit:
		return s.settleIdle()
	case waiting:
		return s.settleWaiting()
	case claiming:
		return s.settleClaiming()
	case holding:
		return s.settleHolding()
	case hushing:
		return s.settleHushing()
	default:
		return s.settleLeaving()
	}
}

// Deadline is when Step wants a Tick; zero means never.
func (s *Set) Deadline() time.Time {
	var d time.Time
	sooner := func(t time.Time) {
		if !t.IsZero() && (d.IsZero() || t.Before(d)) {
			d = t
		}
	}
	for i := range s.members {
		sooner(s.members[i].router.Deadline())
	}
	for g := range s.announces {
		sooner(s.announces[g].next)
	}
	if s.phase == leaving {
		sooner(s.leave.deadline)
	}
	if s.phase == unfit {
		sooner(s.retry)
	}
	return d
}

func (s *Set) tick() {
	for i := range s.members {
		due := s.members[i].router.Deadline()
		if !due.IsZero() && !due.After(s.now) {
			s.route(i, vrrp.Tick(), due)
		}
	}
}

// route steps one router and turns its actions into the set's. What a router
// becomes is read from its state by settle, so that a set never half moves.
func (s *Set) route(i int, ev vrrp.Event, due time.Time) {
	m := &s.members[i]
	s.acts = m.router.Step(s.now, ev, s.acts[:0])
	for _, a := range s.acts {
		switch a.Kind {
		case vrrp.ActionSend:
			s.emit(Action{Kind: ActionSend, Router: i, Priority: a.Priority, Due: due})
		case vrrp.ActionTransition:
			m.reason = explain(m.router, a)
		case vrrp.ActionReport:
			s.notice(i, a)
		}
	}
}

// all steps every router.
func (s *Set) all(ev vrrp.Event) {
	for i := range s.members {
		s.route(i, ev, time.Time{})
	}
}

// order gives the kernel an order for every router, unless it was the last
// one given.
func (s *Set) order(op Op) {
	for i := range s.members {
		m := &s.members[i]
		if m.ordered == op && m.failed == nil {
			continue
		}
		m.ordered, m.failed = op, nil
		m.pending++
		s.emit(Action{Kind: ActionOrder, Router: i, Op: op})
	}
}

func (s *Set) done(ev Event) {
	m := &s.members[ev.Router]
	m.pending--
	if ev.Op != m.ordered {
		return // overtaken by a newer order
	}
	m.failed = ev.Err
	if ev.Err != nil {
		s.record(m.group, Record{
			Kind: "address", Code: "HF2001", Family: m.router.Config().Family,
			Reason: fmt.Sprintf("cannot %s addresses: %v", ev.Op, ev.Err),
		})
	}
}

// carried reports whether every order was carried out, and the first failure.
func (s *Set) carried() (done bool, failure error) {
	done = true
	for i := range s.members {
		if s.members[i].pending > 0 {
			done = false
		} else if err := s.members[i].failed; err != nil && failure == nil {
			failure = err
		}
	}
	return done, failure
}

func (s *Set) every(ok func(*vrrp.Router) bool) bool {
	for i := range s.members {
		if !ok(s.members[i].router) {
			return false
		}
	}
	return true
}

// enter changes the phase. A change of State is a transition: it is recorded
// with its reason for every group of the set.
func (s *Set) enter(p phase, reason string) {
	from, to := s.phase.state(), p.state()
	s.phase = p
	if from == to {
		return
	}
	s.reason, s.since = reason, s.now
	s.transitions++
	for g := range s.groups {
		s.record(g, Record{Kind: "transition", From: from, To: to, Reason: reason})
	}
}

func (s *Set) record(g int, r Record) {
	r.Group = s.groups[g].Name
	s.emit(Action{Kind: ActionRecord, Record: &r})
}

func (s *Set) emit(a Action) { s.out = append(s.out, a) }

// primary is the address the set's holder was last heard from.
func (s *Set) primary() netip.Addr {
	for i := range s.members {
		if p, ok := s.members[i].router.Active(); ok {
			return p.Addr
		}
	}
	return netip.Addr{}
}
