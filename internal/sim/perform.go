package sim

import (
	"net/netip"

	"github.com/holdfast-net/holdfast/internal/group"
	"github.com/holdfast-net/holdfast/internal/peer"
	"github.com/holdfast-net/holdfast/vrrp"
)

// perform carries out what a set answered, in order, as the engine does.
func (w *World) perform(n *node, u *unit, acts []group.Action) {
	for i := range acts {
		a := &acts[i]
		switch a.Kind {
		case group.ActionSend:
			w.advertise(n, u.routers[a.Router], a.Priority)
		case group.ActionOrder:
			r := u.routers[a.Router]
			w.submit(n, r.vr, a.Op, r.cfg.Addresses)
		case group.ActionAnnounce:
			w.announce(n, u.routers[a.Router])
		case group.ActionTell:
			w.tellSuccessor(n, u, a)
		case group.ActionRecord:
			w.judge.recorded(n, u, a.Record)
			w.tellRecord(n, a.Record)
			w.talkSoon(n, w.now)
		case group.ActionResult:
			u.results++
			w.judge.result(n, u, a.OK, a.Text)
			w.tell(n.name, "result: %s", a.Text)
		case group.ActionStopped:
			w.stopped(n, u)
		}
	}
}

// advertise sends an advert to the multicast group or to every peer.
func (w *World) advertise(n *node, r *router, priority uint8) {
	v := &w.vrs[r.vr]
	w.judge.sent(n, r)
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
	v := &w.vrs[r.vr]
	t := peer.Take{Family: v.family, VRID: v.vrid, From: n.name, To: to, Sent: now, Chosen: a.Chosen}
	w.message(n, v.lan, v.family, r.cfg.Peers, t.Append(nil, r.key))
}

// stopped is the end of a set that was told to stop, and with the last set of
// the process.
func (w *World) stopped(n *node, u *unit) {
	u.stopped = true
	w.judge.ended(n, u)
	for _, r := range u.routers {
		// The engine discards what is left of a set that has ended.
		if n.kernel.slots[r.vr].held != off {
			n.kernel.slots[r.vr].held = off
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
