package metrics

import (
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
)

// clientTable is about the TCP clients of addresses, and what they were told when
// these moved here last.
func clientTable() []metric {
	by := []string{"group"}
	some := func(f func(c *api.Clients) (float64, bool)) func(*api.Status, put) {
		return groups(func(g *api.Group, put put) {
			if g.Clients == nil {
				return
			}
			if v, ok := f(g.Clients); ok {
				put(v, g.Name)
			}
		})
	}
	last := func(f func(r *api.ClientsReset) float64) func(*api.Status, put) {
		return some(func(c *api.Clients) (float64, bool) {
			if c.Last == nil {
				return 0, false
			}
			return f(c.Last), true
		})
	}
	return []metric{
		{"clients", gauge, "TCP connections that are known with the group's addresses: the holder's.", by, some(func(c *api.Clients) (float64, bool) { return float64(c.Known), true })},
		{"clients_left_out", gauge, "More of them, for which there is no room in what the holder tells.", by, some(func(c *api.Clients) (float64, bool) { return float64(c.LeftOut), true })},
		{"clients_told", gauge, "Connections with the holder before that this node knew of, when it took over last.", by, last(func(r *api.ClientsReset) float64 { return float64(r.Told) })},
		{"clients_reset", gauge, "Those of them that a client answered for, and that were reset.", by, last(func(r *api.ClientsReset) float64 { return float64(r.Answered) })},
		{"clients_reset_seconds", gauge, "How long that took after this node held.", by, last(func(r *api.ClientsReset) float64 { return time.Duration(r.Took).Seconds() })},
	}
}
