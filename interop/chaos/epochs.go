package chaos

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
)

// A lease is a register that nodes write one after the other, and its epoch the
// number of the write. So whatever the journals of all nodes say of holds must
// have one order in which each begins where the one before it was over, and
// that order is the one of their epochs: that is what it means for the epochs to
// be linearizable, and what makes one a fencing token.
//
// Two things are not in a journal. When a hold ended that ended by itself: the
// gate was there, the daemon was not, and the entry was made afterwards, or
// never. And a hold itself, when the daemon was killed before its entry was on
// the disk. Neither makes a right history look wrong: of such a hold only the
// beginning counts, and one that is missing leaves a gap.

// tenure is one hold as a journal has it.
type tenure struct {
	node  string
	epoch uint64
	from  time.Time
	to    time.Time // when it was given up; zero: not known
}

// tenures reads the holds of the one group out of a journal.
func tenures(node string, events []api.Event) []tenure {
	var out []tenure
	open, late := false, false
	for _, e := range events {
		switch {
		case e.Group != groupName:
		case e.Code == "HF2022" || e.Code == "HF2026":
			late = true // the hold had ended before this entry
		case e.Kind != "transition":
		case e.To == "active":
			out = append(out, tenure{node: node, epoch: e.Epoch, from: e.Time})
			open, late = true, false
		case e.From == "active" && open && !late:
			out[len(out)-1].to = e.Time
			open = false
		default:
			// Late; or a process that began anew, and whose predecessor's hold
			// ended when nobody looked.
			open = false
		}
	}
	return out
}

// disorder lists what keeps the holds of all nodes from having been one after
// the other in the order of their epochs.
func disorder(holds []tenure) []string {
	var wrong []string
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	holds = slices.Clone(holds)
	slices.SortStableFunc(holds, func(a, b tenure) int {
		return cmp.Or(cmp.Compare(a.epoch, b.epoch), a.from.Compare(b.from))
	})
	for i, b := range holds {
		if b.epoch == 0 {
			say("%s held without an epoch", b)
		}
		if i == 0 {
			continue
		}
		a := holds[i-1]
		switch {
		// A node that calls its leave off, or goes on in a new process, has the
		// same lease still.
		case a.epoch == b.epoch && a.node != b.node:
			say("one epoch, two holds: %s and %s", a, b)
		case b.from.Before(a.from):
			say("the higher epoch began first: %s and %s", a, b)
		}
		// Not of the one before alone: of all that were over by then.
		for _, a := range holds[:i] {
			if a.to.After(b.from) {
				say("the higher epoch began before the lower one was given up: %s and %s", a, b)
			}
		}
	}
	return wrong
}

func (t tenure) String() string {
	const clock = "15:04:05.000000"
	to := "?"
	if !t.to.IsZero() {
		to = t.to.UTC().Format(clock)
	}
	return fmt.Sprintf("%s's epoch %d (%s to %s)", t.node, t.epoch, t.from.UTC().Format(clock), to)
}
