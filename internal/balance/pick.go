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
	// Except is a place that gets the flow only where nobody else can, since
	// connecting to it has just failed; [NoPlace] is none.
	Except int
	// Flows is how many flows a target has, by its place. Nil is none anywhere.
	Flows func(place int) uint64
}

// NoPlace is the place of no target.
const NoPlace = -1

// Answer is the target of a new flow.
type Answer struct {
	Place  int // in Targets; NoPlace: it is refused
	Slot   int // in Table, of the target; NoPlace: none was used
	First  int // the slot that was looked at first; NoPlace: there is no table, or all of it was
	Passed int // how many slots were passed over, as their targets are full or excepted
}

// Pick says which target a new flow gets, as every plane does. It is the whole
// of the choice: limits of the service, its list of allowed sources and
// affinity come before it. It allocates nothing; [Plan.Words] tells why.
func (p *Plan) Pick(q Question) Answer {
	a := p.pick(q, q.Except)
	if a.Place == NoPlace && q.Except != NoPlace {
		return p.pick(q, NoPlace)
	}
	return a
}

func (p *Plan) pick(q Question, except int) Answer {
	n := uint32(len(p.Table))
	if n == 0 {
		return Answer{Place: NoPlace, Slot: NoPlace, First: NoPlace}
	}
	var slot uint32
	switch p.Select {
	case Least:
		return p.least(q, except)
	case LeastOfTwo:
		slot = q.Random[0] % n
		a, b := int(p.Table[slot]), int(p.Table[q.Random[1]%n])
		if Lighter(q.flows(b), p.Targets[b].Weight, q.flows(a), p.Targets[a].Weight) {
			slot = q.Random[1] % n
		}
	case InTurn:
		slot = q.Turn % n
	case BySource:
		slot = flowhash.Slot(flowhash.Source(p.Seed, q.Source.Addr(), p.Service.Sources), n)
	default:
		slot = flowhash.Slot(flowhash.Flow(p.Seed, q.Source, q.Listen.AddrPort, uint8(q.Listen.Proto)), n)
	}
	out := Answer{Place: NoPlace, Slot: NoPlace, First: int(slot)}
	for out.Passed < min(Tries+1, len(p.Table)) {
		at := (int(slot) + out.Passed) % len(p.Table)
		if place := int(p.Table[at]); p.takes(place, q, except) {
			out.Place, out.Slot = place, at
			return out
		}
		out.Passed++
	}
	return out
}

// least looks at each slot once, from one at random.
func (p *Plan) least(q Question, except int) Answer {
	best := Answer{Place: NoPlace, Slot: NoPlace, First: NoPlace}
	begin := int(q.Random[0] % uint32(len(p.Table)))
	for i := range p.Table {
		at := (begin + i) % len(p.Table)
		place := int(p.Table[at])
		switch {
		case !p.takes(place, q, except):
			best.Passed++
		case best.Place == NoPlace || Lighter(q.flows(place), p.Targets[place].Weight, q.flows(best.Place), p.Targets[best.Place].Weight):
			best.Place, best.Slot = place, at
		}
	}
	return best
}

func (p *Plan) takes(place int, q Question, except int) bool {
	most := p.Targets[place].MaxFlows
	return place != except && (most == 0 || q.flows(place) < uint64(most))
}

func (q *Question) flows(place int) uint64 {
	if q.Flows == nil {
		return 0
	}
	return q.Flows(place)
}

// Words says why a question had its answer, for people.
func (p *Plan) Words(q Question, a Answer) string {
	n := len(p.Table)
	if n == 0 {
		return "no backend gets new flows"
	}
	var why string
	switch p.Select {
	case Least:
		if a.Place == NoPlace {
			return "all backends are full"
		}
		return fmt.Sprintf("it has the fewest flows for its weight: %d", q.flows(a.Place))
	case LeastOfTwo:
		first, second := p.Table[int(q.Random[0])%n], p.Table[int(q.Random[1])%n]
		why = fmt.Sprintf("of %s and %s the one with the fewer flows for its weight", p.Targets[first].Addr, p.Targets[second].Addr)
	case InTurn:
		why = fmt.Sprintf("it is the turn of slot %d of %d", a.First, n)
	case BySource:
		why = fmt.Sprintf("the hash of %s is slot %d of %d", flowhash.Prefix(q.Source.Addr(), p.Service.Sources), a.First, n)
	default:
		why = fmt.Sprintf("the hash of the flow is slot %d of %d", a.First, n)
	}
	switch {
	case a.Place == NoPlace:
		why += ", and the backends from there are full"
	case a.Passed > 0:
		why += fmt.Sprintf(", and those of %d slots from there are full", a.Passed)
	}
	return why
}

// Lighter says whether one more flow would load a target less, for its weight,
// than another one. Shares are compared across, without dividing.
func Lighter(flows uint64, weight uint32, thanFlows uint64, thanWeight uint32) bool {
	return (flows+1)*uint64(thanWeight) < (thanFlows+1)*uint64(weight)
}
