package lease

import (
	"slices"
	"testing"
	"time"
)

// shelf is a store with one record and no delay.
type shelf struct {
	record   Record
	revision Revision
}

// drive steps a candidate until the store has nothing left to answer.
func (s *shelf) drive(c *Candidate, now Instant, ev Event) {
	for queue := []Event{ev}; len(queue) > 0; queue = queue[1:] {
		for _, a := range c.Step(now, queue[0], nil) {
			if a.Kind != ActionQuery || a.Query.Kind == Watch {
				continue
			}
			answer := Answer{Kind: a.Query.Kind, Serial: a.Query.Serial, OK: true}
			if a.Query.Kind == Swap {
				if answer.OK = a.Query.If.Revision == s.revision || a.Query.If.After != nil && *a.Query.If.After == s.record; answer.OK {
					s.record, s.revision = a.Query.Record, s.revision+"+"
				}
			}
			answer.Found = Found{Record: s.record, Revision: s.revision}
			queue = append(queue, Answered(answer))
		}
	}
}

func fencing(t *testing.T, node string) *Candidate {
	t.Helper()
	c, err := New(Config{Node: node, Instance: node + "-1", Term: time.Second, Fences: true})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A holder that runs out is owed for by whoever claims after it, also when that
// one dies before it has settled it.
func TestCandidate_NobodyForgetsWhoRanOut(t *testing.T) {
	s := &shelf{revision: Absent}
	now := Instant(time.Hour)
	hold := func(c *Candidate, owed ...string) {
		t.Helper()
		s.drive(c, now, Tick()) // what it held has run out
		for end := now.Add(10 * time.Second); c.Epoch() == 0 && now < end; now = now.Add(50 * time.Millisecond) {
			s.drive(c, now, Want(100))
		}
		if s.record.Holder != c.cfg.Node || !slices.Equal(c.Owed(), owed) {
			t.Fatalf("%s: the record is %+v, it owes %q, and should owe %q", c.cfg.Node, s.record, c.Owed(), owed)
		}
	}
	runOut := func() { now = now.Add(3 * time.Second) }

	a, b, c := fencing(t, "a"), fencing(t, "b"), fencing(t, "c")
	s.drive(b, now, Tick())
	hold(a)
	s.drive(a, now, Release())
	hold(b) // a has given it back
	runOut()
	hold(c, "b")
	runOut()
	a = fencing(t, "a")
	hold(a, "b", "c")
	s.drive(a, now, Settled("b"))
	if !slices.Equal(a.Owed(), []string{"c"}) || s.record.Owed != "c" {
		t.Fatalf("the record is %+v", s.record)
	}
	runOut()
	hold(c, "a") // it is there itself, and has undone what it had begun
	s.drive(c, now, Settled("a"))
	s.drive(c, now, Release())
	hold(fencing(t, "b"))
}
