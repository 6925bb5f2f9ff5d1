package balance

import (
	"fmt"
	"net/netip"

	"github.com/holdfast-net/holdfast/internal/balance/flowhash"
)

// Tries is how many slots after the first are looked at for a target that is
// not full.
const Tries = 16

// Question is a new flow that wants a target, and what a plane would know
// besides the plan.
type Question struct {
	Source netip.AddrPort
	Listen Endpoint
	// Turn is how many flows had their turn (InTurn); Random is where Least
	// begins to look among equals, and the two slots of LeastOfTwo.
	Turn   uint32
	Random [2]uint32
	// Flows is how many flows a target has, by its place. Nil is none anywhere.
	Flows func(place int) uint64
}

// Answer is the target of a new flow.
type Answer struct {
	Place int // in Targets; -1: it is refused
	Slot  int // in Table; -1: none was used
	Full  int // how many slots were passed over, as their targets are full
	Why   string
}

// Pick says which target a new flow gets, as every plane does. It is the whole
// of the choice: limits of the service, its list of allowed sources and
// affinity come before it.
func (p *Plan) Pick(q Question) Answer {
	if len(p.Table) == 0 {
		return Answer{Place: -1, Slot: -1, Why: "no backend gets new flows"}
	}
	if q.Flows == nil {
		q.Flows = func(int) uint64 { return 0 }
	}
	n := uint32(len(p.Table))
	var slot uint32
	var why string
	switch p.Select {
	case Least:
		return p.least(q)
	case LeastOfTwo:
		a, b := p.Table[q.Random[0]%n], p.Table[q.Random[1]%n]
		slot = q.Random[0] % n
		if Lighter(q.Flows(int(b)), p.Targets[b].Weight, q.Flows(int(a)), p.Targets[a].Weight) {
			slot = q.Random[1] % n
		}
		why = fmt.Sprintf("of %s and %s it has the fewer flows for its weight", p.Targets[a].Addr, p.Targets[b].Addr)
	case InTurn:
		slot = q.Turn % n
		why = fmt.Sprintf("it is its turn, slot %d of %d", slot, n)
	case BySource:
		slot = flowhash.Slot(flowhash.Source(p.Seed, q.Source.Addr(), p.Service.Sources), n)
		why = fmt.Sprintf("the hash of %s is slot %d of %d", flowhash.Prefix(q.Source.Addr(), p.Service.Sources), slot, n)
	default:
		slot = flowhash.Slot(flowhash.Flow(p.Seed, q.Source, q.Listen.AddrPort, uint8(q.Listen.Proto)), n)
		why = fmt.Sprintf("the hash of the flow is slot %d of %d", slot, n)
	}
	for full := range min(Tries+1, len(p.Table)) {
		at := (int(slot) + full) % len(p.Table)
		if place := int(p.Table[at]); p.takes(place, q) {
			if full > 0 {
				why += fmt.Sprintf(", and the targets of %d slots from there are full", full)
			}
			return Answer{Place: place, Slot: at, Full: full, Why: why}
		}
	}
	return Answer{Place: -1, Slot: -1, Full: min(Tries+1, len(p.Table)), Why: why + ", and the targets from there are full"}
}

// least looks at each slot once, from one at random.
func (p *Plan) least(q Question) Answer {
	best := Answer{Place: -1, Slot: -1, Why: "all backends are full"}
	for i := range p.Table {
		at := (int(q.Random[0]%uint32(len(p.Table))) + i) % len(p.Table)
		place := int(p.Table[at])
		switch {
		case !p.takes(place, q):
			best.Full++
		case best.Place < 0 || Lighter(q.Flows(place), p.Targets[place].Weight, q.Flows(best.Place), p.Targets[best.Place].Weight):
			best.Place, best.Slot = place, at
			best.Why = fmt.Sprintf("it has the fewest flows for its weight: %d", q.Flows(place))
		}
	}
	return best
}

func (p *Plan) takes(place int, q Question) bool {
	most := p.Targets[place].MaxFlows
	return most == 0 || q.Flows(place) < uint64(most)
}

// Lighter says whether one more flow would load a target less, for its weight,
// than another one. Shares are compared across, without dividing.
func Lighter(flows uint64, weight uint32, thanFlows uint64, thanWeight uint32) bool {
	return (flows+1)*uint64(thanWeight) < (thanFlows+1)*uint64(weight)
}
