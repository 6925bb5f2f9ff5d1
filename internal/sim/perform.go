package sim

import (
	"net/netip"
	"time"

	"github.com/holdfast-net/holdfast/internal/group"
	"github.com/holdfast-net/holdfast/internal/hold"
	"github.com/holdfast-net/holdfast/internal/peer"
	"github.com/holdfast-net/holdfast/vrrp"
)

// perform carries out what a set answered, as the engine does: first what
// changes nothing on the wire but closes doors, then the adverts and messages,
// which extend and open holds, and then the announcements. The process may be
// paused between any two steps of that.
func (w *World) perform(n *node, u *unit, acts []group.Action) {
	var shouts []*router
	for i := range acts {
		a := &acts[i]
		if a.Kind == group.ActionHold {
			r := u.routers[a.Router]
			w.do(n, func() { w.store(n, r, r.keeper.Move(w.instant(), a.Level, a.For)) })
		}
	}
	for i := range acts {
		a := &acts[i]
		switch a.Kind {
		case group.ActionSend:
			w.speak(n, u.routers[a.Router], a.Priority)
		case group.ActionOrder:
			r := u.routers[a.Router]
			w.do(n, func() { w.submit(n, r.vr, a.Op, r.cfg.Addresses) })
		case group.ActionAnnounce:
			shouts = append(shouts, u.routers[a.Router])
		case group.ActionTell:
			w.do(n, func() { w.tellSuccessor(n, u, a) })
		case group.ActionAsk:
			w.do(n, func() { w.call(n, u.routers[a.Router], peer.Call{Kind: peer.KindAsk, Priority: a.Priority}) })
		case group.ActionReach:
			w.do(n, func() { w.reach(n, u.routers[a.Router], a.Addr) })
		case group.ActionYield:
			w.do(n, func() { w.call(n, u.routers[a.Router], peer.Call{Kind: peer.KindYield}) })
		case group.ActionRecord:
			w.judge.recorded(n, u, a.Record)
			w.tellRecord(n, a.Record)
			w.talkSoon(n, w.now)
		case group.ActionResult:
			u.results++
			w.judge.result(n, u, a.OK, a.Text)
			w.tell(n.name, "result: %s", a.Text)
		case group.ActionStopped:
			w.do(n, func() { w.stopped(n, u) })
		}
	}
	for _, r := range shouts {
		w.do(n, func() { w.announce(n, r) })
	}
	w.do(n, func() { w.tellSent(n, u) })
}

// tellSent tells a set what came of its adverts, as the engine does.
func (w *World) tellSent(n *node, u *unit) {
	now := n.clock.at(w.now)
	claimed, expired := u.claimed, u.expired
	u.claimed, u.expired = false, false
	if claimed {
		w.let(now, n, u, group.Spoke())
	}
	if expired {
		if i, late := u.lapsed(w.instant()); late > 0 {
			w.let(now, n, u, group.Lapsed(i, late))
		}
	}
}

// do lets the process take one step, unless it is paused: then later. Before
// any step it may be paused.
func (w *World) do(n *node, f func()) {
	if w.cfg.Stall > 0 && !n.paused && w.rng.Float64() < w.cfg.Stall {
		w.stall(n)
	}
	if n.paused {
		n.pending = append(n.pending, f)
		return
	}
	f()
}

// stall pauses a process for a while.
func (w *World) stall(n *node) {
	for _, u := range n.units {
		for _, r := range u.routers {
			d := w.upTo(6 * r.cfg.Interval)
			life := n.life
			w.tell("fault", "%s stalls for %s", n.name, show(d))
			w.Pause(n)
			w.at(w.now+d, func() {
				if n.life == life {
					w.Thaw(n)
				}
			})
			return
		}
	}
}

// speak sends an advert and extends the hold, in the steps of package hold.
func (w *World) speak(n *node, r *router, priority uint8) {
	if priority == 0 {
		w.do(n, func() { w.advertise(n, r, 0) })
		return
	}
	var before, after hold.Instant
	may := false
	w.do(n, func() { may = r.keeper.May(w.instant()) })
	w.do(n, func() { before = w.instant() })
	w.do(n, func() {
		if may {
			w.advertise(n, r, priority)
		}
	})
	w.do(n, func() { after = w.instant() })
	w.do(n, func() {
		doors, ok := r.keeper.Spoke(before, after)
		if !may || !ok {
			r.unit.expired = true
			return
		}
		w.store(n, r, doors)
		if !r.keeper.Claims() {
			return
		}
		r.unit.claimed = true
		for _, o := range r.unit.routers {
			w.store(n, o, o.keeper.Share(before))
		}
	})
}

// store puts a router's doors into the gate.
func (w *World) store(n *node, r *router, d hold.Doors) {
	n.kernel.slots[r.vr].doors = d
	w.judge.kernelChanged(r.vr)
}

// passes is the gate's rule for adverts.
func (w *World) passes(n *node, r *router, priority uint8) bool {
	d := n.kernel.slots[r.vr].doors
	return priority == 0 || w.instant() < max(d.Announced, d.Advertised)
}

// advertise sends an advert to the multicast group or to every peer.
func (w *World) advertise(n *node, r *router, priority uint8) {
	v := &w.vrs[r.vr]
	w.judge.sent(n, r)
	if !w.passes(n, r, priority) {
		return
	}
	if w.story.Adverts {
		w.tell(n.name, "advert: %s priority %d", v.name, priority)
	}
	vr := r.unit.set.Router(r.index)
	from := w.nodeAddr(n.index, v.lan, v.family)
	send := func(to netip.Addr, src, dst mac) {
		w.transmit(v.lan, n.index, &frame{
			content: advert, family: v.family, src: src, dst: dst, from: from, to: to,
			data: vr.AppendAdvert(nil, n.clock.at(w.now), to, priority),
		})
	}
	if len(r.cfg.Peers) == 0 {
		src := nodeMAC(n.index, v.lan)
		if w.cfg.Virtual {
			src = v.mac() // RFC 9568 §7.2
		}
		send(v.family.Group(), src, multicast)
		return
	}
	for _, to := range r.cfg.Peers {
		send(to, nodeMAC(n.index, v.lan), w.macOf(to, v.lan))
	}
}

// macOf finds the MAC address of a node by one of its own addresses.
func (w *World) macOf(a netip.Addr, lan int) mac {
	for i := range w.nodes {
		if w.nodeAddr(i, lan, vrrp.IPv4) == a || w.nodeAddr(i, lan, vrrp.IPv6) == a {
			return nodeMAC(i, lan)
		}
	}
	return broadcast
}

// announce tells the LAN where the router's addresses are.
func (w *World) announce(n *node, r *router) {
	v := &w.vrs[r.vr]
	w.judge.announced(n, r)
	if w.instant() >= n.kernel.slots[r.vr].doors.Announced {
		return // the gate
	}
	if w.story.Adverts {
		w.tell(n.name, "announces: %s", v.name)
	}
	for _, a := range r.cfg.Addresses {
		w.transmit(v.lan, n.index, &frame{
			content: announced, family: v.family, src: w.answeringMAC(n, r.vr), dst: broadcast, addr: a,
		})
	}
}

// tellSuccessor names the node that is to take over.
func (w *World) tellSuccessor(n *node, u *unit, a *group.Action) {
	r, to, now := u.routers[a.Router], a.Name, n.clock.at(w.now)
	if to == "" {
		best, ok := u.routers[u.set.Lead()].table.Successor(uint8(group.Backup), now)
		if !ok {
			return
		}
		to = best.Name
	}
	kind := peer.KindNext
	if a.Chosen {
		kind = peer.KindTake
	}
	w.call(n, r, peer.Call{Kind: kind, To: to})
}

// call says something about a router to the other nodes.
func (w *World) call(n *node, r *router, c peer.Call) {
	v := &w.vrs[r.vr]
	c.Family, c.VRID, c.From, c.Sent, c.Set = v.family, v.vrid, n.name, w.stamp(n), r.unit.print
	w.message(n, v.lan, v.family, r.cfg.Peers, c.Append(nil, r.key))
}

// stamp is the time for a message, later than any before.
func (w *World) stamp(n *node) time.Time {
	now := n.clock.at(w.now)
	if !now.After(n.stamped) {
		now = n.stamped.Add(1)
	}
	n.stamped = now
	return now
}

// reach asks a node's kernel, by ARP or ND, where its own address is.
func (w *World) reach(n *node, r *router, addr netip.Addr) {
	v := &w.vrs[r.vr]
	ask := frame{content: question, family: v.family}
	for _, o := range w.nodes {
		l := w.lans[v.lan]
		if w.nodeAddr(o.index, v.lan, v.family) != addr || !o.powered || !l.ports[o.index].up || !l.ports[n.index].up ||
			ask.cutBy(l.cuts[n.index][o.index]) || ask.cutBy(l.cuts[o.index][n.index]) {
			continue
		}
		w.after(n, 4*w.cfg.Path.Delay, func() { w.step(n, r.unit, group.Reached(r.index, addr)) })
	}
}

// stopped is the end of a set that was told to stop, and with the last set of
// the process.
func (w *World) stopped(n *node, u *unit) {
	u.stopped = true
	w.forgetNeighbours(n, u)
	w.judge.ended(n, u)
	for _, r := range u.routers {
		// The engine discards what is left of a set that has ended.
		if n.kernel.slots[r.vr].on {
			n.kernel.slots[r.vr] = slot{}
			w.judge.kernelChanged(r.vr)
		}
	}
	for _, o := range n.units {
		if !o.stopped {
			return
		}
	}
	w.exits(n)
}
