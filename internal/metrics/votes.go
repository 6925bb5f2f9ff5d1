package metrics

import (
	"strings"
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
)

// voteTable is about who votes with a node, and what a witness does.
func voteTable() []metric {
	return []metric{
		{"voter_last_heard_timestamp_seconds", gauge, "When a voter of the cluster last answered this node; 0: never.", []string{"voter", "role"}, func(s *api.Status, put put) {
			eachVoter(s, func(v *api.Voter, role string) {
				if v.LastSeen.IsZero() {
					put(0, v.Name, role)
					return
				}
				put(seconds(v.LastSeen), v.Name, role)
			})
		}},
		{"voter_trip_seconds", gauge, "How long the last question to a voter took, there and back.", []string{"voter", "role"}, func(s *api.Status, put put) {
			eachVoter(s, func(v *api.Voter, role string) { put(time.Duration(v.Trip).Seconds(), v.Name, role) })
		}},
		{"witness_abstains_seconds", gauge, "How long this witness makes no promise yet, because it started lately.", nil, func(s *api.Status, put put) {
			if s.Witness != nil {
				put(time.Duration(s.Witness.Abstains).Seconds())
			}
		}},
		{"witness_promises", gauge, "Groups that this witness has promised to a node.", []string{"node"}, func(s *api.Status, put put) {
			if s.Witness == nil {
				return
			}
			for _, a := range s.Witness.Askers {
				put(float64(a.Promises), a.Node)
			}
		}},
		{"witness_votes_total", counter, "What this witness did with the votes it was asked for, by outcome.", []string{"outcome"}, func(s *api.Status, put put) {
			eachCount(s, func(name string, n uint64) {
				if !strings.HasPrefix(name, "dropped_") {
					put(float64(n), name)
				}
			})
		}},
		{"witness_dropped_total", counter, "Datagrams that this witness dropped, by reason.", []string{"reason"}, func(s *api.Status, put put) {
			eachCount(s, func(name string, n uint64) {
				if reason, ok := strings.CutPrefix(name, "dropped_"); ok {
					put(float64(n), reason)
				}
			})
		}},
	}
}

// eachVoter goes through the other voters of a node's cluster.
func eachVoter(s *api.Status, f func(v *api.Voter, role string)) {
	for i := range s.Voters {
		v := &s.Voters[i]
		switch {
		case v.Self:
		case v.Witness:
			f(v, "witness")
		default:
			f(v, "node")
		}
	}
}

func eachCount(s *api.Status, f func(name string, n uint64)) {
	if s.Witness == nil {
		return
	}
	for name, n := range s.Witness.Counters {
		f(name, n)
	}
}
