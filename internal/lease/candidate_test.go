package lease

import (
	"testing"
	"time"
)

// tenant is a candidate beside a shelf, and time moved by hand.
type tenant struct {
	*Candidate
	t     *testing.T
	now   Instant
	until Instant
	shelf *shelf
	asked []Query // not answered
	mute  bool    // the store does not answer
}

func newTenant(t *testing.T, s *shelf, at Instant, cfg Config) *tenant {
	t.Helper()
	if cfg.Instance == "" {
		cfg.Instance = cfg.Node + "/1"
	}
	cfg.Term = time.Second
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	n := &tenant{Candidate: c, t: t, now: at, shelf: s}
	n.feed(Tick())
	return n
}

// feed steps the candidate and answers what it asks.
func (n *tenant) feed(ev Event) {
	for queue := []Event{ev}; len(queue) > 0; queue = queue[1:] {
		for _, a := range n.Step(n.now, queue[0], nil) {
			switch {
			case a.Kind == ActionHold:
				n.until = a.Until
			case a.Kind != ActionQuery:
			case n.mute:
				n.asked = append(n.asked, a.Query)
			default:
				if reply, ok := n.shelf.answer(a.Query); ok {
					queue = append(queue, Answered(reply))
				}
			}
		}
	}
}

// pass lets time pass, with a tick at each deadline.
func (n *tenant) pass(d time.Duration) {
	for end := n.now.Add(d); ; n.feed(Tick()) {
		if at := n.Deadline(); at > end {
			n.now = end
			return
		} else if at > n.now {
			n.now = at
		}
	}
}

func (n *tenant) holds() bool { return n.now < n.until }

// answer is what the shelf says.
func (s *shelf) answer(q Query) (Answer, bool) {
	a := Answer{Kind: q.Kind, Serial: q.Serial}
	switch {
	case q.Kind == Watch:
		return a, false
	case q.Kind == Swap && (q.If.Revision == s.found().Revision || q.If.After != nil && *q.If.After == s.record):
		s.put(q.Record)
		a.OK = true
	}
	a.Found = s.found()
	return a, true
}

func (s *shelf) found() Found { return Found{Revision: s.revision, Record: s.record} }

func (s *shelf) put(r Record) { s.record, s.revision = r, s.revision+"+" }

// holder gives a candidate that holds.
func holder(t *testing.T, s *shelf, cfg Config) *tenant {
	t.Helper()
	n := newTenant(t, s, begun, cfg)
	n.feed(Want(100))
	if n.pass(2 * time.Second); !n.holds() {
		t.Fatalf("it does not hold: %+v", s.record)
	}
	return n
}

const begun = Instant(time.Hour)

func empty() *shelf { return &shelf{revision: Absent} }

// Where nothing is, nobody believes that nobody holds before a term is over.
func TestCandidate_WaitsWhereNothingIs(t *testing.T) {
	n := newTenant(t, empty(), begun, Config{Node: "a"})
	n.feed(Want(255))
	n.pass(time.Second - time.Millisecond)
	if n.holds() || !n.shelf.record.Anew {
		t.Errorf("it holds: %t; the record is %+v", n.holds(), n.shelf.record)
	}
	n.pass(2 * time.Millisecond)
	if !n.holds() || n.shelf.record.Epoch != 1 || n.Epoch() != 1 {
		t.Errorf("it holds: %t; the record is %+v", n.holds(), n.shelf.record)
	}
}

// A hold lasts from when the renewal was asked for, whenever it is answered.
func TestCandidate_CountsFromTheQuestion(t *testing.T) {
	n := holder(t, empty(), Config{Node: "a"})
	n.mute = true
	n.pass(pace(time.Second))
	if len(n.asked) != 1 {
		t.Fatalf("%d renewals are on their way", len(n.asked))
	}
	sent := n.renewAt.Add(-pace(time.Second))
	n.now = n.now.Add(200 * time.Millisecond)
	reply, _ := n.shelf.answer(n.asked[0])
	n.feed(Answered(reply))
	if want := sent.Add(counted(time.Second)); n.until != want {
		t.Errorf("it holds until %s after the question, want %s", n.until.Sub(sent), want.Sub(sent))
	}
}

// Without answers the hold ends, renewals do not pile up, and the next hold has
// another epoch.
func TestCandidate_LapsesWithoutTheStore(t *testing.T) {
	n := holder(t, empty(), Config{Node: "a"})
	until := n.until
	n.mute = true
	n.pass(10 * time.Second)
	if n.holds() || n.until != 0 || until == 0 {
		t.Error("it holds on")
	}
	if len(n.asked) > 60 {
		t.Errorf("%d questions in ten terms", len(n.asked))
	}
	n.mute = false
	n.pass(5 * time.Second)
	if !n.holds() || n.Epoch() != 2 {
		t.Errorf("it holds: %t, epoch %d", n.holds(), n.Epoch())
	}
}

// An answer that comes after the lease was given back opens nothing.
func TestCandidate_WhatIsGivenBackIsOver(t *testing.T) {
	n := holder(t, empty(), Config{Node: "a"})
	n.mute = true
	n.pass(pace(time.Second))
	n.feed(Release())
	if n.holds() {
		t.Error("it holds what it gave back")
	}
	reply, _ := n.shelf.answer(n.asked[0])
	n.feed(Answered(reply))
	if n.until != 0 {
		t.Error("a late answer has opened it again")
	}
}

// A claim that is on its way when the node is barred opens nothing: what says
// that it does not hold may be on its way, too.
func TestCandidate_ABarredClaimOpensNothing(t *testing.T) {
	n := holder(t, empty(), Config{Node: "a", Failures: 1, BarredFor: time.Minute})
	n.mute = true
	n.pass(n.until.Sub(n.now))
	claim := len(n.asked) - 1
	if last := n.asked[claim].Record; last.Holder != "a" || last.Epoch != 2 {
		t.Fatalf("it asks %+v", n.asked)
	}
	n.feed(Failed())
	if last := n.asked[len(n.asked)-1]; last.Kind != Swap || last.Record.Holder != "" {
		t.Fatalf("it asks %+v", n.asked)
	}
	for _, q := range n.asked[:claim+1] {
		if reply, _ := n.shelf.answer(q); reply.OK {
			n.feed(Answered(reply))
		}
	}
	if n.shelf.record.Epoch != 2 || n.holds() {
		t.Errorf("a node that is barred holds: %t; the record is %+v", n.holds(), n.shelf.record)
	}
}

// A successor that is named claims at once; the others let it for a term.
func TestCandidate_TheOneThatIsNamed(t *testing.T) {
	s := empty()
	a := holder(t, s, Config{Node: "a"})
	b, c := newTenant(t, s, a.now, Config{Node: "b"}), newTenant(t, s, a.now, Config{Node: "c"})
	b.feed(Want(50))
	c.feed(Want(250))
	a.feed(Choose("b"))
	if s.record.Holder != "" || s.record.Next != "b" {
		t.Fatalf("the record is %+v", s.record)
	}
	c.feed(Changed(s.found()))
	c.pass(time.Second - time.Millisecond)
	if c.holds() {
		t.Error("the other one did not wait")
	}
	b.feed(Changed(s.found()))
	if !b.holds() || !s.record.Chosen || s.record.Epoch != 2 {
		t.Errorf("b holds: %t; the record is %+v", b.holds(), s.record)
	}
}

// A node with a higher priority asks; with what the holder has for being it,
// it does not; and nobody asks the one that an operator chose.
func TestCandidate_Asks(t *testing.T) {
	for _, tt := range []struct {
		name             string
		sticky, priority int
		chosen, asks     bool
	}{
		{"higher", 0, 150, false, true},
		{"equal", 0, 100, false, false},
		{"not by enough", 60, 150, false, false},
		{"chosen", 0, 250, true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := empty()
			a := holder(t, s, Config{Node: "a", Stickiness: tt.sticky})
			if tt.chosen {
				s.record.Chosen = true
				s.put(s.record)
			}
			b := newTenant(t, s, a.now, Config{Node: "b", Preempt: true})
			b.feed(Want(tt.priority))
			if asks := s.record.Ask != nil; asks != tt.asks {
				t.Errorf("it asks: %t", asks)
			}
		})
	}
}

// What an earlier process on this machine held, the next one takes at once.
func TestCandidate_TakesWhatItsPlaceHeld(t *testing.T) {
	s := empty()
	a := holder(t, s, Config{Node: "a", Place: "here"})
	again := newTenant(t, s, a.now, Config{Node: "a", Instance: "a/2", Place: "here"})
	again.feed(Want(100))
	if !again.holds() || s.record.Epoch != 2 {
		t.Errorf("it holds: %t; the record is %+v", again.holds(), s.record)
	}
	copied := newTenant(t, s, a.now, Config{Node: "a", Instance: "a/3", Place: "there"})
	if copied.feed(Want(100)); copied.holds() {
		t.Error("another machine took it")
	}
}

// A term that is made shorter ends the hold sooner from then on.
func TestCandidate_ReconfiguresItsTerm(t *testing.T) {
	n := holder(t, empty(), Config{Node: "a"})
	n.mute = true
	out, err := n.Reconfigure(n.now, Config{Term: 300 * time.Millisecond}, nil)
	if err != nil || len(out) == 0 || out[0].Kind != ActionHold || out[0].Until > n.now.Add(counted(300*time.Millisecond)) {
		t.Errorf("it does %+v, %v", out, err)
	}
}

// The next process of an upgrade goes on with the hold, and renews it.
func TestCandidate_Inherits(t *testing.T) {
	s := empty()
	a := holder(t, s, Config{Node: "a"})
	heir := newTenant(t, s, a.now, Config{Node: "a", Instance: "a/2"})
	heir.Candidate, _ = New(Config{Node: "a", Instance: "a/2", Term: time.Second})
	heir.Inherit(a.Estate())
	heir.until = a.until
	heir.pass(10 * time.Second)
	if !heir.holds() || s.record.Epoch != 1 || s.record.Instance != "a/1" {
		t.Errorf("it holds: %t; the record is %+v", heir.holds(), s.record)
	}
}

func TestParse(t *testing.T) {
	r := Record{Format: 1, Holder: "a", Instance: "x", Epoch: 3, Renewal: 9, Term: time.Second, Priority: 100, Ask: &Ask{"b", 150}}
	got, err := Parse(r.Append(nil))
	if err != nil || got.Ask == nil || *got.Ask != *r.Ask || string(got.Append(nil)) != string(r.Append(nil)) {
		t.Errorf("%+v, %v", got, err)
	}
	for _, bad := range []string{``, `{}`, `{"format":2,"instance":"x","term_ns":1000000000}`, `{"format":1,"instance":"x","term_ns":1}`, `{"format":1,"term_ns":1000000000}`} {
		if _, err := Parse([]byte(bad)); err == nil {
			t.Errorf("%s is read", bad)
		}
	}
}
