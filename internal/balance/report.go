package balance

import (
	"net/netip"
	"slices"
	"time"
)

// Report is a service for people.
type Report struct {
	Service    *Service
	Generation uint64
	Settled    bool // there is a plan
	Following  bool // another node's view
	Diverged   bool // and this node's table of it is another one than that node's
	Mode       Mode
	Backends   []Row // in the order of targets
}

// Row is one backend of a report.
type Row struct {
	Backend
	ID     uint32
	State  State
	Why    string
	Health Health
	Weight uint16 // that is in force, without slow start and shares
	Heft   uint32 // as it is now, in hundredths
	Wish   Wish
	Due    time.Time // of a drain; zero: none
	Flows  uint64    // as of the last count
	Silent string    // why it may be that it answers no client; empty: it does, or nobody knows
}

// Report tells how the service and its backends are.
func (p *Pool) Report() Report {
	r := Report{Service: p.service, Generation: p.generation, Settled: p.plan != nil, Following: p.following, Diverged: p.following && p.diverged, Mode: p.mode}
	mode, used := p.use()
	for _, m := range p.members {
		row := Row{
			Backend: m.Backend, ID: m.id, Health: m.health, Weight: m.configured(), Heft: m.heft(),
			Wish: m.wish, Due: m.due, Flows: m.flows,
		}
		row.State, row.Why = m.state(slices.Contains(used, m) && m.heft() > 0, p.service, mode)
		if row.State == Up {
			row.Silent = p.silence(m)
		}
		r.Backends = append(r.Backends, row)
	}
	return r
}

// Row gives the row of a backend.
func (r Report) Row(addr netip.AddrPort) (Row, bool) {
	i := slices.IndexFunc(r.Backends, func(b Row) bool { return b.Addr == addr })
	if i < 0 {
		return Row{}, false
	}
	return r.Backends[i], true
}
