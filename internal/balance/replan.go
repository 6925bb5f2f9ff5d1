package balance

import (
	"slices"

	"github.com/holdfast-net/holdfast/internal/balance/maglev"
	"github.com/holdfast-net/holdfast/internal/balance/wheel"
)

// The bounds of tables that are no hash tables.
const (
	// WheelSlots is how many slots a wheel may have: weights are met to better
	// than a percent, and it is made in a millisecond.
	WheelSlots = 4096
	// LeastTargets is of how many targets the one with the fewest flows is
	// looked for one by one; of more, two at random are compared, which is
	// nearly as even and costs the same for any number.
	LeastTargets = 64
)

// replan gives a plan if it is another one than the last.
func (p *Pool) replan(used []*member, out []Action) []Action {
	plan := &Plan{Service: p.service, Seed: p.seed, Targets: make([]Target, len(p.members))}
	weights := make([]uint32, len(p.members)) // of those that the table names
	for i, m := range p.members {
		plan.Targets[i] = Target{ID: m.id, Addr: m.Addr, Weight: m.heft(), State: m.told, MaxFlows: m.MaxFlows}
		if slices.Contains(used, m) {
			weights[i] = m.heft()
		}
	}
	plan.Select = selectOf(p.service.Scheduler, weights)
	if last := p.plan; last != nil && last.Service == plan.Service && slices.Equal(last.Targets, plan.Targets) {
		return out
	}
	plan.Table = p.tableOf(plan, weights)
	p.generation++
	plan.Generation = p.generation
	p.plan = plan
	return append(out, Action{Kind: ActionPlan, Plan: plan})
}

// tableOf gives the table for those weights, the last one where it is the same.
func (p *Pool) tableOf(plan *Plan, weights []uint32) []uint16 {
	if last := p.plan; last != nil && last.sameTable(plan) {
		return last.Table
	}
	switch plan.Select {
	case ByFlow, BySource:
		backends := make([]maglev.Backend, len(weights))
		for i, w := range weights {
			backends[i] = maglev.Backend{Name: plan.Targets[i].Addr, Weight: w}
		}
		table, err := maglev.Table(p.seed, p.service.TableSize, backends)
		if err != nil {
			// Its size was checked with the file; a service that was made
			// elsewhere, with another, gets the usual one.
			table, _ = maglev.Table(p.seed, maglev.DefaultSize, backends)
		}
		return table
	case Least:
		var table []uint16
		for i, w := range weights {
			if w > 0 {
				table = append(table, uint16(i))
			}
		}
		return table
	default:
		return wheel.Expand(weights, WheelSlots)
	}
}

// sameTable says whether two plans have the same table: the same size, and the
// same weights of the same addresses in the same places.
func (p *Plan) sameTable(q *Plan) bool {
	if p.Select != q.Select || p.Seed != q.Seed || p.Service.TableSize != q.Service.TableSize {
		return false
	}
	for i := range max(len(p.Targets), len(q.Targets)) {
		var a, b Target
		if i < len(p.Targets) && p.Targets[i].State == Up {
			a = p.Targets[i]
		}
		if i < len(q.Targets) && q.Targets[i].State == Up {
			b = q.Targets[i]
		}
		if a.Addr != b.Addr || a.Weight != b.Weight {
			return false
		}
	}
	return true
}

func selectOf(s Scheduler, weights []uint32) Select {
	switch s {
	case LeastConnections:
		n := 0
		for _, w := range weights {
			n += int(min(w, 1))
		}
		if n > LeastTargets {
			return LeastOfTwo
		}
		return Least
	case TwoChoices:
		return LeastOfTwo
	case SourceHash:
		return BySource
	case Maglev:
		return ByFlow
	default:
		return InTurn
	}
}
