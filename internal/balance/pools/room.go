package pools

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/holdfast-net/holdfast/internal/balance"
)

// CodeFull is that of a record of a table that is nearly full, or has room
// again.
const CodeFull = "HF3015"

// A table is nearly full from the first share of it on, in percent, and until
// it is below the second.
const nearlyFull, roomAgain = 90, 80

// Plane is one that is open, and how full it is.
type Plane struct {
	Name string // kernel, proxy
	balance.Room
}

// Latest is services and planes as they were counted last: at most a second
// ago. It waits for nobody.
type Latest struct {
	Services []View
	Planes   []Plane
	Troubles []Trouble
}

// Latest gives it.
func (p *Pools) Latest() Latest {
	if l := p.latest.Load(); l != nil {
		return *l
	}
	return Latest{}
}

// publish is what Latest gives from now on.
func (p *Pools) publish() {
	l := Latest{Services: p.views(), Planes: p.rooms()}
	l.Troubles = p.troubles(l.Services)
	p.latest.Store(&l)
}

// rooms asks planes how full they are, and records what is nearly so.
func (p *Pools) rooms() []Plane {
	var out []Plane
	seen := map[string]bool{}
	for _, x := range []struct {
		name string
		slot *slot
	}{{"kernel", &p.kernel}, {"proxy", &p.proxy}} {
		r, ok := x.slot.plane.(balance.Roomer)
		if !ok {
			continue
		}
		room, err := r.Room()
		if err != nil {
			continue // its loss is told where flows are counted
		}
		out = append(out, Plane{x.name, room})
		for _, t := range room.Tables {
			if !t.Gives {
				p.full(seen, fmt.Sprintf("the table of %s (%s)", t.Name, x.name), t.Full, t.Used, t.Size)
			}
		}
		for _, t := range room.Ports {
			p.full(seen, fmt.Sprintf("the ports of %s for backend %s (service %s)", t.Address, t.Backend, t.Service), "", t.Used, t.Size)
		}
	}
	for _, what := range slices.Sorted(maps.Keys(p.crowded)) {
		if !seen[what] {
			delete(p.crowded, what)
		}
	}
	return out
}

// full records once that something is nearly full, and once that it is no more.
func (p *Pools) full(seen map[string]bool, what, then string, used, size uint64) {
	seen[what] = true
	then = cmp.Or(then, "new flows are refused")
	_, crowded := p.crowded[what]
	switch {
	case size > 0 && used*100 >= size*nearlyFull && !crowded:
		p.crowded[what] = then
		p.opt.Record(Record{Code: CodeFull, Reason: fmt.Sprintf("%s: %d of %d are in use: when all are, %s", what, used, size, then)})
	case used*100 < size*roomAgain && crowded:
		delete(p.crowded, what)
		p.opt.Record(Record{Code: CodeFull, Reason: fmt.Sprintf("%s: there is room again, %d of %d are in use", what, used, size)})
	}
}
