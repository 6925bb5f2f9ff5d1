package metrics

import (
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
)

// holdTable is about the promise that a hold expires by itself: what enforces
// it, how long holds last, and what became of it.
func holdTable() []metric {
	by := []string{"group", "family", "interface"}
	return []metric{
		{"gate_info", gauge, "1, labelled with the line of defence that enforces holds.", []string{"line"}, func(s *api.Status, put put) {
			if s.Gate.Line != "" {
				put(1, s.Gate.Line)
			}
		}},
		{"gate_guarantee_seconds", gauge, "How late the gate may close after a hold has ended.", nil, func(s *api.Status, put put) {
			if s.Gate.Line != "" {
				put(time.Duration(s.Gate.Guarantee).Seconds())
			}
		}},
		{"hold_left_seconds", gauge, "How long the addresses go on answering here if the hold is not renewed; 0 where they do not.", by, routers(func(g *api.Group, r *api.Router, put put) {
			left := r.Hold.Left
			if r.Hold.State != api.HoldOpen {
				left = 0
			}
			put(time.Duration(left).Seconds(), g.Name, r.Family, g.Interface)
		})},
		{"gate_dropped_total", counter, "Packets that the gate dropped because a hold was over, by kind.", append(by, "reason"), routers(func(g *api.Group, r *api.Router, put put) {
			for reason, n := range r.GateDrops {
				put(float64(n), g.Name, r.Family, g.Interface, reason)
			}
		})},
		{"promised_seconds", gauge, "For how long this node may hold the group: a majority of the cluster has promised it, or the gateway has answered.", []string{"group"}, groups(func(g *api.Group, put put) {
			if g.Guard.Kind == api.GuardMajority || g.Guard.Kind == api.GuardGateway {
				put(time.Duration(g.Guard.Promised).Seconds(), g.Name)
			}
		})},
		{"votes", gauge, "How many voters have promised the group to this node.", []string{"group"}, groups(func(g *api.Group, put put) {
			if g.Guard.Kind == api.GuardMajority {
				put(float64(g.Guard.Votes), g.Name)
			}
		})},
		{"conflicts_total", counter, "Conflicts that are over: another machine used an address of the group while this node held it.", []string{"group"}, groups(func(g *api.Group, put put) {
			put(float64(g.Conflicts.Count), g.Name)
		})},
		{"conflict_seconds_total", counter, "How long they took.", []string{"group"}, groups(func(g *api.Group, put put) {
			put(time.Duration(g.Conflicts.Time).Seconds(), g.Name)
		})},
		{"lapses_total", counter, "Holds that ended by themselves, because this node was late.", []string{"group"}, groups(func(g *api.Group, put put) {
			put(float64(g.Lapses.Count), g.Name)
		})},
		{"lapse_lateness_seconds", gauge, "How long the last such hold had been over when this node noticed.", []string{"group"}, groups(func(g *api.Group, put put) {
			put(time.Duration(g.Lapses.Late).Seconds(), g.Name)
		})},
	}
}
