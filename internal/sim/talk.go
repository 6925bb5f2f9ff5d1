package sim

import (
	"net/netip"
	"time"

	"github.com/holdfast-net/holdfast/internal/group"
	"github.com/holdfast-net/holdfast/internal/peer"
	"github.com/holdfast-net/holdfast/vrrp"
)

// hush is the shortest time between two hellos, as in the engine.
const hush = 50 * time.Millisecond

// talkSoon plans the next hellos for at, unless they are planned for sooner.
func (w *World) talkSoon(n *node, at time.Duration) {
	if n.plain || !n.running {
		return
	}
	if n.lastTalk != 0 {
		at = max(at, n.lastTalk+hush)
	}
	if n.talkAt != 0 && n.talkAt <= at {
		return
	}
	n.talkAt = at
	w.queue.push(event{at: at, kind: talk, node: uint16(n.index), life: n.life})
}

// talk sends a hello for each LAN and family.
func (w *World) talk(n *node) {
	if w.now < n.talkAt || n.talkAt == 0 {
		return
	}
	n.talkAt = 0
	if n.paused {
		return
	}
	n.lastTalk = w.now
	for lan := range w.lans {
		w.hello(n, lan, vrrp.IPv4)
		w.hello(n, lan, vrrp.IPv6)
	}
	w.talkSoon(n, w.now+peer.Interval)
}

func (w *World) hello(n *node, lan int, f vrrp.Family) {
	h := peer.Hello{Family: f, From: n.name, Sent: n.clock.at(w.now)}
	var peers []netip.Addr
	for _, u := range n.units {
		for _, r := range u.routers {
			if v := &w.vrs[r.vr]; v.lan == lan && v.family == f && !u.stopped {
				h.Entries = append(h.Entries, peer.Entry{
					VRID: v.vrid, State: uint8(u.set.State()), Priority: u.set.Router(r.index).Priority(),
				})
				peers = r.cfg.Peers
			}
		}
	}
	if len(h.Entries) > 0 {
		w.message(n, lan, f, peers, h.Append(nil))
	}
}

// message sends data where adverts go.
func (w *World) message(n *node, lan int, f vrrp.Family, peers []netip.Addr, data []byte) {
	out := frame{
		content: message, family: f, src: nodeMAC(n.index, lan), dst: multicast,
		from: w.nodeAddr(n.index, lan, f), to: f.Group(), data: data,
	}
	if len(peers) == 0 {
		w.transmit(lan, n.index, &out)
		return
	}
	for _, to := range peers {
		one := out
		one.to, one.dst = to, w.macOf(to, lan)
		w.transmit(lan, n.index, &one)
	}
}

// routerFor finds the router that a datagram is for.
func (w *World) routerFor(n *node, lan int, f vrrp.Family, vrid uint8) *router {
	for _, u := range n.units {
		for _, r := range u.routers {
			if v := &w.vrs[r.vr]; v.lan == lan && v.family == f && v.vrid == vrid {
				return r
			}
		}
	}
	return nil
}

func (w *World) hearAdvert(n *node, lan int, f *frame) {
	if r := w.routerFor(n, lan, f.family, f.data[1]); r != nil {
		w.packet = vrrp.Packet{Src: f.from, Dst: f.to, TTL: 255, Payload: f.data}
		w.step(n, r.unit, group.Received(r.index, &w.packet))
	}
}

func (w *World) hearMessage(n *node, lan int, f *frame) {
	kind, err := peer.KindOf(f.data)
	if err != nil {
		w.fail("%s cannot read a message: %v", n.name, err)
		return
	}
	if kind.IsTake() {
		w.hearTake(n, lan, f)
		return
	}
	h, err := peer.DecodeHello(f.data, nil)
	if err != nil || h.From == n.name {
		return
	}
	for _, e := range h.Entries {
		if r := w.routerFor(n, lan, h.Family, e.VRID); r != nil {
			r.table.Note(peer.Node{
				Name: h.From, Addr: f.from, State: e.State, Priority: e.Priority,
				Sent: h.Sent, Heard: n.clock.at(w.now),
			})
		}
	}
}

func (w *World) hearTake(n *node, lan int, f *frame) {
	t, err := peer.DecodeTake(f.data)
	if err != nil || t.From == n.name {
		return
	}
	r := w.routerFor(n, lan, t.Family, t.VRID)
	if r == nil {
		return
	}
	now := n.clock.at(w.now)
	if err := r.key.Verify(f.data, t, now); err != nil {
		w.tell(n.name, "ignored a handover message: %v", err)
		return
	}
	if !r.table.Note(peer.Node{Name: t.From, Addr: f.from, State: uint8(group.Backup), Sent: t.Sent, Heard: now}) {
		return
	}
	switch {
	case t.To == n.name && !t.Chosen:
		w.step(n, r.unit, group.Next(t.From))
	case t.To == n.name:
		w.step(n, r.unit, group.Take(t.From))
	case t.Chosen:
		w.step(n, r.unit, group.Suspend(t.To))
	}
}

// unable says why a node cannot take a unit over; "" when it can.
func (w *World) unable(n *node, u *unit, to string) string {
	for _, r := range u.routers {
		p, ok := r.table.Named(to, n.clock.at(w.now))
		switch {
		case !ok:
			return to + " is not heard"
		case group.State(p.State) != group.Backup:
			return to + " is " + group.State(p.State).String()
		}
	}
	return ""
}
