package metrics

import (
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
)

func mirrorTable() []metric {
	by := []string{"peer"}
	return []metric{
		{"flows_in_sync", gauge, "Whether the flows of a group's services survive a move now: another node has all of them, or this one has the holder's.", []string{"group"}, func(s *api.Status, put put) {
			if s.Flows == nil {
				return
			}
			for _, g := range s.Flows.Groups {
				put(truth(g.InSync), g.Group)
			}
		}},
		{"flows_peer_told", gauge, "Whether another node is told of this node's flows.", by, mirrors(func(p *api.MirrorPeer) float64 { return truth(p.Told != nil) })},
		{"flows_peer_heard", gauge, "Whether another node tells of its flows.", by, mirrors(func(p *api.MirrorPeer) float64 { return truth(p.Heard != nil) })},
		{"flows_lag_seconds", gauge, "Within which news of flows reached another node lately, 99 of a hundred.", by, mirrors(func(p *api.MirrorPeer) float64 { return time.Duration(p.Lag).Seconds() })},
		{"flows_behind_seconds", gauge, "The age of the oldest news of flows that another node has not got.", by, mirrors(func(p *api.MirrorPeer) float64 { return time.Duration(p.Behind).Seconds() })},
		{"flows_told_total", counter, "Flows, and changes of flows, that another node was told.", by, mirrors(func(p *api.MirrorPeer) float64 { return float64(p.Flows) })},
		{"flows_refused_total", counter, "Those of them that it could not take over.", by, mirrors(func(p *api.MirrorPeer) float64 { return float64(p.Refused) })},
		{"flows_overruns_total", counter, "How often another node was too slow, and was told all flows anew.", by, mirrors(func(p *api.MirrorPeer) float64 { return float64(p.Overruns) })},
		{"flows_taken_total", counter, "Flows, and changes of flows, of another node that were put here.", by, mirrors(func(p *api.MirrorPeer) float64 { return float64(p.Taken) })},
		{"flows_missed_total", counter, "Those of them that could not be put here.", by, mirrors(func(p *api.MirrorPeer) float64 { return float64(p.Missed) })},
	}
}

// mirrors reads one metric of every node that flows are exchanged with.
func mirrors(read func(*api.MirrorPeer) float64) func(*api.Status, put) {
	return func(s *api.Status, put put) {
		if s.Flows == nil {
			return
		}
		for i := range s.Flows.Peers {
			put(read(&s.Flows.Peers[i]), s.Flows.Peers[i].Node)
		}
	}
}
