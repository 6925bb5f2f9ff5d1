package metrics

import (
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/holdfast-net/holdfast/internal/api"
)

const (
	gauge   = prometheus.GaugeValue
	counter = prometheus.CounterValue
)

// metric is one name and how it is read from a snapshot.
type metric struct {
	name   string // without holdfast_
	kind   prometheus.ValueType
	help   string
	labels []string
	read   func(s *api.Status, put func(v float64, labels ...string))
}

type (
	put      = func(v float64, labels ...string)
	routerFn = func(g *api.Group, r *api.Router, put put)
)

// table lists all metrics, the node's first.
func table() []metric {
	return slices.Concat(nodeTable(), voteTable(), groupTable(), checkTable(), holdTable(), clientTable(), fenceTable(), serviceTable(), planeTable(), mirrorTable(), routerTable())
}

func nodeTable() []metric {
	return []metric{
		{"build_info", gauge, "1, labelled with what runs.", []string{"version", "goversion"}, func(s *api.Status, put put) {
			put(1, s.Version, goVersion())
		}},
		{"start_timestamp_seconds", gauge, "When the daemon started.", nil, func(s *api.Status, put put) { put(seconds(s.Started)) }},
		{"config_hash_info", gauge, "1, labelled with the hash of the configuration in force: the same on nodes that agree.", []string{"hash"}, func(s *api.Status, put put) {
			put(1, s.Config.Hash)
		}},
		{"config_last_reload_success", gauge, "Whether the last reload was applied.", nil, func(s *api.Status, put put) {
			put(truth(s.Config.LastReload == "ok"))
		}},
		{"config_last_reload_timestamp_seconds", gauge, "When the configuration in force was loaded.", nil, func(s *api.Status, put put) {
			put(seconds(s.Config.LoadedAt))
		}},
		{"maintenance", gauge, "Whether the node is in maintenance.", nil, func(s *api.Status, put put) { put(truth(s.Maintenance)) }},
		{"realtime", gauge, "Whether adverts are paced in the realtime class.", nil, func(s *api.Status, put put) { put(truth(s.Realtime.On)) }},
		{"guardian", gauge, "Whether a guardian sees to the addresses if the daemon dies.", nil, func(s *api.Status, put put) { put(truth(s.Guardian.On)) }},
		{"warnings", gauge, "How many things are not as they should be, as listed by holdfast status.", nil, func(s *api.Status, put put) {
			put(float64(len(s.Warnings)))
		}},
		{"link_up", gauge, "Whether an interface that a group uses works.", []string{"interface"}, func(s *api.Status, put put) {
			for _, l := range s.Links {
				put(truth(l.Up), l.Name)
			}
		}},
		{"adverts_paced_total", counter, "Adverts whose lateness was measured.", nil, func(s *api.Status, put put) {
			put(float64(s.Lateness.Count))
		}},
		{"advert_lateness_seconds", gauge, "How late this node's adverts were handed to the kernel since the start: median, p99, p999 and the latest one.", []string{"point"}, func(s *api.Status, put put) {
			for _, q := range []struct {
				name string
				d    api.Duration
			}{{"median", s.Lateness.P50}, {"p99", s.Lateness.P99}, {"p999", s.Lateness.P999}, {"max", s.Lateness.Max}} {
				put(time.Duration(q.d).Seconds(), q.name)
			}
		}},
	}
}

// states of a group, as in DESIGN's words.
func states() []string { return []string{"init", "backup", "active", "fault"} }

func groupTable() []metric {
	return []metric{
		{"group_state", gauge, "1 for the state that the group has on this node, 0 for the others.", []string{"group", "state"}, groups(func(g *api.Group, put put) {
			for _, state := range states() {
				put(truth(g.State == state), g.Name, state)
			}
		})},
		{"vip_active", gauge, "Whether this node holds the address.", []string{"group", "vip", "interface"}, groups(func(g *api.Group, put put) {
			for _, a := range g.Addresses {
				vip, _, _ := strings.Cut(a, "/")
				put(truth(g.State == "active"), g.Name, vip, g.Interface)
			}
		})},
		{"conflict", gauge, "Whether more than one node holds the group, as heard here, or another machine uses an address of it.", []string{"group"}, groups(func(g *api.Group, put put) {
			put(truth(g.Health() == api.Conflict), g.Name)
		})},
		{"group_priority", gauge, "The effective priority.", []string{"group"}, groups(func(g *api.Group, put put) { put(float64(g.Priority), g.Name) })},
		{"group_base_priority", gauge, "The configured priority.", []string{"group"}, groups(func(g *api.Group, put put) { put(float64(g.BasePriority), g.Name) })},
		{"group_since_timestamp_seconds", gauge, "When the group got its state.", []string{"group"}, groups(func(g *api.Group, put put) { put(seconds(g.Since), g.Name) })},
		{"transitions_total", counter, "Changes of state; the journal has the reason of each.", []string{"group"}, groups(func(g *api.Group, put put) {
			put(float64(g.Transitions), g.Name)
		})},
		{"check_up", gauge, "Whether a check passes.", []string{"group", "check"}, groups(func(g *api.Group, put put) {
			for _, c := range g.Checks {
				put(truth(c.Up), g.Name, c.Name)
			}
		})},
		{"peer_last_seen_timestamp_seconds", gauge, "When another node of the group was last heard.", []string{"group", "peer", "address"}, groups(func(g *api.Group, put put) {
			for i := range g.Peers {
				put(seconds(g.Peers[i].LastSeen), g.Name, g.Peers[i].Name(), g.Peers[i].Address)
			}
		})},
		{"peer_priority", gauge, "The priority that another node of the group last had.", []string{"group", "peer", "address"}, groups(func(g *api.Group, put put) {
			for i := range g.Peers {
				put(float64(g.Peers[i].Priority), g.Name, g.Peers[i].Name(), g.Peers[i].Address)
			}
		})},
	}
}

func routerTable() []metric {
	by := []string{"group", "family", "interface"}
	return []metric{
		{"adverts_sent_total", counter, "Adverts sent.", by, routers(count("sent"))},
		{"adverts_received_total", counter, "Adverts accepted.", by, routers(count("received"))},
		{"adverts_priority_zero_sent_total", counter, "Adverts sent that said: I leave.", by, routers(count("priority_zero_sent"))},
		{"adverts_priority_zero_received_total", counter, "Adverts accepted that said: I leave.", by, routers(count("priority_zero_received"))},
		{"adverts_rejected_total", counter, "Adverts discarded, by what was wrong with them.", append(by, "reason"), routers(func(g *api.Group, r *api.Router, put put) {
			for name, n := range r.Counters {
				if reason, ok := strings.CutPrefix(name, "dropped_"); ok {
					put(float64(n), g.Name, r.Family, g.Interface, reason)
				}
			}
		})},
		{"down_interval_seconds", gauge, "Silence of the holder after which this node takes over.", by, routers(func(g *api.Group, r *api.Router, put put) {
			put(time.Duration(r.DownInterval).Seconds(), g.Name, r.Family, g.Interface)
		})},
		{"virtual_mac", gauge, "Whether the addresses answer with the virtual MAC.", by, routers(func(g *api.Group, r *api.Router, put put) {
			put(truth(r.VirtualMAC), g.Name, r.Family, g.Interface)
		})},
	}
}

// groups reads one metric of every group.
func groups(read func(*api.Group, put)) func(*api.Status, put) {
	return func(s *api.Status, put put) {
		for i := range s.Groups {
			read(&s.Groups[i], put)
		}
	}
}

// routers reads one metric of every router of every group.
func routers(read routerFn) func(*api.Status, put) {
	return groups(func(g *api.Group, put put) {
		for i := range g.Routers {
			read(g, &g.Routers[i], put)
		}
	})
}

// count reads one counter, 0 where the router does not have it yet.
func count(name string) routerFn {
	return func(g *api.Group, r *api.Router, put put) {
		put(float64(r.Counters[name]), g.Name, r.Family, g.Interface)
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// seconds is a Unix timestamp; 0 for no time.
func seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMicro()) / 1e6
}
