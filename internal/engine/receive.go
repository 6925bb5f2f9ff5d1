package engine

import (
	"net/netip"
	"slices"
	"time"

	"github.com/holdfast-net/holdfast/internal/group"
	"github.com/holdfast-net/holdfast/internal/peer"
	"github.com/holdfast-net/holdfast/internal/tickle"
	"github.com/holdfast-net/holdfast/vrrp"
)

// datagram hands what arrived to the router that it is for.
func (e *Engine) datagram(now time.Time, d *Datagram) {
	if d.Lost && e.stood > stillness {
		e.deafened(now, d)
	}
	switch d.Kind {
	case Advert:
		e.advert(now, d)
	case Message:
		e.heard(now, d)
	case BFD:
		e.heardBFD(now, d)
	case Answer:
		e.answered(now, d)
		e.hostAnswered(now, d)
	case Vote:
		e.heardVote(d)
	}
}

// stillness is a standstill in which packets may be lost through our own fault.
// A flood loses some, too; but then each router goes by what it still hears, or
// who floods could keep it from ever taking over.
const stillness = 20 * time.Millisecond

// deafened tells routers that adverts for them were lost while this process
// stood still.
func (e *Engine) deafened(now time.Time, d *Datagram) {
	for _, p := range e.ports {
		if p.id != d.Port || d.Kind != Advert {
			continue
		}
		for _, r := range p.routers {
			if r.cfg.Family == d.Family && !r.mute() {
				e.step(now, r.unit, group.Deaf(r.index))
			}
		}
	}
}

// advert finds the router by VRID, the second byte in every version. An
// advert for none of ours only counts: another group on the same LAN is
// nobody's mistake.
func (e *Engine) advert(now time.Time, d *Datagram) {
	if len(d.Data) < 2 {
		e.unknown++
		return
	}
	r := e.routes[route{d.Port, d.Family, d.Data[1]}]
	if r == nil {
		e.unknown++
		return
	}
	e.packet = vrrp.Packet{Src: d.Src, Dst: d.Dst, TTL: d.TTL, Payload: d.Data}
	ev := group.Received(r.index, &e.packet)
	if r.table.Kin(d.Src, now) {
		ev = ev.FromKin()
	}
	e.step(now, r.unit, ev)
	r.unit.sawAdvert(now, r, d.Src)
}

// heard handles a message of another node. What is malformed or forged is
// dropped.
func (e *Engine) heard(now time.Time, d *Datagram) {
	if d.TTL != 255 {
		return // RFC 5082: it came through a router
	}
	if tickle.Is(d.Data) {
		e.heardClients(d)
		return
	}
	kind, err := peer.KindOf(d.Data)
	if err != nil {
		return
	}
	if kind.IsCall() {
		e.heardCall(now, d)
		return
	}
	h, err := peer.DecodeHello(d.Data, e.entries[:0])
	if err != nil || h.From == e.node {
		return
	}
	e.entries = h.Entries
	if h.New {
		e.nextTalk = now // it should know this node, too
	}
	for _, n := range h.Entries {
		if r := e.routes[route{d.Port, h.Family, n.VRID}]; r != nil {
			e.meet(now, r, peer.Node{
				Name: h.From, Addr: d.Src, State: n.State, Priority: n.Priority, Sent: h.Sent, Heard: now,
			}, slices.Contains(h.Hears, e.node))
		}
	}
}

// unheard is how many hellos in a row may leave this node out before the LAN
// counts as broken in one direction: the first ones of both may cross, and
// one or two get lost.
const unheard = 3

// meet notes what another node said of itself, and whether it hears this one.
func (e *Engine) meet(now time.Time, r *router, n peer.Node, hears bool) {
	if n.State != uint8(group.Active) && r.unit.set.Doubts(r.index, n.Addr) {
		e.step(now, r.unit, group.Rests(r.index, n.Addr))
	}
	e.heardAgain(now, n.Name)
	if n.State == uint8(group.Active) {
		r.unit.worked(n.Name)
	}
	before, known := r.table.Named(n.Name, now)
	if !hears {
		n.Unheard = 1
		if known {
			n.Unheard = before.Unheard + 1
		}
	}
	if !r.table.Note(n) || r != r.unit.routers[r.unit.set.Lead()] {
		return
	}
	rec := group.Record{Group: r.group.Name, Kind: "notice", Code: "HF2024", Family: r.cfg.Family, Peer: n.Addr}
	switch {
	case n.Unheard == unheard:
		rec.Reason = n.Name + " does not hear this node, which hears it: the network between them is broken in one direction, or a firewall drops there what this node sends"
	case known && before.Unheard >= unheard && n.Unheard == 0:
		rec.Code, rec.Reason = "HF2025", n.Name+" hears this node again"
	default:
		return
	}
	if !r.notices.take(now) {
		return
	}
	e.record(Record{Time: now, Record: rec})
}

func (e *Engine) heardCall(now time.Time, d *Datagram) {
	c, err := peer.DecodeCall(d.Data)
	if err != nil || c.From == e.node {
		return
	}
	r := e.routes[route{d.Port, c.Family, c.VRID}]
	if r == nil {
		return
	}
	if err := r.key.Verify(d.Data, c, now); err != nil {
		if !r.notices.take(now) {
			return
		}
		e.record(Record{Time: now, Record: group.Record{
			Group: r.group.Name, Kind: "notice", Code: "HF2007", Family: c.Family, Peer: d.Src,
			Reason: "ignored a message from " + c.From + ": " + err.Error(),
		}})
		return
	}
	if !r.calls.Fresh(c, r.key, now) {
		return // repeated
	}
	if e.heardWord(r, d.Src, c); c.Kind == peer.KindRest {
		return
	}
	n := peer.Node{Name: c.From, Addr: d.Src, State: uint8(group.Backup), Priority: c.Priority, Sent: c.Sent, Heard: now}
	if known, ok := r.table.Named(c.From, now); ok && c.Priority == 0 {
		n.Priority = known.Priority
	}
	r.table.Note(n)
	if c.Kind == peer.KindAsk {
		e.step(now, r.unit, group.Asked(c.From, c.Priority))
		return
	}
	e.yielded(now, r, d.Src, c)
	switch {
	case c.Kind == peer.KindNext && c.To == e.node:
		e.step(now, r.unit, group.Next(c.From))
	case c.Kind == peer.KindTake && c.To == e.node:
		e.step(now, r.unit, group.Take(c.From))
	case c.Kind == peer.KindTake:
		e.step(now, r.unit, group.Suspend(c.To))
	}
}

// yielded tells the sets that a node has let go: of one router, or of all that
// move together where the same ones do so here. On a LAN that the two do not
// share any more the node could not say so.
func (e *Engine) yielded(now time.Time, r *router, from netip.Addr, c peer.Call) {
	e.step(now, r.unit, group.Yielded(r.index, from))
	if c.Set == 0 || c.Set != r.unit.print {
		return
	}
	for _, o := range r.unit.routers {
		if o == r || o.key.Signs() && !r.key.Signs() {
			continue // what anybody can forge says nothing about what is signed
		}
		if n, ok := o.table.Find(c.From); ok {
			e.step(now, o.unit, group.Yielded(o.index, n.Addr))
		}
	}
}
