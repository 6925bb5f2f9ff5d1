package chaos

import (
	"time"

	"github.com/holdfast-net/holdfast/interop/chaos/measure"
)

// election is how long a store takes at most to have another leader.
const election = 800 * time.Millisecond

// writes is how many writes to a slow disk a renewal may wait for: the ones that
// are under way in the log and in the database of the leader, its own, and the same
// once more, as it has to succeed within half of a term.
const writes = 8

// storeless lists when the store may not have answered.
func storeless(mode Mode, happened []Happened) []measure.Span {
	var spans, whole []measure.Span
	for _, h := range happened {
		if h.Skipped != "" || kindOf(h.Fault).class != OfStore && h.Fault != Split && !mode.embedded() {
			continue
		}
		spans = append(spans, measure.Span{From: h.From, To: h.From + election}, measure.Span{From: h.To, To: h.To + election})
		if mode.Stores == 1 || h.Fault == LoseStore || h.Fault == Split && !h.serves(mode) || h.Fault == SlowStore && writes*h.Delay > mode.TTL {
			spans = append(spans, measure.Span{From: h.From, To: h.To + comeback + election})
		}
		for _, w := range whole {
			// Two members that are gone at a time are a majority.
			if both := (measure.Span{From: max(w.From, h.From), To: min(w.To, h.To+comeback)}); both.Length() > 0 {
				spans = append(spans, measure.Span{From: both.From, To: both.To + election})
			}
		}
		whole = append(whole, measure.Span{From: h.From, To: h.To + comeback})
	}
	return spans
}
