package sim

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"github.com/holdfast-net/holdfast/bfd"
	"github.com/holdfast-net/holdfast/internal/group"
	"github.com/holdfast-net/holdfast/internal/hold"
	"github.com/holdfast-net/holdfast/internal/sight"
	"github.com/holdfast-net/holdfast/vrrp"
)

// BFD is how the nodes of a group watch each other. The zero BFD is not at all.
type BFD struct {
	Interval   time.Duration
	Multiplier uint8
	Key        []byte // the same for all groups of a LAN
}

func (b BFD) on() bool { return b.Interval != 0 }

// sights is a process's part in watching its neighbours.
type sights struct {
	set    *sight.Set
	latest time.Time     // its sets never hear of an earlier time than before
	wakeAt time.Duration // when the timer in the queue is due; 0: there is none
}

// stumble is how long a process may stand still before the silence meanwhile
// is taken for its own, as in the engine.
const stumble = 2 * time.Millisecond

// openSights is for a new process. Where nobody wants BFD, it costs nothing.
func (w *World) openSights(n *node) {
	n.sights = sights{}
	for s := range n.sets {
		for _, g := range n.sets[s].Groups {
			if g.BFD.on() && n.sights.set == nil {
				n.sights.set = sight.New(rand.New(rand.NewPCG(w.rng.Uint64(), w.rng.Uint64())))
			}
		}
	}
}

func (n *node) sightTime(w *World) time.Time {
	if now := n.clock.at(w.now); now.After(n.sights.latest) {
		n.sights.latest = now
	}
	return n.sights.latest
}

// look brings the sessions in line with who is there, as the engine does after
// each round of hellos.
func (w *World) look(n *node) {
	if n.sights.set == nil {
		return
	}
	for _, u := range n.units {
		w.do(n, func() { w.lookFor(n, u) })
	}
	w.scheduleSights(n)
}

func (w *World) lookFor(n *node, u *unit) {
	now, before := n.sightTime(w), u.paths
	u.paths = nil
	for _, r := range u.routers {
		v := &w.vrs[r.vr]
		b := n.sets[u.index].Groups[v.group].BFD
		if !b.on() || n.stopping || u.stopped || !w.lans[v.lan].ports[n.index].up {
			continue
		}
		for _, peer := range r.neighbours(n.clock.at(w.now)) {
			p := sight.Path{Link: v.lan, Peer: peer}
			if slices.Contains(u.paths, p) {
				continue
			}
			wish := sight.Wish{Local: w.nodeAddr(n.index, v.lan, v.family), Interval: b.Interval, Multiplier: b.Multiplier, Key: b.Key}
			acts, err := n.sights.set.Want(now, u.id(), p, wish, nil)
			w.saw(n, acts)
			if err != nil {
				w.fail("%s: %v", n.name, err)
				continue
			}
			u.paths = append(u.paths, p)
		}
	}
	for _, p := range before {
		if !slices.Contains(u.paths, p) {
			w.saw(n, n.sights.set.Leave(now, u.id(), p, nil))
		}
	}
}

func (u *unit) id() uint64 { return uint64(u.index) + 1 }

// neighbours are the addresses of the other nodes of a router.
func (r *router) neighbours(now time.Time) []netip.Addr {
	if len(r.cfg.Peers) > 0 {
		return r.cfg.Peers
	}
	var out []netip.Addr
	for _, o := range r.table.Nodes() {
		if r.table.Kin(o.Addr, now) {
			out = append(out, o.Addr)
		}
	}
	return out
}

// forgetNeighbours is for a unit that ends.
func (w *World) forgetNeighbours(n *node, u *unit) {
	for _, p := range u.paths {
		w.saw(n, n.sights.set.Leave(n.sightTime(w), u.id(), p, nil))
	}
	u.paths = nil
}

// hearBFD takes in a packet of a neighbour.
func (w *World) hearBFD(n *node, lan int, f *frame) {
	if n.sights.set == nil {
		return
	}
	w.do(n, func() {
		p := bfd.Packet{Src: f.from, Link: lan, TTL: bfd.TTL, Payload: f.data}
		w.saw(n, n.sights.set.Received(n.sightTime(w), &p, nil))
		w.scheduleSights(n)
	})
}

// scheduleSights makes sure that the sessions are looked at when one of them
// wants to be.
func (w *World) scheduleSights(n *node) {
	if n.sights.set == nil || !n.running {
		return
	}
	d := n.sights.set.Deadline()
	if d.IsZero() {
		return
	}
	at := max(w.now+d.Sub(n.clock.at(w.now)), w.now, 1)
	if n.sights.wakeAt != 0 && n.sights.wakeAt <= at {
		return
	}
	n.sights.wakeAt = at
	w.queue.push(event{at: at + w.upTo(w.cfg.Late), kind: wakeSights, node: uint16(n.index), life: n.life})
}

// watch does what is due in the sessions, when all packets have been heard
// that had arrived by now.
func (w *World) watch(n *node) {
	if n.sights.set == nil {
		return
	}
	n.sights.wakeAt = 0
	now := n.sightTime(w)
	if d := n.sights.set.Deadline(); !d.IsZero() && !d.After(now) {
		w.do(n, func() {
			w.saw(n, n.sights.set.Tick(now, nil))
		})
	}
	w.scheduleSights(n)
}

// saw carries out what the sessions answered. Around each packet holds are cut
// to what the neighbours wait, in the steps of package sight.
func (w *World) saw(n *node, acts []sight.Action) {
	for _, a := range acts {
		if a.Kind == bfd.ActionSend {
			data := a.AppendPacket(nil)
			w.do(n, func() { n.sights.set.Sending(a, w.instant()) })
			w.bound(n)
			before := w.instant()
			w.do(n, func() { before = w.instant() })
			w.do(n, func() { w.sendBFD(n, a, data) })
			w.do(n, func() { n.sights.set.Sent(a, before, w.instant()) })
			w.bound(n)
			for _, u := range n.units {
				w.do(n, func() { w.tellSent(n, u) })
			}
			continue
		}
		if w.story.Adverts {
			w.tell(n.name, "neighbour %s: %s -> %s: %s", a.Path.Peer, a.From, a.To, a.Reason)
		}
		if a.Missed() {
			w.missed(n, a)
		}
	}
}

func (w *World) sendBFD(n *node, a sight.Action, data []byte) {
	lan := a.Path.Link
	w.transmit(lan, n.index, &frame{
		content: control, family: familyOf(a.Path.Peer), src: nodeMAC(n.index, lan), dst: w.macOf(a.Path.Peer, lan),
		from: a.Local, to: a.Path.Peer, data: data,
	})
}

// missed tells who waits for a neighbour to fall silent that it has.
func (w *World) missed(n *node, a sight.Action) {
	p := a.Path
	for _, u := range n.units {
		if !slices.Contains(u.paths, p) || slices.ContainsFunc(u.routers, func(r *router) bool { return r.heardSince(a) }) {
			continue
		}
		w.do(n, func() {
			holder := false
			for _, r := range u.routers {
				if v := &w.vrs[r.vr]; v.lan != p.Link || v.family != familyOf(p.Peer) {
					continue
				}
				active, live := u.set.Router(r.index).Active()
				w.step(n, u, group.Yielded(r.index, p.Peer))
				holder = holder || live && active.Addr == p.Peer
			}
			if holder && u.set.State() == group.Backup {
				w.step(n, u, group.Missed(p.Peer.String()))
			}
		})
	}
}

// heardSince reports whether a neighbour has advertised when it sent no more
// packets of BFD.
func (r *router) heardSince(a sight.Action) bool {
	o, ok := r.unit.set.Router(r.index).Peer(a.Path.Peer)
	return ok && o.LastHeard.Sub(a.Heard) > r.cfg.Interval
}

// bound lets no hold last longer than the neighbours wait for this node, and
// extends none that has ended.
func (w *World) bound(n *node) {
	for _, u := range n.units {
		var b, now hold.Instant
		w.do(n, func() { b = w.bounded(u, n.sights.set.Limits(nil)) })
		if b == u.bound {
			continue
		}
		w.do(n, func() { now = w.instant() })
		w.do(n, func() {
			if later := b == 0 || b > u.bound; later && u.bound != 0 {
				if _, late := u.lapsed(now); late > 0 {
					u.expired = true
					return
				}
			}
			u.bound = b
			for _, r := range u.routers {
				w.do(n, func() { w.store(n, r, r.keeper.Limit(b)) })
			}
		})
	}
}

// bounded is the first of the limits on the unit's links.
func (w *World) bounded(u *unit, limits []sight.Limit) hold.Instant {
	var first hold.Instant
	for _, l := range limits {
		here := slices.ContainsFunc(u.routers, func(r *router) bool {
			v := &w.vrs[r.vr]
			return v.lan == l.Link && (v.family == vrrp.IPv4) == l.V4
		})
		if here && (first == 0 || l.Until < first) {
			first = l.Until
		}
	}
	return first
}
