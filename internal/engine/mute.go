package engine

import (
	"cmp"
	"hash/fnv"
	"slices"
	"time"

	"github.com/holdfast-net/holdfast/internal/config"
)

// A group whose election is a lease has virtual routers, too: their states,
// timers and doors are what a claim and a leave are made of. They are mute.
// What they would say opens and extends their doors, within the lease, and goes
// nowhere; and nobody's adverts are for them.

// muteInterval is that of the adverts that are not sent. It says how soon a
// handover that nobody takes up is taken back, and nothing of the hold.
const muteInterval = time.Second

// mute gives the groups with a lease the settings of such routers. Their VRID
// is a name on this machine alone: one that no other router of the interface
// has, and always the same for the same file.
func mute(sets [][]config.Group) [][]config.Group {
	type place struct {
		iface string
		vrid  uint8
	}
	used := map[place]bool{}
	var all []*config.Group
	for _, groups := range sets {
		for i := range groups {
			if g := &groups[i]; g.Lease == nil {
				used[place{g.Interface, g.VRRP.ID}] = true
			} else {
				all = append(all, g)
			}
		}
	}
	slices.SortFunc(all, func(a, b *config.Group) int { return cmp.Compare(a.Name, b.Name) })
	for _, g := range all {
		h := fnv.New32a()
		_, _ = h.Write([]byte(g.Name))
		p := place{g.Interface, uint8(h.Sum32()%255) + 1}
		for range 255 {
			if !used[p] {
				break
			}
			p.vrid = p.vrid%255 + 1
		}
		used[p] = true
		g.VRRP = config.VRRP{
			ID: p.vrid, Priority: uint8(g.Lease.Priority), Interval: muteInterval, Version: 3,
			MAC: config.MACPhysical, Accept: true,
		}
	}
	return sets
}

// mute reports whether a router's adverts go nowhere.
func (r *router) mute() bool { return r.group.Lease != nil }

// speakMute extends the doors of the routers that would have sent an advert.
func (e *Engine) speakMute() {
	muted := e.muted
	e.muted = nil
	for _, r := range muted {
		now := e.opt.Gate.Now()
		if !r.keeper.May(now) {
			e.expire(r.unit)
			continue
		}
		e.spoke(r, now, now)
	}
}
