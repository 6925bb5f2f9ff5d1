package measure

import "time"

// Without is the part of some stretches that no other covers: of the outages
// that a client saw, those that the timers do not allow.
func Without(spans, allowed []Span) []Span {
	allowed = merged(append([]Span(nil), allowed...))
	var out []Span
	for _, s := range spans {
		from := s.From
		for _, a := range allowed {
			if a.To <= from || a.From >= s.To {
				continue
			}
			if a.From > from {
				out = append(out, Span{from, a.From})
			}
			from = max(from, a.To)
		}
		if from < s.To {
			out = append(out, Span{from, s.To})
		}
	}
	return out
}

// Sum is the length of stretches that do not overlap.
func Sum(spans []Span) time.Duration {
	var sum time.Duration
	for _, s := range spans {
		sum += s.Length()
	}
	return sum
}
