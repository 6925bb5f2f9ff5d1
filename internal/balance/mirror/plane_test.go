package mirror

import (
	"cmp"
	"errors"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/holdfast-net/holdfast/internal/balance"
)

// more reads some flows now, and tells them later.
func (n *node) more(c Conn, x *walk) {
	n.in(n.some(2*time.Millisecond), func() {
		for len(x.keys) > 0 && len(x.read) < 7 {
			if e := n.plane.flows[x.keys[0]]; e != nil {
				x.read = append(x.read, e.flow(n.now))
			}
			x.keys = x.keys[1:]
		}
		n.in(n.some(20*time.Millisecond), func() {
			if n.walks[c] != x {
				return
			}
			if len(x.read) == 0 {
				delete(n.walks, c)
				n.step(WalkEnded{Conn: c, Bulk: x.number})
				return
			}
			read := x.read
			x.read = nil
			n.step(Walked{c, x.number, read})
		})
	})
}

func compareIDs(a, b id) int {
	return cmp.Or(a.listen.Compare(b.listen.AddrPort), a.client.Compare(b.client))
}

func (e *entry) flow(now time.Time) balance.Flow {
	f := e.Flow
	f.Idle = now.Sub(e.seen)
	return f
}

func (n *node) install(changes []balance.Change) (refused int, err error) {
	for _, c := range changes {
		k, seen := idOf(&c.Flow), n.now.Add(-c.Idle)
		known := n.plane.flows[k]
		switch {
		case known != nil && known.seen.After(seen.Add(2*time.Second)): // as the plane in the kernel allows
		case c.Gone:
			delete(n.plane.flows, k)
		case n.plane.full:
			refused, err = refused+1, errors.New("there is no room")
		default:
			if _, settled := n.settled[c.Listen]; settled && known == nil {
				n.late = append(n.late, k)
			}
			n.plane.flows[k] = &entry{c.Flow, seen}
		}
	}
	return refused, err
}

// survey is what was here when a walk began.
type survey struct {
	number uint32
	had    Names
	done   bool
}

// survey looks at all flows, while others are put there.
func (n *node) survey(a Action, x *survey) {
	keys := slices.SortedFunc(maps.Keys(n.plane.flows), compareIDs)
	var some func()
	some = func() {
		for i := 0; i < 50 && len(keys) > 0; i++ {
			if e := n.plane.flows[keys[0]]; e != nil && slices.Contains(a.Listens, e.Listen) {
				x.had.Add(&e.Flow)
			}
			keys = keys[1:]
		}
		if x.done = len(keys) == 0; !x.done {
			n.in(n.some(2*time.Millisecond), some)
		}
	}
	some()
}

// sweep looks at all flows where the survey says that it has to, or where it was
// not finished: then the runner waits for it.
func (n *node) sweep(a Action) (ended int) {
	if x := n.surveys[a.Conn]; x != nil && x.number == a.Bulk && x.done && a.Named.Covers(&x.had) {
		n.covered++
		return 0
	}
	for k, e := range n.plane.flows {
		if slices.Contains(a.Listens, k.listen) && !a.Named.Has(&e.Flow) {
			delete(n.plane.flows, k)
			ended++
		}
	}
	return ended
}

// begin is a client that connects, finish one that ends.
func (n *node) begin(listen balance.Endpoint, client netip.AddrPort, backend int) {
	f := balance.Flow{Listen: listen, Client: client, Backend: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 1, 0, byte(backend)}), 80)}
	n.plane.flows[idOf(&f)] = &entry{f, n.now}
	n.tell(balance.Change{Flow: f})
}

func (n *node) finish(k id) {
	e := n.plane.flows[k]
	if e == nil {
		return
	}
	delete(n.plane.flows, k)
	n.tell(balance.Change{Flow: e.flow(n.now), Gone: true})
}

// tell puts news in the ring, which is read later and has bounds.
func (n *node) tell(c balance.Change) {
	if c.Gone {
		c.Idle = 0
	}
	if len(n.plane.ring) >= 40 {
		n.plane.lost = true
		return
	}
	if n.plane.ring = append(n.plane.ring, c); len(n.plane.ring) == 1 {
		n.in(n.some(5*time.Millisecond), func() {
			ring, lost := n.plane.ring, n.plane.lost
			n.plane.ring, n.plane.lost = nil, false
			n.step(News{ring, lost})
		})
	}
}
