package measure

import (
	"slices"
	"time"
)

// Receipt is an answer or a claim as it arrived at a client.
type Receipt struct {
	At    time.Duration
	Probe uint32 // of an answer
	Claim bool   // unasked, and to all
}

const (
	// early is how much earlier than at the node's port a frame may seem to
	// be at the client's: both are stamped by the same clock, on two CPUs.
	early = 200 * time.Microsecond
	// passing is how long a frame may be on its way from one to the other.
	passing = Patience / 2
)

// Heard is the part of a recording that clients heard: answers that arrived
// at who had asked, and claims that arrived at any client. Questions whose
// answer did not arrive are taken out with it: they say nothing.
//
// Where two nodes answered one question and one answer arrived, nothing tells
// which of them it was, so neither counts.
func (r Recording) Heard(receipts []Receipt) Recording {
	arrived := make(map[uint32][]time.Duration)
	var claims []time.Duration
	for _, c := range receipts {
		if c.Claim {
			claims = append(claims, c.At)
		} else {
			arrived[c.Probe] = append(arrived[c.Probe], c.At)
		}
	}
	slices.Sort(claims)
	sent := make(map[uint32][]time.Duration)
	for _, s := range r {
		if s.Kind == Answered {
			sent[s.Probe] = append(sent[s.Probe], s.At)
		}
	}
	for _, times := range arrived {
		slices.Sort(times)
	}
	for _, times := range sent {
		slices.Sort(times)
	}

	var out Recording
	drop := make(map[Sighting]bool) // questions whose answer nobody got
	for _, node := range r.Nodes() {
		open := make(map[uint32]Sighting)
		for _, s := range r.of(node) {
			switch s.Kind {
			case Asked:
				open[s.Probe] = s
			case Answered:
				from, to := s.At-passing, s.At+passing
				if between(arrived[s.Probe], from-early, to) < between(sent[s.Probe], from, to) {
					drop[s], drop[open[s.Probe]] = true, true
				}
			case Claimed:
				if between(claims, s.At-early, s.At+passing) == 0 {
					drop[s] = true
				}
			}
		}
	}
	for _, s := range r {
		if !drop[s] {
			out = append(out, s)
		}
	}
	return out
}

// between counts the instants from one to another in a sorted list.
func between(sorted []time.Duration, from, to time.Duration) int {
	a, _ := slices.BinarySearch(sorted, from)
	b, _ := slices.BinarySearch(sorted, to+1)
	return b - a
}
