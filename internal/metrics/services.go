package metrics

import (
	"strings"

	"github.com/holdfast-net/holdfast/internal/api"
)

// backendStates are those that a backend may have.
func backendStates() []string { return []string{"up", "drain", "down", "removed"} }

func serviceTable() []metric {
	by := []string{"service"}
	each := []string{"service", "backend"}
	why := append(each[:2:2], "reason")
	direction := append(each[:2:2], "direction")
	return []metric{
		{"service_info", gauge, "1, labelled with how the service chooses and how packets get to its backends.", append(by[:1:1], "scheduler", "forward"), services(func(s *api.Service, put put) {
			put(1, s.Name, s.Scheduler, s.Forward)
		})},
		{"service_served", gauge, "Whether new flows of the service go to a backend.", by, services(func(s *api.Service, put put) {
			put(truth(s.Serves()), s.Name)
		})},
		{"service_backends", gauge, "Backends of the service, by state.", append(by[:1:1], "state"), services(func(s *api.Service, put put) {
			for _, state := range backendStates() {
				put(float64(s.Count(state)), s.Name, state)
			}
		})},
		{"service_flows", gauge, "Flows (connections, UDP sessions) that the service has now.", by, services(func(s *api.Service, put put) {
			put(float64(s.Flows), s.Name)
		})},
		{"service_drops_total", counter, "Packets of no backend's flows that were dropped, or (proxies) connections that were refused, by reason.", append(by[:1:1], "reason"), services(func(s *api.Service, put put) {
			own := s.OwnDrops()
			for reason, n := range own {
				put(float64(n), s.Name, label(reason))
			}
		})},
		{"backend_state", gauge, "1 for the state that a backend has, 0 for the others.", append(each[:2:2], "state"), backends(func(s *api.Service, b *api.Backend, put put) {
			for _, state := range backendStates() {
				put(truth(b.State == state), s.Name, b.Address, state)
			}
		})},
		{"backend_silent", gauge, "Whether a backend that is up answers no client, as far as connections through this node tell.", each, backends(func(s *api.Service, b *api.Backend, put put) {
			put(truth(b.Silent != ""), s.Name, b.Address)
		})},
		{"backend_weight", gauge, "The weight of a backend, as configured or as an operator changed it.", each, backends(func(s *api.Service, b *api.Backend, put put) {
			put(float64(b.Weight), s.Name, b.Address)
		})},
		{"backend_share_ratio", gauge, "The share of new flows that a backend gets.", each, backends(func(s *api.Service, b *api.Backend, put put) {
			put(b.Share/100, s.Name, b.Address)
		})},
		{"backend_flows", gauge, "Flows that a backend has now; of one that drains, those that are left.", each, backends(func(s *api.Service, b *api.Backend, put put) {
			put(float64(b.Flows), s.Name, b.Address)
		})},
		{"backend_new_flows_total", counter, "Flows that a backend got.", each, backends(func(s *api.Service, b *api.Backend, put put) {
			put(float64(b.New), s.Name, b.Address)
		})},
		{"backend_bytes_total", counter, "Bytes to a backend (in) and from it (out; 0 where it answers clients itself).", direction, backends(func(s *api.Service, b *api.Backend, put put) {
			put(float64(b.BytesIn), s.Name, b.Address, "in")
			put(float64(b.BytesOut), s.Name, b.Address, "out")
		})},
		{"backend_packets_total", counter, "Packets to a backend and from it; of proxies, datagrams alone.", direction, backends(func(s *api.Service, b *api.Backend, put put) {
			put(float64(b.PacketsIn), s.Name, b.Address, "in")
			put(float64(b.PacketsOut), s.Name, b.Address, "out")
		})},
		{"backend_drops_total", counter, "Packets of a backend's flows that were dropped, or (proxies) connections to it that failed, by reason.", why, backends(func(s *api.Service, b *api.Backend, put put) {
			for reason, n := range b.Drops {
				put(float64(n), s.Name, b.Address, label(reason))
			}
		})},
	}
}

func planeTable() []metric {
	ports := []string{"service", "address", "backend"}
	return []metric{
		{"balance_plane_info", gauge, "1 for each data plane that serves services, labelled with its hook in the kernel.", []string{"plane", "hook"}, planes(func(p *api.Plane, put put) {
			put(1, p.Name, p.Hook)
		})},
		{"balance_table_entries", gauge, "Entries of a table of the data plane that are in use; a flow that is translated has two.", []string{"plane", "table"}, planes(func(p *api.Plane, put put) {
			for _, t := range p.Tables {
				put(float64(t.Used), p.Name, label(t.Name))
			}
		})},
		{"balance_table_size", gauge, "Entries that a table of the data plane has room for.", []string{"plane", "table"}, planes(func(p *api.Plane, put put) {
			for _, t := range p.Tables {
				put(float64(t.Size), p.Name, label(t.Name))
			}
		})},
		{"balance_translate_ports_in_use", gauge, "Ports of an address that full NAT sends from, towards a backend, that are in use.", ports, planes(func(p *api.Plane, put put) {
			for _, t := range p.Ports {
				put(float64(t.Used), t.Service, t.Address, t.Backend)
			}
		})},
		{"balance_translate_ports", gauge, "Ports of an address that full NAT may use towards a backend on this node.", ports, planes(func(p *api.Plane, put put) {
			for _, t := range p.Ports {
				put(float64(t.Size), t.Service, t.Address, t.Backend)
			}
		})},
	}
}

// services reads one metric of every service.
func services(read func(*api.Service, put)) func(*api.Status, put) {
	return func(s *api.Status, put put) {
		for i := range s.Services {
			read(&s.Services[i], put)
		}
	}
}

// backends reads one metric of every backend of every service.
func backends(read func(*api.Service, *api.Backend, put)) func(*api.Status, put) {
	return services(func(s *api.Service, put put) {
		for i := range s.Backends {
			read(s, &s.Backends[i], put)
		}
	})
}

// planes reads one metric of every data plane.
func planes(read func(*api.Plane, put)) func(*api.Status, put) {
	return func(s *api.Status, put put) {
		for i := range s.Planes {
			read(&s.Planes[i], put)
		}
	}
}

// label is a name in words as one that is written in queries.
func label(words string) string {
	return strings.NewReplacer(" ", "_", "-", "_").Replace(words)
}
