package engine

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/fence"
	"github.com/holdfast-net/holdfast/internal/group"
	"github.com/holdfast-net/holdfast/internal/hold"
	"github.com/holdfast-net/holdfast/internal/lease"
	"github.com/holdfast-net/holdfast/internal/order"
	"github.com/holdfast-net/holdfast/internal/peer"
	"github.com/holdfast-net/holdfast/internal/vote"
	"github.com/holdfast-net/holdfast/vrrp"
)

// EstateVersion is that of Estate and all in it. Processes of different
// versions do not hand on to each other.
const EstateVersion = 1

// Estate is what the engine of one process leaves to that of the next. The
// kernel's part, addresses and the gate, stays where it is.
type Estate struct {
	Version     int
	Drawn       Instant // by the gate's clock, which both processes read
	Stamped     time.Time
	Maintenance bool
	Units       []UnitEstate
	Votes       *vote.Estate  `json:",omitempty"`
	Checks      []CheckEstate `json:",omitempty"`
	Fencing     FencingEstate
}

// FencingEstate is what is known of nodes that were cut off, or need not be.
type FencingEstate struct {
	Fencer fence.Estate
	Stuck  bool                       // a unit has ended whose steps could not be undone
	Words  map[string]map[string]Word `json:",omitempty"` // by group and node
}

// UnitEstate is that of groups that move together.
type UnitEstate struct {
	Groups  []string
	Mandate Instant // see unit
	Set     group.Estate
	Steps   map[string]order.Estate `json:",omitempty"` // by group
	Lease   *lease.Estate           `json:",omitempty"`
	Epoch   uint64                  `json:",omitempty"` // of the mandate
	Routers []RouterEstate
}

// RouterEstate is that of a virtual router.
type RouterEstate struct {
	Interface string
	Index     int // of the interface
	Family    vrrp.Family
	VRID      uint8
	Addresses []netip.Prefix
	MAC       [6]byte
	Virtual   bool
	Why       string
	Prepared  bool
	Slot      Slot
	Keeper    hold.Estate
	Nodes     []peer.Node
	Calls     []peer.Called `json:",omitempty"`
}

// draw draws the estate up.
func (e *Engine) draw(now time.Time) *Estate {
	es := &Estate{Version: EstateVersion, Drawn: e.opt.Gate.Now(), Stamped: e.stamped, Maintenance: e.maintenance}
	for _, u := range e.sortedUnits() {
		es.Units = append(es.Units, u.estate(now))
	}
	for name, ev := range e.results {
		es.Checks = append(es.Checks, CheckEstate{Name: name, Up: ev.Up, Text: ev.Text, Worth: ev.Worth})
	}
	if e.votes != nil {
		v := e.votes.agent.Estate()
		es.Votes = &v
	}
	es.Fencing = e.fencing.estate()
	return es
}

// CheckEstate is the last result of a check.
type CheckEstate struct {
	Name  string
	Up    bool
	Text  string
	Worth group.Worth
}

func (u *unit) estate(now time.Time) UnitEstate {
	ue := UnitEstate{Set: u.set.Estate(now), Mandate: u.mandate, Epoch: u.epoch}
	if u.lease != nil {
		l := u.lease.candidate.Estate()
		ue.Lease = &l
	}
	for i := range u.groups {
		ue.Groups = append(ue.Groups, u.groups[i].Name)
	}
	for _, t := range u.steps {
		if ue.Steps == nil {
			ue.Steps = map[string]order.Estate{}
		}
		ue.Steps[t.group] = t.machine.Estate()
	}
	for _, r := range u.routers {
		ue.Routers = append(ue.Routers, RouterEstate{
			Interface: r.group.Interface, Index: r.port.link.Index, Family: r.cfg.Family, VRID: r.cfg.VRID, Addresses: r.addrs,
			MAC: r.mac, Virtual: r.virtual, Why: r.why, Prepared: r.prepared, Slot: r.slot,
			Keeper: r.keeper.Estate(), Nodes: r.table.Nodes(), Calls: r.calls.Estate(),
		})
	}
	return ue
}

// match finds the unit of an estate for one of this process, and says what
// keeps the one from going on as the other.
func (es *Estate) match(u *unit) (*UnitEstate, error) {
	for i := range es.Units {
		ue := &es.Units[i]
		if !slices.ContainsFunc(ue.Groups, u.has) {
			continue
		}
		if len(ue.Groups) != len(u.groups) || len(ue.Routers) != len(u.routers) || len(ue.Set.Routers) != len(u.routers) {
			return nil, fmt.Errorf("group %s is not what it was", u.groups[0].Name)
		}
		for j, r := range u.routers {
			o := &ue.Routers[j]
			if o.Interface != r.group.Interface || o.Family != r.cfg.Family || o.VRID != r.cfg.VRID || !slices.Equal(o.Addresses, r.addrs) {
				return nil, fmt.Errorf("virtual router %d (%s) of group %s is not what it was", o.VRID, o.Family, r.group.Name)
			}
		}
		for j := range u.groups {
			g := &u.groups[j]
			if o, had := ue.Steps[g.Name]; hasSteps(g) != had && (hasSteps(g) || len(o.Book.Begun) > 0) {
				return nil, fmt.Errorf("the steps of group %s are not what they were", g.Name)
			}
		}
		return ue, nil
	}
	return nil, fmt.Errorf("group %s is new", u.groups[0].Name)
}

// heirs makes the units that inherit.
func (e *Engine) heirs(cfg *config.Config, es *Estate) (fresh []*unit, of []*UnitEstate, err error) {
	if es.Version != EstateVersion {
		return nil, nil, fmt.Errorf("cannot inherit: the state is of version %d, this program knows %d", es.Version, EstateVersion)
	}
	sets := mute(together(cfg.Groups))
	if len(sets) != len(es.Units) {
		return nil, nil, fmt.Errorf("cannot inherit: there were %d sets of groups, the file has %d", len(es.Units), len(sets))
	}
	for _, groups := range sets {
		u, err := e.newUnit(groups)
		if err != nil {
			return nil, nil, fmt.Errorf("cannot inherit: %w", err)
		}
		ue, err := es.match(u)
		if err != nil {
			return nil, nil, fmt.Errorf("cannot inherit: %w", err)
		}
		fresh, of = append(fresh, u), append(of, ue)
	}
	return fresh, of, nil
}
