package bpf

import (
	"encoding/binary"
	"maps"
	"net/netip"

	"github.com/holdfast-net/holdfast/internal/balance"
)

// names is what flows are called in words of all nodes, as of the last plans.
// Nobody changes it, so that who reads flows waits for no plan or sweep.
type names struct {
	targets map[uint32]target // by slot
	slots   map[owner]uint32
	vips    map[vip]named
}

type named struct {
	at             uint32 // its place
	number, nobody uint32
	twoWay         bool // answers come through the balancer
}

// name is called when plans were applied.
func (p *Plane) name() {
	n := &names{targets: maps.Clone(p.slots.used), slots: maps.Clone(p.slots.by), vips: map[vip]named{}}
	for v, at := range p.places {
		if s := p.numbers[at.Number]; s != nil && s.plan != nil {
			f := s.plan.Service.Forward
			n.vips[v] = named{at.At, s.number, s.nobody, f == balance.NAT || f == balance.FullNAT}
		}
	}
	p.names.Store(n)
	p.settle()
}

// Bits of balance.Flow.Ends that no flow in the program's maps has, or that no
// other node is told.
const (
	halfOpen = 16 // the client has not been heard since the backend answered
	mirrored = 32 // another node has told of it, and nothing was seen of it here
	shared   = clientFin | backendFin | reset | answered | halfOpen
)

// What is told: enum what of bpf/news.h.
const (
	toldFlow = 1 + iota
	toldHalf
	toldGone
)

// told is news of a flow.
type told struct {
	Key                        flowKey
	Flow                       flow
	What, Nobody, Answer, Zero uint32
}

// flow says a client's flow in words. Of one whose backend is gone there is
// less to say.
func (n *names) flow(k flowKey, f flow, now uint64) (_ balance.Flow, known bool) {
	w := balance.Flow{
		Listen:  balance.Endpoint{AddrPort: joined(k.Tuple.Dst, k.Tuple.Dport), Proto: balance.Proto(k.Proto)},
		Client:  joined(k.Tuple.Src, k.Tuple.Sport),
		Backend: joined(f.To.Dst, f.To.Dport),
		Ends:    uint8(f.Ends & shared),
		Idle:    age(now, f.Seen),
	}
	if f.To.Dport != (port{}) {
		w.Source = joined(f.To.Src, f.To.Sport)
	}
	t, known := n.targets[f.Slot]
	known = known && t.ID == f.ID && t.Service == f.Service
	if known {
		w.Backend = t.addr()
	}
	return w, known
}

// change says what became of it. News of a flow that belongs to nobody is none,
// unless it is gone.
func (n *names) change(c told, now uint64) (balance.Change, bool) {
	f, known := n.flow(c.Key, c.Flow, now)
	if c.What == toldHalf {
		f.Ends |= halfOpen
	}
	return balance.Change{Flow: f, Gone: c.What == toldGone}, known || c.What == toldGone
}

// told is what another node's words are in this one's maps, or why they are
// nothing.
func (n *names) told(c *balance.Change, now uint64) (told, error) {
	v := vipOf(c.Listen)
	s, ok := n.vips[v]
	if !ok {
		return told{}, errUnknownService
	}
	r := told{
		Key: flowKey{
			Tuple: tuple{Src: c.Client.Addr().As16(), Sport: portOf(c.Client.Port()), Dst: v.Addr, Dport: v.Port},
			Proto: v.Proto,
		},
		Flow: flow{Seen: now - min(uint64(max(c.Idle, 0)), now), Service: s.number, Ends: uint32(c.Ends&shared&^halfOpen) | mirrored},
		What: toldFlow, Nobody: s.nobody,
	}
	switch {
	case c.Gone:
		r.What = toldGone
		return r, nil
	case c.Ends&halfOpen != 0:
		r.What = toldHalf
	}
	slot, ok := n.slots[owner{s.number, unmapped(c.Backend)}]
	if !ok {
		return told{}, errUnknownBackend
	}
	t := n.targets[slot]
	r.Flow.Slot, r.Flow.ID = slot, t.ID
	switch {
	case s.twoWay != c.Source.IsValid():
		return told{}, errOtherForward
	case s.twoWay:
		r.Flow.To = tuple{Src: c.Source.Addr().As16(), Sport: portOf(c.Source.Port()), Dst: t.Addr, Dport: t.Port}
	default:
		r.Flow.To = tuple{Src: r.Key.Tuple.Src, Dst: t.Addr}
	}
	return r, nil
}

func unmapped(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }

// moment spreads what happens once in a while over that while, by flow.
func (k flowKey) moment(while uint64) uint64 {
	t := k.Tuple
	h := binary.LittleEndian.Uint64(t.Src[8:])*0x9e3779b97f4a7c15 ^ binary.LittleEndian.Uint64(t.Src[:8])
	h ^= binary.LittleEndian.Uint64(t.Dst[8:]) + uint64(t.Sport[0])<<8 + uint64(t.Sport[1]) + uint64(t.Dport[1])<<16
	h = (h ^ h>>29) * 0xbf58476d1ce4e5b9
	return (h ^ h>>32) % while
}
