package bpf

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"

	"github.com/holdfast-net/holdfast/internal/balance"
)

// What addresses are to us: enum known of bpf/known.h.
const (
	served uint8 = 1 << iota
	translated
	serving
)

const (
	knownBits   = 11
	knownPlaces = 1 << knownBits
)

// known is what was said of addresses, and when it was last true. The program
// passes what comes neither for one nor from one of them, so they stay for
// longer than flows of a backend that is gone do: Sweep ends those.
type known map[knownAs]time.Time

type knownAs struct {
	addr netip.Addr
	as   uint8
}

const knownAfter = time.Minute

// placeOf is where known_at looks for an address.
func placeOf(a netip.Addr) uint32 {
	var folded uint32
	if a = a.Unmap(); a.Is4() {
		b := a.As4()
		folded = binary.NativeEndian.Uint32(b[:])
	} else {
		b := a.As16()
		for i := 0; i < len(b); i += 4 {
			folded ^= binary.NativeEndian.Uint32(b[i:])
		}
	}
	return folded * 2654435761 >> (32 - knownBits)
}

// learn notes the addresses of plans.
func (k known) learn(plans []*balance.Plan, now time.Time) {
	for _, plan := range plans {
		for _, e := range plan.Service.Listen {
			k[knownAs{e.Addr(), served}] = now
		}
		if plan.Service.Forward == balance.FullNAT {
			for _, a := range plan.Service.Translate {
				k[knownAs{a, translated}] = now
			}
		}
		if plan.Service.Forward == balance.NAT {
			for _, t := range plan.Targets {
				k[knownAs{t.Addr.Addr(), serving}] = now
			}
		}
	}
}

// table is what the program looks into, without what was true too long ago.
func (k known) table(now time.Time) (t [knownPlaces]uint8) {
	for a, last := range k {
		if now.Sub(last) > knownAfter {
			delete(k, a)
			continue
		}
		t[placeOf(a.addr)] |= a.as
	}
	return t
}

// know tells the program the addresses of new plans, before it serves them, and
// of those that were true until now.
func (p *Plane) know(before, plans []*balance.Plan) error {
	now := time.Now()
	p.known.learn(before, now)
	p.known.learn(plans, now)
	return p.writeKnown(now)
}

// recallKnown is know for what an earlier run has left.
func (p *Plane) recallKnown() error {
	now := time.Now()
	p.known = known{}
	for v := range p.places {
		p.known[knownAs{netip.AddrFrom16(v.Addr), served}] = now
	}
	for _, t := range p.slots.used {
		p.known[knownAs{netip.AddrFrom16(t.Addr), serving}] = now
	}
	var a address
	var ports portRange
	it := p.objs.HfTranslated.Iterate()
	for it.Next(&a, &ports) {
		p.known[knownAs{netip.AddrFrom16(a), translated}] = now
	}
	if err := it.Err(); err != nil {
		return err
	}
	return p.writeKnown(now)
}

func (p *Plane) writeKnown(now time.Time) error {
	if err := p.objs.HfKnown.Put(uint32(0), p.known.table(now)); err != nil {
		return fmt.Errorf("cannot write the addresses that are known: %w", err)
	}
	return nil
}
