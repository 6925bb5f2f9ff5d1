package config

import (
	"cmp"
	"net/netip"
	"slices"
	"strconv"

	"github.com/holdfast-net/holdfast/internal/balance"
	"github.com/holdfast-net/holdfast/internal/check"
)

func decimal(n uint32) string { return strconv.FormatUint(uint64(n), 10) }

// buildServices makes the clean services, and a check for each of their
// backends of every check that looks at backends. Such a check is not run by
// itself.
func (raw *rawConfig) buildServices() (services []Service, checks []Check) {
	kinds := map[string]*rawCheck{}
	for _, k := range raw.checks {
		kinds[k.name] = k
	}
	holders := map[netip.Addr]string{}
	for _, g := range raw.groups {
		for _, a := range g.addresses {
			holders[a.v.Addr()] = g.name
		}
	}
	made := map[string]bool{}
	for _, s := range raw.services {
		out := Service{Service: s.build(), Why: s.why, written: s.written}
		for _, l := range s.listen {
			out.Groups = append(out.Groups, holders[l.v.Addr()])
		}
		slices.Sort(out.Groups)
		out.Groups = slices.Compact(out.Groups)
		for i := range out.Backends {
			b := &out.Backends[i]
			for _, u := range s.checks {
				if b.Sorry {
					continue
				}
				k := kinds[u.v]
				kind, each := forBackend(k.kind, b.Addr)
				if !each {
					b.Checks = append(b.Checks, u.v)
					continue
				}
				name := checkOf(u.v, b.Addr)
				b.Checks = append(b.Checks, name)
				if !made[name] {
					made[name] = true
					run := Check{Spec: check.Spec{Name: name, Kind: kind, Settings: k.settings}}
					if !made[u.v] { // what the file says of it is said once
						made[u.v], run.written = true, k.written
					}
					checks = append(checks, run)
				}
			}
		}
		services = append(services, out)
	}
	slices.SortFunc(services, func(a, b Service) int { return cmp.Compare(a.Name, b.Name) })
	return services, checks
}

func (s *rawService) build() *balance.Service {
	out := &balance.Service{
		Name: s.name, Scheduler: schedulers[s.scheduler.v], Forward: forwards[s.forward.v],
		Sources: [2]uint8{uint8(s.sources[0].v), uint8(s.sources[1].v)}, Affinity: s.affinity.v, TableSize: uint32(s.tableSize.v),
		OnRemoved: policies[s.onRemoved.v], SlowStart: s.slowStart.v, Panic: uint8(s.panic.v),
		MaxFlows: uint64(s.maxFlows.v), NewPerSecond: uint32(s.perSecond.v),
		Timeouts: s.timeouts, Encapsulation: encapsulations[s.tunnel.v], Proxying: s.proxying,
	}
	for _, l := range s.listen {
		out.Listen = append(out.Listen, l.v)
	}
	// Clients are told of a backend's death where their protocol can.
	switch {
	case s.onDown.set():
		out.OnDown = policies[s.onDown.v]
	case out.Listen[0].Proto == balance.TCP:
		out.OnDown = balance.Reset
	default:
		out.OnDown = balance.Rehash
	}
	for _, b := range s.backends {
		out.Backends = append(out.Backends, balance.Backend{
			Addr: b.address.v, Weight: uint16(b.weight.v), Backup: b.backup.v, Sorry: b.sorry.v, MaxFlows: uint32(b.maxFlows.v),
		})
	}
	slices.SortFunc(out.Backends, func(a, b balance.Backend) int { return a.Addr.Compare(b.Addr) })
	for _, a := range s.allow {
		out.Allow = append(out.Allow, a.v.Masked())
	}
	if out.Forward == balance.FullNAT {
		for _, t := range s.translate {
			out.Translate = append(out.Translate, t.v)
		}
		if len(out.Translate) == 0 {
			for _, l := range out.Listen {
				if !slices.Contains(out.Translate, l.Addr()) {
					out.Translate = append(out.Translate, l.Addr())
				}
			}
		}
	}
	return out
}
