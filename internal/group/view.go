package group

import (
	"maps"
	"net/netip"
	"time"

	"github.com/holdfast-net/holdfast/vrrp"
)

// View is what a person may want to know of a set. It shares nothing with it.
type View struct {
	State       State
	Leaving     bool
	Demoting    bool // nothing is announced any more, the steps are being undone
	Claiming    bool // the addresses are on, and wait for the right to answer
	Reason      string
	Since       time.Time
	Suspended   bool // preemption is off until the node that took over is gone
	Maintenance bool
	Transitions uint64
	Conflict    Conflict
	Conflicts   uint64        // that are over
	Conflicted  time.Duration // how long they took
	Lapses      Lapses
	Down        map[string]string // checks that are down, and why
	Awaited     map[string]bool   // checks without a result
	Lacks       []Lack            // what it waits for before it claims or preempts
	Routers     []RouterView
}

// Conflict is another machine that uses an address of a set. Other is empty
// where there is none.
type Conflict struct {
	Since   time.Time
	Address netip.Addr
	Other   string // its MAC address or node
	Own     string // this node's MAC address, where Other is one
}

// Lapses are holds that ended by themselves, because this node was late.
type Lapses struct {
	Count uint64
	Last  time.Time
	Late  time.Duration // how long the last one had been over when it was noticed
}

// RouterView is one router of a set.
type RouterView struct {
	Group        int
	Config       vrrp.Config
	State        vrrp.State
	Priority     uint8
	Interval     time.Duration // the Active's, as learnt
	DownInterval time.Duration
	Active       vrrp.Peer
	ActiveHeard  bool
	Peers        []vrrp.Peer
	Counters     vrrp.Counters
}

// View copies the set's facts.
func (s *Set) View() View {
	v := View{
		State:       s.phase.state(),
		Leaving:     s.phase == leaving,
		Demoting:    s.phase == demoting,
		Claiming:    s.phase == claiming,
		Reason:      s.reason,
		Since:       s.since,
		Suspended:   s.suspended.on,
		Maintenance: s.maintenance,
		Transitions: s.transitions,
		Conflicts:   s.disputes,
		Conflicted:  s.disputedFor,
		Lapses:      s.lapses,
		Down:        make(map[string]string, len(s.down)),
		Awaited:     make(map[string]bool, len(s.awaited)),
		Routers:     make([]RouterView, len(s.members)),
	}
	if c := &s.dispute; c.on {
		v.Conflict = Conflict{Since: c.first, Address: c.addr, Other: c.other, Own: c.own}
	}
	for _, l := range s.lacks {
		if !l.Met {
			v.Lacks = append(v.Lacks, l.Lack)
		}
	}
	maps.Copy(v.Down, s.down)
	maps.Copy(v.Awaited, s.awaited)
	for i := range s.members {
		m := &s.members[i]
		peer, heard := m.router.Active()
		v.Routers[i] = RouterView{
			Group:        m.group,
			Config:       m.router.Config(),
			State:        m.router.State(),
			Priority:     m.router.Priority(),
			Interval:     m.router.ActiveInterval(),
			DownInterval: m.router.DownInterval(),
			Active:       peer,
			ActiveHeard:  heard,
			Peers:        m.router.Peers(nil),
			Counters:     m.router.Counters(),
		}
	}
	return v
}

// State is the state of every group of the set.
func (s *Set) State() State { return s.phase.state() }

// Keeps reports whether the set's addresses are to be on this node: it holds
// them, is about to, or serves what still arrives.
func (s *Set) Keeps() bool { return s.phase >= claiming }

// Router gives the router with that index, for encoding its adverts.
func (s *Set) Router(i int) *vrrp.Router { return s.members[i].router }
