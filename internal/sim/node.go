package sim

import (
	"time"

	"github.com/holdfast-net/holdfast/internal/group"
	"github.com/holdfast-net/holdfast/internal/hold"
	"github.com/holdfast-net/holdfast/internal/peer"
	"github.com/holdfast-net/holdfast/internal/sight"
	"github.com/holdfast-net/holdfast/vrrp"
)

// node is one machine with its kernel and the process that runs on it.
type node struct {
	index    int
	name     string
	plain    bool
	sets     []Set     // as configured here
	settings []NodeSet // as configured here
	clock    clock

	powered bool
	kernel  kernel

	// The process. A new life begins with each start; what was meant for
	// an earlier one is dropped.
	running  bool
	paused   bool
	stopping bool
	restart  bool // start again when it has stopped
	life     uint32
	stops    int // how many things pause it
	thawed   time.Duration
	retried  time.Duration // when what the kernel refused was tried again
	pending  []func()      // what it was about to do when it was paused
	backlog  []event       // frames that wait for a paused process
	posts    []func()
	units    []*unit
	plains   []*plainRouter
	nextTalk time.Duration
	lastTalk time.Duration
	hellos   int  // rounds of them in this life, or since a link came up
	deaf     bool // frames were lost while it was paused
	stamped  time.Time
	talkAt   time.Duration // when the talk event in the queue is due; 0: there is none

	sights   sights
	pausedAt time.Duration

	checks      map[string]string // checks that fail, and why
	lacks       map[string]lack
	maintenance bool
}

// unit is one set of groups in a process.
type unit struct {
	print   uint32 // peer.SetOf its routers
	set     *group.Set
	index   int // of the set in the world
	routers []*router
	wakeAt  time.Duration // when the timer in the queue is due; 0: there is none
	claimed bool          // its claim was sent
	expired bool          // its hold has ended while it was sending
	paths   []sight.Path  // to the neighbours that it watches
	bound   hold.Instant  // beyond which no hold lasts, because of them; 0: none is set
	started bool
	stopped bool
	keeps   bool          // its addresses are to be on this node
	freed   time.Duration // since when they are not
	ordered int           // commands given to it
	results int           // and answered
}

// router is one virtual router of a unit.
type router struct {
	unit   *unit
	index  int // in the set
	vr     int // in the world
	cfg    vrrp.Config
	keeper hold.Keeper
	key    peer.Key
	table  peer.Table
}

// start begins a new life of the process: it prepares its interfaces, which
// removes what an earlier life has left, and then starts its sets.
func (w *World) start(n *node) {
	if n.stopping {
		n.restart = true
		return
	}
	if n.running || !n.powered {
		return
	}
	n.life++
	n.hellos, n.deaf, n.thawed = 0, false, w.now
	n.running, n.paused, n.restart, n.stops = true, false, false, 0
	n.backlog, n.posts, n.pending = n.backlog[:0], nil, nil
	n.units, n.plains = nil, nil
	n.talkAt, n.nextTalk, n.lastTalk = 0, 0, 0
	n.maintenance = false
	w.queue.push(event{at: w.now + w.cfg.Kernel.Latency, kind: boot, node: uint16(n.index), life: n.life})
}

// prepared is the end of the preparations.
func (w *World) prepared(n *node) {
	for vr := range n.kernel.slots {
		if n.kernel.slots[vr].on {
			n.kernel.slots[vr] = slot{}
			w.judge.kernelChanged(vr)
		}
	}
	if n.plain {
		w.startPlain(n)
		return
	}
	w.openSights(n)
	for s := range n.sets {
		set, err := group.New(w.groups(n.index, s))
		if err != nil {
			w.fail("%s: %v", n.name, err)
			return
		}
		u := &unit{set: set, index: s}
		for vr := range w.vrs {
			if v := &w.vrs[vr]; v.set == s {
				cfg := set.Router(v.index).Config()
				u.routers = append(u.routers, &router{unit: u, index: v.index, vr: vr, cfg: cfg, key: keyOf(cfg)})
			}
		}
		var members []peer.Member
		for _, r := range u.routers {
			members = append(members, peer.Member{VRID: r.cfg.VRID, Family: r.cfg.Family})
		}
		u.print = peer.SetOf(members)
		n.units = append(n.units, u)
	}
	for what := range n.lacks {
		w.tellLack(n, what)
	}
	for _, u := range n.units {
		for name, why := range n.checks {
			w.step(n, u, group.Failed(name, why))
		}
		for _, r := range u.routers {
			w.tellLink(n, r)
		}
		u.started = true
		w.step(n, u, group.Start())
	}
}

func keyOf(c vrrp.Config) peer.Key {
	if c.HMAC == nil {
		return peer.Key{}
	}
	return peer.Key{ID: c.HMAC.Active, Keys: c.HMAC.Keys, Window: c.HMAC.Window}
}

func (w *World) tellLink(n *node, r *router) {
	v := &w.vrs[r.vr]
	if w.lans[v.lan].ports[n.index].up {
		w.step(n, r.unit, group.LinkUp(r.index, w.nodeAddr(n.index, v.lan, v.family)))
	} else {
		w.step(n, r.unit, group.LinkDown(r.index, "the link is down: no carrier"))
	}
}

// step gives a set an event and carries out its answer. A hold that has ended
// comes before whatever else is new, as in the engine.
func (w *World) step(n *node, u *unit, ev group.Event) {
	now := n.clock.at(w.now)
	w.do(n, func() {
		if i, late := u.lapsed(w.instant()); late > 0 {
			w.let(now, n, u, group.Lapsed(i, late))
		}
		w.do(n, func() { w.let(now, n, u, ev) })
	})
}

func (w *World) let(now time.Time, n *node, u *unit, ev group.Event) {
	if u.stopped {
		return
	}
	acts := u.set.Step(now, ev, nil)
	w.perform(n, u, acts)
	w.schedule(n, u)
	w.judge.stepped(n, u, ev)
}

// lapsed finds a router whose hold has ended by itself.
func (u *unit) lapsed(now hold.Instant) (router int, late time.Duration) {
	for i, r := range u.routers {
		if r.keeper.Lapsed(now) {
			return i, max(now.Sub(r.keeper.Until()), 1)
		}
	}
	return 0, 0
}

// schedule makes sure that the set is woken at its deadline. A timer that is
// due earlier stays: when it fires, the deadline is looked at again.
func (w *World) schedule(n *node, u *unit) {
	d := u.set.Deadline()
	if d.IsZero() {
		return
	}
	at := max(w.now+d.Sub(n.clock.at(w.now)), w.now, 1)
	if u.wakeAt != 0 && u.wakeAt <= at {
		return
	}
	u.wakeAt = at
	w.queue.push(event{
		at: at + w.upTo(w.cfg.Late), kind: wakeSet, node: uint16(n.index), index: uint16(u.index), life: n.life,
	})
}

// wake is a timer of a set.
func (w *World) wake(n *node, u *unit) {
	u.wakeAt = 0
	if d := u.set.Deadline(); !d.IsZero() && !d.After(n.clock.at(w.now)) {
		w.step(n, u, group.Tick())
		w.judge.ticked(n, u)
		return
	}
	w.schedule(n, u)
}

// post lets the process call f: now, or when it is no longer paused.
func (n *node) post(f func()) {
	if n.paused {
		n.posts = append(n.posts, f)
	} else if n.running {
		f()
	}
}

// done hands the answer to an order to its set.
func (w *World) done(n *node, o order, err error) {
	v := &w.vrs[o.vr]
	if n.plain || v.set >= len(n.units) {
		return
	}
	if err != nil {
		n.retried = w.now + retry
	}
	w.step(n, n.units[v.set], group.Done(v.index, o.op, err))
}

// socketBuffer is how many frames wait for a paused process.
const socketBuffer = 256

// processHears hands a frame to the process, if it is there to hear it.
func (w *World) processHears(n *node, lan int, f *frame) {
	switch {
	case !n.running:
	case n.paused:
		if len(n.backlog) < socketBuffer {
			n.backlog = append(n.backlog, event{lan: uint8(lan), frame: f})
		} else {
			n.deaf = true
		}
	case n.plain:
		w.plainHears(n, lan, f)
	case f.content == advert:
		w.hearAdvert(n, lan, f)
	case f.content == message:
		w.hearMessage(n, lan, f)
	case f.content == control:
		w.hearBFD(n, lan, f)
	}
}

// thaw lets a paused process go on: it finishes what it was doing, and then,
// as the engine does, handles what waits at its sockets before it believes its
// timers. It may be paused again at any step of that.
func (w *World) thaw(n *node) {
	n.paused, n.thawed = false, w.now
	if n.sights.set != nil && w.now-n.pausedAt > stumble {
		n.sights.set.Wake(n.sightTime(w), w.instant())
	}
	life := n.life
	for len(n.pending) > 0 && !n.paused {
		// What it puts off, when it is paused again, comes before the rest:
		// a process does one thing after the other.
		f, rest := n.pending[0], n.pending[1:]
		n.pending = nil
		f()
		n.pending = append(n.pending, rest...)
	}
	for len(n.backlog) > 0 && !n.paused && n.running {
		e := n.backlog[0]
		n.backlog = n.backlog[1:]
		w.processHears(n, int(e.lan), e.frame)
	}
	if n.deaf && !n.paused && n.running {
		n.deaf = false
		for _, u := range n.units {
			for i := range u.routers {
				w.step(n, u, group.Deaf(i))
			}
		}
	}
	for len(n.posts) > 0 && !n.paused && n.running {
		f := n.posts[0]
		n.posts = n.posts[1:]
		f()
	}
	if n.paused || n.life != life {
		return
	}
	w.watch(n) // before the sets' timers, as in the engine
	for _, u := range n.units {
		if !n.paused {
			w.wake(n, u)
		}
	}
	for i := range n.plains {
		w.wakePlain(n, i)
	}
	// In the engine the hellos that are due leave with the adverts of a round.
	w.do(n, func() { w.talkNow(n) })
}
