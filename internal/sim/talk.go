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

// news is how many rounds of hellos ask who is there, as in the engine.
const news = 2

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
	if !n.paused {
		w.talkNow(n)
	}
}

func (w *World) talkNow(n *node) {
	if n.plain {
		return
	}
	n.lastTalk = w.now
	for lan := range w.lans {
		w.hello(n, lan, vrrp.IPv4)
		w.hello(n, lan, vrrp.IPv6)
	}
	n.hellos++
	w.look(n)
	w.talkSoon(n, w.now+peer.Interval)
}

func (w *World) hello(n *node, lan int, f vrrp.Family) {
	h := peer.Hello{Family: f, From: n.name, New: n.hellos < news, Sent: w.stamp(n)}
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
		ev := group.Received(r.index, &vrrp.Packet{Src: f.from, Dst: f.to, TTL: 255, Payload: f.data})
		if r.table.Kin(f.from, n.clock.at(w.now)) {
			ev = ev.FromKin()
		}
		w.step(n, r.unit, ev)
	}
}

func (w *World) hearMessage(n *node, lan int, f *frame) {
	kind, err := peer.KindOf(f.data)
	if err != nil {
		w.fail("%s cannot read a message: %v", n.name, err)
		return
	}
	if kind.IsCall() {
		w.hearCall(n, lan, f)
		return
	}
	h, err := peer.DecodeHello(f.data, nil)
	if err != nil || h.From == n.name {
		return
	}
	if h.New {
		w.talkSoon(n, w.now)
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

func (w *World) hearCall(n *node, lan int, f *frame) {
	c, err := peer.DecodeCall(f.data)
	if err != nil || c.From == n.name {
		return
	}
	r := w.routerFor(n, lan, c.Family, c.VRID)
	if r == nil {
		return
	}
	now := n.clock.at(w.now)
	if err := r.key.Verify(f.data, c, now); err != nil {
		w.tell(n.name, "ignored a message: %v", err)
		return
	}
	m := peer.Node{Name: c.From, Addr: f.from, State: uint8(group.Backup), Priority: c.Priority, Sent: c.Sent, Heard: now}
	if known, ok := r.table.Named(c.From, now); ok && c.Priority == 0 {
		m.Priority = known.Priority
	}
	if !r.table.Note(m) {
		return
	}
	if c.Kind == peer.KindAsk {
		w.step(n, r.unit, group.Asked(c.From, c.Priority))
		return
	}
	w.yielded(n, r, f.from, c)
	switch {
	case c.Kind == peer.KindNext && c.To == n.name:
		w.step(n, r.unit, group.Next(c.From))
	case c.Kind == peer.KindTake && c.To == n.name:
		w.step(n, r.unit, group.Take(c.From))
	case c.Kind == peer.KindTake:
		w.step(n, r.unit, group.Suspend(c.To))
	}
}

// yielded tells the sets that a node has let go: of one router, or of all that
// move together, as the engine does.
func (w *World) yielded(n *node, r *router, from netip.Addr, c peer.Call) {
	w.step(n, r.unit, group.Yielded(r.index, from))
	if c.Set == 0 || c.Set != r.unit.print {
		return
	}
	for _, o := range r.unit.routers {
		if o == r || o.key.Signs() && !r.key.Signs() {
			continue
		}
		if p, ok := o.table.Find(c.From); ok {
			w.step(n, o.unit, group.Yielded(o.index, p.Addr))
		}
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
