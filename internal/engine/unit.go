package engine

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/group"
	"github.com/holdfast-net/holdfast/internal/hold"
	"github.com/holdfast-net/holdfast/internal/lease"
	"github.com/holdfast-net/holdfast/internal/peer"
	"github.com/holdfast-net/holdfast/internal/sight"
	"github.com/holdfast-net/holdfast/internal/vote"
	"github.com/holdfast-net/holdfast/vrrp"
)

// unit is one set of groups at work.
type unit struct {
	id       uint64
	set      *group.Set
	groups   []config.Group
	print    uint32 // peer.SetOf its routers
	routers  []*router
	started  bool
	retiring bool

	subject vote.Subject  // of the votes
	voted   bool          // it is one
	gateway *gateway      // that has to answer instead
	lease   *tenancy      // that is the election
	apart   string        // why it cannot take part in it
	tries   int           // to do so, in vain
	former  *lease.Estate // of the process before

	deadline time.Time // of the set, as entered in the queue
	at       int       // index in the queue; -1: not in it

	steps  []*transaction // of its groups, where they have any
	secure *securing      // what is done before it holds; nil: nothing
	words  words          // of the other nodes, for who fences
	begun  time.Time      // zero: by another process
	failed string         // why they could not be taken
	epoch  uint64         // of the mandate, where it has one

	mandate Instant // until when a majority has promised, or the gateway's answer counts; 0: nobody is asked
	bound   Instant // before which no neighbour misses this node; 0: none would
	paths   []sight.Path

	// waiters are operators whose command on this unit has not ended.
	waiters []func(CommandResult)
}

// router is one virtual router of a unit and its place in the kernel.
type router struct {
	unit  *unit
	index int // in the set
	group *config.Group
	cfg   vrrp.Config
	port  *port
	addrs []netip.Prefix

	src       netip.Addr
	mac       [6]byte
	virtual   bool
	why       string // why not the virtual MAC
	slot      Slot
	keeper    hold.Keeper
	prepared  bool
	kept      bool // as another process left it, and the hands have not looked yet
	preparing bool
	answers   bool      // its addresses do, as the Clients were told
	trouble   string    // why it could not be prepared
	retry     time.Time // when to try again

	key     peer.Key
	table   peer.Table
	calls   peer.Calls
	notices allowance
}

// route is how a datagram finds its router.
type route struct {
	port   Port
	family vrrp.Family
	vrid   uint8
}

// beats is in how many instants of an interval all routers that have it send
// their adverts. Waking up costs more than an advert does, here and at every
// peer: thousands of routers that became Active one by one would keep the
// machine awake.
const beats = 32

// setConfigs are the set's and its routers' configurations for some groups
// that move together.
func setConfigs(groups []config.Group) []group.Config {
	out := make([]group.Config, len(groups))
	for i, g := range groups {
		c := group.Config{Name: g.Name, Priority: g.VRRP.Priority}
		for _, f := range g.Families() {
			rc := g.Router(f)
			rc.Source = unspecified(f) // until the interface is seen
			rc.Align = rc.Interval / beats
			c.Routers = append(c.Routers, rc)
		}
		for _, u := range g.Checks {
			c.Uses = append(c.Uses, group.Use{Check: u.Check, Weight: u.Weight})
		}
		c.Steps = hasSteps(&g)
		if c.Fenced = g.Fence.Asks(); g.Fence.Watchdog {
			c.Uses = append(c.Uses, group.Use{Check: dogCheck})
		}
		c.Guarded, c.Leased = g.Guard.Kind != config.GuardAvailable, g.Lease != nil
		if c.Leased {
			c.Unwatched = lease.Unwatched(g.Lease.TTL)
		}
		c.Announce = group.Announce{Repeat: g.Announce.Repeat, Refresh: g.Announce.Refresh}
		out[i] = c
	}
	return out
}

func unspecified(f vrrp.Family) netip.Addr {
	if f == vrrp.IPv4 {
		return netip.IPv4Unspecified()
	}
	return netip.IPv6Unspecified()
}

func (e *Engine) newUnit(groups []config.Group) (*unit, error) {
	set, err := group.New(setConfigs(groups))
	if err != nil {
		return nil, err
	}
	e.lastUnit++
	u := &unit{id: e.lastUnit, set: set, groups: groups, at: -1, words: e.fencing.wordsOf(groups[0].Name)}
	u.routers = makeRouters(u)
	members := make([]peer.Member, len(u.routers))
	for i, r := range u.routers {
		members[i] = peer.Member{VRID: r.cfg.VRID, Family: r.cfg.Family}
	}
	u.print = peer.SetOf(members)
	return u, nil
}

// makeRouters lists the unit's routers in the order of its set.
func makeRouters(u *unit) []*router {
	var out []*router
	for gi := range u.groups {
		g := &u.groups[gi]
		for _, f := range g.Families() {
			cfg := u.set.Router(len(out)).Config()
			r := &router{
				unit: u, index: len(out), group: g, cfg: cfg,
				addrs: g.AddressList(f),
			}
			if h := cfg.HMAC; h != nil {
				r.key = peer.Key{ID: h.Active, Keys: h.Keys, Window: h.Window}
			}
			out = append(out, r)
		}
	}
	return out
}

// begin takes a unit into the engine: its interfaces are opened and prepared,
// and it starts once all of them are.
func (e *Engine) begin(now time.Time, u *unit) {
	e.units[u.id], u.begun = u, now
	for _, r := range u.routers {
		p := e.portFor(r.group.Interface)
		r.port = p
		p.routers = append(p.routers, r)
	}
	e.stand(u)
	if e.maintenance {
		e.step(now, u, group.MaintenanceOn())
	}
	e.tellChecks(now, u)
	for _, r := range u.routers {
		e.attach(now, r)
	}
	e.transact(now, u)
	e.startIfReady(now, u)
}

// startIfReady starts the set when every router is prepared: before that,
// leftovers of an earlier run may still answer.
func (e *Engine) startIfReady(now time.Time, u *unit) {
	if u.started || u.retiring {
		return
	}
	for _, r := range u.routers {
		if !r.prepared && r.port.link.Up {
			return
		}
	}
	u.started = true
	e.step(now, u, group.Start())
}

// retire makes a unit leave in order and then disappear.
func (e *Engine) retire(now time.Time, u *unit, why string) {
	if u.retiring {
		return
	}
	u.retiring = true
	e.forgetNeighbours(now, u)
	e.step(now, u, group.Stop(why))
}

// end takes a unit that has left out of the engine.
func (e *Engine) end(now time.Time, u *unit) {
	e.fencing.stuck = e.fencing.stuck || u.set.Stuck() && u.asks(wantsWatchdog)
	e.leaveGateway(u)
	e.quitLease(u)
	e.keepMachines(u)
	for _, r := range u.routers {
		e.submit(r, OpDiscard)
		e.unroute(r)
		r.port.forget(r)
		e.closeIfUnused(r.port)
	}
	e.queue.remove(u)
	delete(e.units, u.id)
	if e.votes != nil && e.votes.units[u.subject] == u {
		delete(e.votes.units, u.subject)
	}
	e.answer(u, CommandResult{Text: "the group was removed"})
	e.beginWaiting(now)
}

// tag names a router in an order to the hands.
func (r *router) tag() uint64 { return r.unit.id<<16 | uint64(r.index) }

func (e *Engine) tagged(tag uint64) *router {
	u := e.units[tag>>16]
	if i := int(tag & 0xffff); u != nil && i < len(u.routers) {
		return u.routers[i]
	}
	return nil
}

func (u *unit) String() string { return fmt.Sprintf("unit %d (%s)", u.id, u.groups[0].Name) }
