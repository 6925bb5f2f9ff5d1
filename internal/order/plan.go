package order

import (
	"encoding/json"
	"slices"
	"time"
)

// Plan is what a group takes and leaves.
type Plan struct {
	Steps []Step
	// Ready are checks that have to pass after the last step, each at least
	// once with a probe that began after that step had ended.
	Ready []string
	// Within is how long they have; 0 means DefaultTimeout.
	Within time.Duration
}

// Step is one thing to do, and to undo.
type Step struct {
	// Name is what people read: "unit postgresql.service".
	Name string `json:"name"`
	// Spec says what it is to whoever runs it. It means nothing here.
	Spec json.RawMessage `json:"spec,omitempty"`
	// TakeIn and LeaveIn are how long it may take to do and to undo it; 0
	// means DefaultTimeout.
	TakeIn  time.Duration `json:"take_in,omitempty"`
	LeaveIn time.Duration `json:"leave_in,omitempty"`
	// Again makes the step a question: it is run until it succeeds, with this
	// pause between, for TakeIn in all.
	Again time.Duration `json:"again,omitempty"`
	// Undo says that there is something to undo.
	Undo bool `json:"undo,omitempty"`
	// Alone says that nothing after this step stands on it: it is undone even
	// where one after it could not be.
	Alone bool `json:"alone,omitempty"`
}

const (
	// DefaultTimeout is how long a step, or the ready checks, may take.
	DefaultTimeout = 30 * time.Second
	// Grace is how long a step that was killed may take to end, before it
	// counts as one that hangs.
	Grace = 5 * time.Second
	// The pause before another attempt to undo what could not be undone grows
	// from retryFirst to retryLast.
	retryFirst = 10 * time.Second
	retryLast  = 5 * time.Minute
)

func orDefault(d time.Duration) time.Duration {
	if d <= 0 {
		return DefaultTimeout
	}
	return d
}

func (s *Step) within(d Direction) time.Duration {
	if d == Leaving {
		return orDefault(s.LeaveIn)
	}
	return orDefault(s.TakeIn)
}

// Book is what must survive a crash: which steps were begun and are not undone,
// in the order in which they were begun, and the epoch of the last take.
type Book struct {
	Epoch uint64 `json:"epoch"`
	// Seen is the highest epoch of another node that was heard of. The next
	// take here goes beyond it, also where those who knew it have forgotten: a
	// store that was wiped, or brought back from a backup.
	Seen  uint64 `json:"seen,omitempty"`
	Begun []Step `json:"begun,omitempty"`
}

// Highest is the highest epoch that is known of.
func (b Book) Highest() uint64 { return max(b.Epoch, b.Seen) }

func (b Book) clone() Book {
	b.Begun = slices.Clone(b.Begun)
	return b
}

// Direction is which way a step is run.
type Direction uint8

const (
	Taking  Direction = iota // done: promote
	Leaving                  // undone: demote
)

func (d Direction) String() string {
	if d == Leaving {
		return "leave"
	}
	return "take"
}

// Outcome is how a take or a leave ended.
type Outcome uint8

const (
	Took   Outcome = iota // all steps are done, the checks pass
	Failed                // it was not to be taken, and nothing of it is left
	Left                  // nothing is left of what was taken
	Stuck                 // something is left that could not be undone, or does not end
)

func (o Outcome) String() string { return [...]string{"took", "failed", "left", "stuck"}[o] }

// Leaving is how long it may take until all steps are undone, or are stuck.
func (p Plan) Leaving() time.Duration {
	var sum time.Duration
	for i := range p.Steps {
		if s := &p.Steps[i]; s.Undo {
			sum += s.within(Leaving) + Grace
		}
	}
	return sum
}
