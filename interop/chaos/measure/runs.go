package measure

import (
	"slices"
	"time"
)

const (
	// Patience is how long a question may wait for its answer. It is shorter
	// than the time after which a probe's number is used again.
	Patience = 12 * time.Millisecond
	// Blind is how long a node may go without a question and still be taken
	// to answer in between.
	Blind = 50 * time.Millisecond
	// Together is how far apart two answers to one question may be to prove
	// that both nodes answered at the same time.
	Together = 500 * time.Microsecond
)

// Span is a closed stretch of time.
type Span struct{ From, To time.Duration }

// Length of the stretch.
func (s Span) Length() time.Duration { return s.To - s.From }

// Run is a stretch throughout which a node answered.
type Run struct {
	Span
	Answers int
}

// Runs finds when a node answered.
func (r Recording) Runs(node string) []Run {
	var runs []Run
	open := false
	var last time.Duration // when the node was last asked, or spoke
	for _, f := range r.facts(node) {
		if f.at-last > Blind {
			open = false
		}
		last = f.at
		switch {
		case f.what == silence:
			open = false
		case open:
			run := &runs[len(runs)-1]
			run.To = f.at
			run.Answers++
		default:
			runs = append(runs, Run{Span: Span{f.at, f.at}, Answers: 1})
			// A claim out of silence says nothing about what comes after it.
			open = f.what == answer
		}
	}
	return runs
}

// fact is one thing that a node did or failed to do, at its instant.
type fact struct {
	at    time.Duration
	what  deed
	probe uint32 // of an answer
}

type deed uint8

const (
	silence deed = iota // a question that got no answer; its instant is that of the question
	answer
	claim
)

// facts pairs the questions with their answers.
func (r Recording) facts(node string) []fact {
	var facts []fact
	open := make(map[uint32]int) // probe to its fact
	for _, s := range r.of(node) {
		switch s.Kind {
		case Asked:
			open[s.Probe] = len(facts)
			facts = append(facts, fact{s.At, silence, s.Probe})
		case Answered:
			i, known := open[s.Probe]
			if known && s.At-facts[i].at <= Patience {
				facts[i] = fact{s.At, answer, s.Probe}
				delete(open, s.Probe)
				continue
			}
			// To a question that the node got by another way, or too late to
			// tell which: it is a claim at this instant.
			facts = append(facts, fact{at: s.At, what: claim})
		case Claimed:
			facts = append(facts, fact{at: s.At, what: claim})
		}
	}
	slices.SortStableFunc(facts, func(a, b fact) int { return int(a.at - b.at) })
	return facts
}
