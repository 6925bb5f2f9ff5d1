package engine

import (
	"context"
	"net/netip"
	"time"

	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/group"
	"github.com/holdfast-net/holdfast/internal/hold"
	"github.com/holdfast-net/holdfast/internal/lease"
	"github.com/holdfast-net/holdfast/internal/order"
	"github.com/holdfast-net/holdfast/internal/peer"
	"github.com/holdfast-net/holdfast/internal/vote"
)

// Snapshot is a copy of the engine's facts at one time. It shares nothing
// that changes.
type Snapshot struct {
	Time        time.Time
	Node        string
	Maintenance bool
	Stopping    bool
	Units       []UnitView
	Links       []Link
	Lateness    Lateness
	Voters      []vote.VoterView // of the cluster; nil without one
	Fencing     Fencing
	Unknown     uint64 // adverts for virtual routers that are not configured here
}

// UnitView is a set of groups.
type UnitView struct {
	group.View
	Groups  []config.Group
	Routers []RouterView
	Steps   map[string]order.View // by group, where one has any

	At      Instant      // the gate's clock when this was copied
	Voted   bool         // a majority's promise is asked for
	Promise vote.Promise // what of it there is
	Mandate Instant      // to which it may hold: by a majority, or a gateway; 0: it is not asked
	Lease   *lease.View  // nil: the election is another one, or
	Apart   string       // why this node cannot take part in it
	Epoch   uint64       // of the mandate, where it has one
	Bound   Instant      // before which no neighbour misses this node by BFD; 0: none would
}

// RouterView is what the engine knows of a router beyond its set's view. The
// index is the same as in View.Routers.
type RouterView struct {
	Interface string
	Addresses []netip.Prefix
	Source    netip.Addr
	MAC       [6]byte
	Virtual   bool
	Why       string
	Nodes     []peer.Node

	Prepared bool // it has a place in the kernel, and a slot in the gate
	Slot     Slot
	Level    hold.Level
	Doors    hold.Doors // what is in the gate
}

// perRound is how many units one round copies: looking at two thousand groups
// must not make an advert late.
const perRound = 16

// collector is a snapshot in the making.
type collector struct {
	units  []*unit
	snap   *Snapshot
	answer func(*Snapshot)
}

// Snapshot copies the engine's facts, a few groups between two rounds of the
// loop at a time.
func (e *Engine) Snapshot(ctx context.Context) (*Snapshot, error) {
	return Ask(ctx, e, func(now time.Time, answer func(*Snapshot)) {
		s := &Snapshot{
			Time: now, Node: e.node, Maintenance: e.maintenance, Stopping: e.stopping,
			Lateness: e.late.summary(), Unknown: e.unknown,
		}
		if e.votes != nil {
			s.Voters = e.votes.agent.Voters(vote.Instant(e.opt.Gate.Now()))
		}
		for _, p := range e.ports {
			s.Links = append(s.Links, p.link)
		}
		s.Fencing = e.fencing.view()
		e.pending = append(e.pending, collector{units: e.sortedUnits(), snap: s, answer: answer})
	})
}

func (e *Engine) collect(time.Time) {
	if len(e.pending) == 0 {
		return
	}
	c := &e.pending[0]
	n := min(perRound, len(c.units))
	for _, u := range c.units[:n] {
		c.snap.Units = append(c.snap.Units, e.view(u))
	}
	c.units = c.units[n:]
	if len(c.units) == 0 {
		c.answer(c.snap)
		e.pending = e.pending[1:]
	}
}

func (e *Engine) view(u *unit) UnitView {
	v := UnitView{
		View: u.set.View(), Groups: u.groups, Routers: make([]RouterView, len(u.routers)),
		At: e.opt.Gate.Now(), Mandate: u.mandate, Bound: u.bound, Epoch: u.epoch, Apart: u.apart,
	}
	if v.Voted = u.voted && e.votes != nil; v.Voted {
		v.Promise = e.votes.agent.Promises(vote.Instant(v.At), u.subject)
	}
	if u.lease != nil {
		l := u.lease.candidate.View()
		v.Lease = &l
	}
	for _, t := range u.steps {
		if v.Steps == nil {
			v.Steps = map[string]order.View{}
		}
		v.Steps[t.group] = t.machine.View()
	}
	for i, r := range u.routers {
		v.Routers[i] = RouterView{
			Interface: r.group.Interface, Addresses: r.addrs, Source: r.src,
			MAC: r.mac, Virtual: r.virtual, Why: r.why, Nodes: r.table.Nodes(),
			Prepared: r.prepared, Slot: r.slot, Level: r.keeper.Level(), Doors: r.keeper.Doors(),
		}
	}
	return v
}
