package engine

import (
	"time"

	"github.com/holdfast-net/holdfast/internal/group"
	"github.com/holdfast-net/holdfast/internal/peer"
	"github.com/holdfast-net/holdfast/vrrp"
)

// datagram hands what arrived to the router that it is for.
func (e *Engine) datagram(now time.Time, d *Datagram) {
	switch d.Kind {
	case Advert:
		e.advert(now, d)
	case Message:
		e.heard(now, d)
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
	e.step(now, r.unit, group.Received(r.index, &e.packet))
}

// heard handles a message of another node. What is malformed or forged is
// dropped: nothing depends on it.
func (e *Engine) heard(now time.Time, d *Datagram) {
	if d.TTL != 255 {
		return // RFC 5082: it came through a router
	}
	kind, err := peer.KindOf(d.Data)
	if err != nil {
		return
	}
	if kind.IsTake() {
		e.heardTake(now, d)
		return
	}
	h, err := peer.DecodeHello(d.Data, e.entries[:0])
	if err != nil || h.From == e.node {
		return
	}
	e.entries = h.Entries
	for _, n := range h.Entries {
		if r := e.routes[route{d.Port, h.Family, n.VRID}]; r != nil {
			r.table.Note(peer.Node{
				Name: h.From, Addr: d.Src, State: n.State, Priority: n.Priority, Sent: h.Sent, Heard: now,
			})
		}
	}
}

func (e *Engine) heardTake(now time.Time, d *Datagram) {
	t, err := peer.DecodeTake(d.Data)
	if err != nil || t.From == e.node {
		return
	}
	r := e.routes[route{d.Port, t.Family, t.VRID}]
	if r == nil {
		return
	}
	if err := r.key.Verify(d.Data, t, now); err != nil {
		e.record(Record{Time: now, Record: group.Record{
			Group: r.group.Name, Kind: "notice", Code: "HF2007", Family: t.Family, Peer: d.Src,
			Reason: "ignored a handover message from " + t.From + ": " + err.Error(),
		}})
		return
	}
	if !r.table.Note(peer.Node{
		Name: t.From, Addr: d.Src, State: uint8(group.Backup), Sent: t.Sent, Heard: now,
	}) {
		return // repeated
	}
	switch {
	case t.To == e.node && !t.Chosen:
		e.step(now, r.unit, group.Next(t.From))
	case t.To == e.node:
		e.step(now, r.unit, group.Take(t.From))
	case t.Chosen:
		e.step(now, r.unit, group.Suspend(t.To))
	}
}
