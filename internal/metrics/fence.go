package metrics

import (
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
)

// fenceTable is about cutting off lost nodes, this one among them.
func fenceTable() []metric {
	by := []string{"node"}
	last := func(read func(l *api.FenceAttempt) float64) func(*api.Status, put) {
		return func(s *api.Status, put put) {
			eachFenced(s, func(n *api.FenceNode) {
				if n.Last != nil {
					put(read(n.Last), n.Node)
				}
			})
		}
	}
	return []metric{
		{"watchdog_armed", gauge, "Whether the watchdog runs, so that it resets this machine unless it is fed.", []string{"device"}, func(s *api.Status, put put) {
			if f := s.Fencing; f != nil && f.Device != "" {
				put(truth(f.Watchdog == "runs"), f.Device)
			}
		}},
		{"watchdog_fed_timestamp_seconds", gauge, "When it was fed last.", []string{"device"}, func(s *api.Status, put put) {
			if f := s.Fencing; f != nil && f.Fed != nil {
				put(seconds(*f.Fed), f.Device)
			}
		}},
		{"fence_node_fenced", gauge, "Whether a node is cut off, and was not heard since.", by, func(s *api.Status, put put) {
			eachFenced(s, func(n *api.FenceNode) { put(truth(n.State == "fenced"), n.Node) })
		}},
		{"fence_node_pending", gauge, "Whether nothing that was tried has cut a node off, and a person is waited for.", by, func(s *api.Status, put put) {
			eachFenced(s, func(n *api.FenceNode) { put(truth(n.Pending), n.Node) })
		}},
		{"fence_last_timestamp_seconds", gauge, "When the last fencing of a node was asked for.", by, last(func(l *api.FenceAttempt) float64 { return seconds(l.Began) })},
		{"fence_last_duration_seconds", gauge, "How long it took.", by, last(func(l *api.FenceAttempt) float64 { return time.Duration(l.Took).Seconds() })},
		{"fence_last_ok", gauge, "Whether it has cut the node off.", by, last(func(l *api.FenceAttempt) float64 { return truth(l.OK) })},
	}
}

func eachFenced(s *api.Status, f func(*api.FenceNode)) {
	if s.Fencing == nil {
		return
	}
	for i := range s.Fencing.Nodes {
		f(&s.Fencing.Nodes[i])
	}
}
