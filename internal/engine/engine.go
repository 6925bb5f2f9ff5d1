package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/holdfast-net/holdfast/internal/announce"
	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/group"
	"github.com/holdfast-net/holdfast/internal/order"
	"github.com/holdfast-net/holdfast/internal/peer"
	"github.com/holdfast-net/holdfast/internal/vote"
	"github.com/holdfast-net/holdfast/vrrp"
)

// Record is one fact for the journal: a group's, or with Group empty the
// node's.
type Record struct {
	group.Record
	Time time.Time
}

// Options is what an Engine is made of.
type Options struct {
	Wire  Wire
	Hands Hands
	Gate  Gate
	Polls Polls   // for a configuration with a cluster
	Steps Stepper // for groups that take more than their addresses; nil: none does
	// NewAgent makes this node's part in the votes of a cluster.
	NewAgent func(*config.Config) (*vote.Agent, error)
	Watchdog Watchdog     // for groups that ask for it; nil: there is none
	Agents   Agents       // that fence other nodes; nil: there are none
	Leases   Leases       // for groups with a lease; nil: there are none
	Clients  Clients      // that are told when an address moves; nil: they are not
	Record   func(Record) // must not block
	Log      *slog.Logger
	// Role tells what an interface's host is to its IPv6 neighbours.
	Role func(iface string) announce.Role
	// Beat is called once a round, and at least every BeatEvery: it feeds
	// the watchdog. Nil is none.
	Beat      func()
	BeatEvery time.Duration
	// Clock is time.Now, but for tests that make their own time.
	Clock func() time.Time
}

// Engine owns all groups. Make it with New, give it a configuration with
// Apply, let it work with Run.
type Engine struct {
	opt   Options
	inbox inbox

	node        string
	units       map[uint64]*unit
	lastUnit    uint64
	queue       deadlines
	waiting     []*unit // new units that wait for old ones of the same groups to end
	ports       map[string]*port
	routes      map[route]*router
	results     map[string]group.Event           // of checks, by name
	lacks       map[string]map[string]group.Lack // by group and what it is
	left        map[string]*order.Machine        // of groups whose units have ended
	maintenance bool
	stopping    bool
	stopText    string

	in        []Datagram
	out       []Outgoing
	jobs      []job // per Outgoing
	inquiries []inquiry
	frames    []Outgoing
	muted     []*router // whose adverts are due, and go nowhere
	claimed   []*unit   // units whose claim was sent
	expired   []*unit   // units whose hold has ended while they were sending
	arena     []byte
	acts      []group.Action
	packet    vrrp.Packet
	entries   []peer.Entry
	votes     *votes
	mandates  []vote.Subject // that moved
	gateways  []*gateway
	stood     time.Duration // how long the process stood still before this round
	round     Instant       // by the gate's clock, when the round began
	stamped   time.Time
	late      lateness
	nextBeat  time.Time
	nextTalk  time.Time // the next hellos, at the latest
	lastTalk  time.Time
	hellos    int    // rounds of them so far
	unknown   uint64 // adverts for virtual routers that are not configured
	pending   []collector
	sights    sights
	heir      *heirship // a process that waits for all of this
	fencing   fencing
	legacy    *vote.Estate // of the process before, until it was inherited
}

// maxDatagrams is how many datagrams one round handles, so that a flood
// cannot keep the loop from its deadlines.
const maxDatagrams = 256

// New makes an engine without groups.
func New(opt Options) *Engine {
	if opt.Role == nil {
		opt.Role = func(string) announce.Role { return announce.Host }
	}
	if opt.Clock == nil {
		opt.Clock = time.Now
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	return &Engine{
		opt:     opt,
		units:   map[uint64]*unit{},
		ports:   map[string]*port{},
		routes:  map[route]*router{},
		results: map[string]group.Event{},
		lacks:   map[string]map[string]group.Lack{},
		left:    map[string]*order.Machine{},
		in:      make([]Datagram, maxDatagrams),
		arena:   make([]byte, 0, 64<<10),
		sights:  newSights(),
	}
}

// Run is the loop. It returns once Stop was posted and every group has left,
// or with the error of a wire that broke. When ctx ends, it stops in order by
// itself.
func (e *Engine) Run(ctx context.Context) error {
	unwatch := context.AfterFunc(ctx, func() {
		e.Post(func(now time.Time) { e.stop(now, "the daemon was told to stop") })
	})
	defer unwatch()
	begun := e.opt.Clock()
	for {
		// Everything is judged as of now, the time from before the packets
		// were read: what is not among them had not arrived by then.
		ended := e.opt.Clock()
		until := e.wake(ended)
		n, now, err := e.opt.Wire.Wait(until, e.in)
		if err != nil {
			return fmt.Errorf("cannot wait for packets: %w", err)
		}
		e.stood = standstill(begun, ended, until, now)
		begun = now
		e.turn(n, now)
		if e.handOn() {
			return ErrHandedOn
		}
		if e.stopping && len(e.units) == 0 {
			e.walkDog(now)
			return nil
		}
	}
}

// unread is how long reading may take for what was read to count as having
// arrived when it began: less than the margin of any hold.
const unread = 400 * time.Microsecond

// turn is one round: n datagrams were read after the time looked.
//
// A timer is believed when everything has been heard that had arrived by then,
// so timers are judged as of before the reading. What arrived is not older than
// that, and not younger than heard. The two are one time, unless this process
// was stopped between them. Then a peer's advert may be much younger than
// looked, and so may others be that were not read: it counts as heard now, and
// no timer is believed but those of holders, who wait for nobody.
func (e *Engine) turn(n int, looked time.Time) {
	now, heard := looked, e.opt.Clock()
	stopped := heard.Sub(looked) > unread
	if stopped {
		now = heard
	}
	e.round = e.opt.Gate.Now()
	if e.stood > stumble || stopped {
		e.sights.set.Wake(now, e.round)
	}
	for i := range n {
		e.datagram(now, &e.in[i])
	}
	for _, f := range e.inbox.take() {
		f(now)
	}
	if stopped {
		e.tickHolders(now)
	} else {
		e.watch(now)
		e.tick(now)
	}
	e.poll(now)
	e.renewLeases(now)
	e.askGateways(now)
	e.talk(now)
	e.collect(now)
	e.send()
	e.guard(now)
	e.beat(now)
}

// standstill is how long this process was kept from its work: in the round
// before, or after it should have been woken.
func standstill(begun, ended, until, now time.Time) time.Duration {
	d := ended.Sub(begun)
	if !until.IsZero() && until.After(ended) {
		d = max(d, now.Sub(until))
	}
	return d
}

// wake is when the loop has to be awake again.
func (e *Engine) wake(now time.Time) time.Time {
	if len(e.pending) > 0 {
		return time.Unix(0, 0) // a collection goes on at once
	}
	t := e.queue.next()
	if h := e.heir; h != nil && (t.IsZero() || h.next.Before(t)) {
		t = h.next
	}
	for _, o := range [...]time.Time{e.nextBeat, e.nextTalk, e.polled(now), e.leaseDue(now), e.nextQuestion(now), e.sights.set.Deadline(), e.fencing.due()} {
		if !o.IsZero() && (t.IsZero() || o.Before(t)) {
			t = o
		}
	}
	return t
}

// tick steps every unit whose deadline has come.
func (e *Engine) tick(now time.Time) {
	for {
		u := e.queue.due(now)
		if u == nil {
			return
		}
		e.step(now, u, group.Tick())
		e.tickSteps(now, u)
	}
}

// tickHolders steps those of them that hold.
func (e *Engine) tickHolders(now time.Time) {
	for _, u := range e.units {
		if d := u.set.Deadline(); u.set.State() == group.Active && !d.IsZero() && !d.After(now) {
			e.step(now, u, group.Tick())
		}
	}
}

// step gives a unit an event and carries out its answer. A hold that has
// ended comes before whatever else is new.
func (e *Engine) step(now time.Time, u *unit, ev group.Event) {
	if i, late := u.lapsed(e.round); late > 0 {
		e.let(now, u, group.Lapsed(i, late))
	}
	e.let(now, u, ev)
}

func (e *Engine) let(now time.Time, u *unit, ev group.Event) {
	acts := u.set.Step(now, ev, e.acts[:0])
	e.acts = acts
	e.perform(now, u, acts)
	e.plan(u)
}

func (e *Engine) beat(now time.Time) {
	if e.opt.Beat == nil {
		return
	}
	e.opt.Beat()
	e.nextBeat = now.Add(e.opt.BeatEvery)
}

// stop makes every unit leave in order; Run ends when the last has left.
func (e *Engine) stop(now time.Time, why string) {
	if e.stopping {
		return
	}
	e.stopping, e.stopText = true, why
	e.waiting = nil
	for _, u := range e.units {
		e.retire(now, u, why)
	}
	e.record(Record{Time: now, Record: group.Record{Kind: "daemon", Reason: "stopping: " + why}})
}

func (e *Engine) record(r Record) {
	if e.opt.Record != nil {
		e.opt.Record(r)
	}
}

// ErrStopped is what commands get once the engine has ended.
var ErrStopped = errors.New("the daemon is stopping")
