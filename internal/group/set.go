package group

import (
	"cmp"
	"fmt"
	"net/netip"
	"time"

	"github.com/holdfast-net/holdfast/internal/hold"
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
	stopped     bool // ActionStopped was given
	maintenance bool
	forced      bool              // maintenance even where nobody takes over
	down        map[string]string // checks that are down, and why
	awaited     map[string]bool   // checks without a result
	worth       map[string]Worth  // of checks that are up
	retry       time.Time         // after a failed install: not fit until then
	retryText   string
	refusals    int // in a row

	lead        int    // the router that speaks for the set where they disagree
	taking      string // why to claim without having been asked
	missing     bool   // as nobody serves
	resuming    bool   // the claim takes back what this node was leaving
	half        half
	contest     time.Time // a tie that is being settled counts as lost then
	leave       leave
	said        bool      // the claim is advertised
	listening   time.Time // and until when to listen, once it is on the wire
	ticked      bool      // the event is a Tick: all has been heard
	tickedAt    time.Time // the last one before which all had been heard
	unsure      time.Time // until when a node may hold that was never heard
	commands    []command
	dispute     conflict
	disputes    uint64 // that are over
	disputedFor time.Duration
	lapses      Lapses
	verified    int // how often a new holder has asked for other holders
	security    security
	steps       steps
	stuckText   string // why they could not be undone
	failures    int    // of taking them, in a row
	withheld    withholding
	wanting     bool      // a mandate was asked for
	mandate     time.Time // until when it lasts
	granted     string    // why it was given
	tenant      string    // the other node that has it, where that is known
	suspended   suspension
	humbled     bool // the routers accept an Active of any priority
	lacks       []lacking
	tempered    bool       // because of that, or of what they lack
	announces   []schedule // one per group

	lastHolder, departed netip.Addr // whom the leading router heard as Active, and who of them left last
	departedAt           time.Time

	// Step's scratch: kept to spare allocations.
	now  time.Time
	out  []Action
	acts []vrrp.Action
}

// member is one router with what the kernel holds for it.
type member struct {
	group   int
	router  *vrrp.Router
	config  vrrp.Config // as wanted; its source is that of the interface
	misfit  string      // why the router cannot have it
	preempt bool        // as configured; a handover may suspend it
	reason  string      // why it asks to be Active, or made its last transition
	cause   vrrp.Reason // the same in one word
	asked   time.Time   // when it asked last
	lost    vrrp.Reason // why it made its last transition
	from    netip.Addr  // the node because of which it asks

	contenders []contender
	owed       int // how often to say yet that this node yields

	linkUp  bool
	linkWhy string

	level    hold.Level
	ordered  Op        // the last order given
	attempts int       // how often it was given
	pending  int       // orders not answered yet
	failed   error     // the answer to the last one
	again    time.Time // when to give a refused Remove again
}

// New makes a set that does nothing until Start. It fails on a configuration
// that vrrp.New or this package refuses.
func New(groups []Config) (*Set, error) {
	if err := validate(groups); err != nil {
		return nil, err
	}
	s := &Set{groups: groups, down: map[string]string{}, awaited: map[string]bool{}, worth: map[string]Worth{}, announces: make([]schedule, len(groups))}
	for g := range groups {
		for _, rc := range groups[g].Routers {
			rc.Ask = true
			rc.Priority = groups[g].Priority
			if rc.Priority == vrrp.OwnerPriority {
				// RFC 9568 §6.4.1 has the owner Active at once. Another node
				// may hold the addresses: listen for as long as it could.
				rc.StartupHold = max(rc.StartupHold, hold.Patience(cmp.Or(rc.Interval, time.Second), rc.Version))
			}
			r, err := vrrp.New(rc)
			if err != nil {
				return nil, fmt.Errorf("cannot make group %s: %w", groups[g].Name, err)
			}
			s.members = append(s.members, member{
				group: g, router: r, config: r.Config(), preempt: !rc.NoPreempt, ordered: Remove, linkWhy: "interface not seen yet",
			})
		}
	}
	s.lead = leading(s.members)
	return s, nil
}

// leading chooses the router that speaks for the set by what all nodes have in
// common: the lowest VRID, and IPv4 before IPv6.
func leading(members []member) int {
	best := 0
	for i := range members {
		a, b := members[i].router.Config(), members[best].router.Config()
		if a.VRID < b.VRID || a.VRID == b.VRID && a.Family < b.Family {
			best = i
		}
	}
	return best
}

// Lead is the router that speaks for the set where its routers disagree.
func (s *Set) Lead() int { return s.lead }

// Step tells the set what happened at now and appends what must be done.
func (s *Set) Step(now time.Time, ev Event, out []Action) []Action {
	s.now, s.out = now, out
	s.ticked = ev.Kind == EventTick
	was := s.State()
	switch ev.Kind {
	case EventTick:
		if s.phase != holding { // a holder waits for nobody: not all may have been heard
			s.tickedAt = now
		}
		s.tick()
	case EventPacket:
		s.route(ev.Router, vrrp.Received(ev.Packet), time.Time{})
		s.noteContender(ev)
		s.watchHolder()
	case EventStart:
		s.started = true
	case EventStop:
		s.stopping, s.stopText = true, ev.Text
	case EventCheck:
		s.check(ev)
	case EventLink:
		s.link(ev)
	case EventLack:
		s.lack(ev)
	case EventDone:
		s.done(ev)
	case EventLost:
		s.repair(ev)
	case EventHandover:
		s.handover(ev)
	case EventMaintenance:
		s.maintain(ev)
	case EventTake:
		s.take(ev)
	case EventSuspend:
		s.suspend(ev.Name)
	case EventAsked:
		s.asked(ev)
	case EventYielded:
		s.yielded(ev.Router, ev.Addr)
		if s.phase == holding {
			// It may have held beside this node, unheard, and hosts may have
			// followed it.
			s.announceAgain()
		}
	case EventReached:
		s.reached(ev.Router, ev.Addr)
	case EventRests:
		s.rests(ev.Router, ev.Addr)
	case EventSighted:
		s.sighted(ev)
	case EventMandate:
		s.mandate, s.granted = ev.Until, ev.Text
	case EventHolder:
		s.tenant = ev.Name
	case EventSpoke:
		s.spoke()
	case EventDeaf:
		s.listenAnew(ev.Router)
	case EventLapsed:
		s.lapse(ev)
	case EventSteps:
		s.stepped(ev)
	case EventSecured:
		s.secure(ev)
	}
	for s.settle() || s.ticked && s.tickDue() {
	}
	if was == Active && s.State() != Active {
		s.lackAnew()
	}
	s.demote()
	s.watchConflict()
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
	case demoting:
		return s.settleDemoting()
	default:
		return s.settleLeaving()
	}
}

func (s *Set) tick() {
	s.overdue()
	s.tickDue()
	s.insist()
}

// tickDue wakes every router whose time has come, and reports whether there was
// one. To settle may bring a time forward: who ends a leave has its own priority
// again, waits shorter, and may have waited for long enough. In a tick all has
// been heard, so what is due by then is done in it, and not in another one at
// once.
func (s *Set) tickDue() bool {
	woke := false
	for i := range s.members {
		due := s.members[i].router.Deadline()
		if !due.IsZero() && !due.After(s.now) {
			s.route(i, vrrp.Tick(), due)
			woke = true
		}
	}
	return woke
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
		case vrrp.ActionAsk:
			m.reason, m.cause, m.asked, m.from = explain(m.router, a), a.Reason, s.now, a.Peer
		case vrrp.ActionTransition:
			m.lost = a.Reason
			if a.To != vrrp.Active {
				m.reason = explain(m.router, a)
			}
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

func (s *Set) every(ok func(*vrrp.Router) bool) bool {
	for i := range s.members {
		if !ok(s.members[i].router) {
			return false
		}
	}
	return true
}

func (s *Set) some(ok func(*vrrp.Router) bool) bool {
	for i := range s.members {
		if ok(s.members[i].router) {
			return true
		}
	}
	return false
}

// longest is the longest of some time of the routers.
func (s *Set) longest(of func(*vrrp.Router) time.Duration) time.Duration {
	var d time.Duration
	for i := range s.members {
		d = max(d, of(s.members[i].router))
	}
	return d
}

// enter changes the phase to one of another State. That is a transition: it is
// recorded with its reason for every group of the set.
func (s *Set) enter(p phase, reason string) {
	from, to := s.phase.state(), p.state()
	s.phase = p
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
