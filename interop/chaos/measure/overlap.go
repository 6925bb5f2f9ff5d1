package measure

import (
	"slices"
	"time"
)

// Overlap is a stretch in which two nodes answered.
type Overlap struct {
	Span
	Nodes [2]string
}

// Overlaps finds when two nodes answered.
func (r Recording) Overlaps() []Overlap {
	nodes := r.Nodes()
	runs := make(map[string][]Run)
	answers := make(map[string]map[uint32][]time.Duration)
	for _, n := range nodes {
		runs[n] = r.Runs(n)
		answers[n] = make(map[uint32][]time.Duration)
		for _, f := range r.facts(n) {
			if f.what == answer {
				answers[n][f.probe] = append(answers[n][f.probe], f.at)
			}
		}
	}
	var all []Overlap
	for i, a := range nodes {
		for _, b := range nodes[i+1:] {
			spans := common(runs[a], runs[b])
			spans = append(spans, doubles(answers[a], answers[b])...)
			for _, s := range merged(spans) {
				all = append(all, Overlap{Span: s, Nodes: [2]string{a, b}})
			}
		}
	}
	slices.SortFunc(all, func(a, b Overlap) int { return int(a.From - b.From) })
	return all
}

// common lists what two nodes' runs have in common.
func common(a, b []Run) []Span {
	var spans []Span
	for i, j := 0, 0; i < len(a) && j < len(b); {
		from, to := max(a[i].From, b[j].From), min(a[i].To, b[j].To)
		if from <= to {
			spans = append(spans, Span{from, to})
		}
		if a[i].To < b[j].To {
			i++
		} else {
			j++
		}
	}
	return spans
}

// doubles lists the questions that both answered, as stretches from one
// answer to the other.
func doubles(a, b map[uint32][]time.Duration) []Span {
	var spans []Span
	for probe, times := range a {
		others := b[probe]
		for _, t := range times {
			at, _ := slices.BinarySearch(others, t-Together)
			for ; at < len(others) && others[at] <= t+Together; at++ {
				spans = append(spans, Span{min(t, others[at]), max(t, others[at])})
			}
		}
	}
	return spans
}

// merged joins stretches that touch.
func merged(spans []Span) []Span {
	slices.SortFunc(spans, func(a, b Span) int { return int(a.From - b.From) })
	var out []Span
	for _, s := range spans {
		if n := len(out); n > 0 && s.From <= out[n-1].To {
			out[n-1].To = max(out[n-1].To, s.To)
			continue
		}
		out = append(out, s)
	}
	return out
}

// Total is the time that overlaps cover, however many nodes answered.
func Total(overlaps []Overlap) time.Duration {
	var spans []Span
	for _, o := range overlaps {
		spans = append(spans, o.Span)
	}
	var sum time.Duration
	for _, s := range merged(spans) {
		sum += s.Length()
	}
	return sum
}
