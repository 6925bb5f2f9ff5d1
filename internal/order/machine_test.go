package order

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// told is a machine with a clock, whose story is written down.
type told struct {
	t     *testing.T
	m     *Machine
	now   time.Time
	story []string
	save  uint64
}

func tell(t *testing.T, p Plan, b Book) *told {
	return &told{t: t, m: New("web", p, b), now: time.Unix(1000, 0)}
}

// give steps the machine and writes down what it wants.
func (x *told) give(ev Event) {
	for _, a := range x.m.Step(x.now, ev, nil) {
		switch a.Kind {
		case ActionSave:
			x.save = a.Serial
			var names []string
			for _, s := range a.Book.Begun {
				names = append(names, s.Name)
			}
			x.story = append(x.story, fmt.Sprintf("save %d [%s]", a.Book.Epoch, strings.Join(names, " ")))
		case ActionRun:
			x.story = append(x.story, fmt.Sprintf("%s %s as %s, epoch %d, %s", a.Run.Direction, a.Run.Step.Name, a.Run.Role, a.Run.Epoch, a.Run.Reason))
		case ActionKill:
			x.story = append(x.story, "kill")
		case ActionFinished:
			x.story = append(x.story, fmt.Sprintf("%s: %s", a.Outcome, a.Reason))
		}
	}
}

func (x *told) saved() { x.give(Saved(x.save, nil)) }

// pass lets the time come that the machine waits for.
func (x *told) pass() {
	x.t.Helper()
	d := x.m.Deadline()
	if d.IsZero() {
		x.t.Fatal("the machine waits for no time")
	}
	x.now = d
	x.give(Tick())
}

func (x *told) want(lines ...string) {
	x.t.Helper()
	if got := strings.Join(x.story, "\n"); got != strings.Join(lines, "\n") {
		x.t.Errorf("got:\n%s\nwant:\n%s", got, strings.Join(lines, "\n"))
	}
	x.story = nil
}

var two = Plan{Steps: []Step{{Name: "disk", Undo: true, TakeIn: 10 * time.Second}, {Name: "db", Undo: true}}, Ready: []string{"primary"}}

func TestMachine_TakesAndLeaves(t *testing.T) {
	x := tell(t, two, Book{Epoch: 6})
	x.give(Take("lb2 is gone", 0))
	x.want("save 7 [disk]")
	x.saved()
	x.want("take disk as active, epoch 7, lb2 is gone")
	x.give(StepDone(nil, ""))
	x.want("save 7 [disk db]")
	x.saved()
	x.give(ReadyNews("primary", true, "", x.now))
	x.want("take db as active, epoch 7, lb2 is gone")
	x.now = x.now.Add(time.Second)
	begun := x.now
	x.now = x.now.Add(time.Second)
	x.give(StepDone(nil, ""))
	// The result of a probe from before the step had ended says nothing.
	x.give(ReadyNews("primary", true, "", begun))
	x.want()
	x.give(ReadyNews("primary", false, "standby", x.now))
	x.want()
	x.give(ReadyNews("primary", true, "", x.now))
	x.want("took: 2 steps done, epoch 7, ready: primary")

	x.give(Leave("backup", "handover to lb2"))
	x.want("leave db as backup, epoch 7, handover to lb2")
	x.give(StepDone(nil, ""))
	x.give(StepDone(nil, ""))
	x.want("leave disk as backup, epoch 7, handover to lb2", "save 7 []", "left: handover to lb2")

	x.give(Take("lease", 90)) // a token from elsewhere
	x.want("save 90 [disk]")
}

func TestMachine_RollsBack(t *testing.T) {
	x := tell(t, two, Book{})
	x.give(Take("fun", 0))
	x.saved()
	x.give(StepDone(nil, ""))
	x.saved()
	x.story = nil
	x.give(StepDone(errors.New("exit status 3"), "no such database"))
	why := "db failed after 0s: exit status 3; it said: no such database"
	x.want("leave db as fault, epoch 1, " + why)
	x.give(StepDone(nil, ""))
	x.give(StepDone(nil, ""))
	x.want("leave disk as fault, epoch 1, "+why, "save 1 []", "failed: "+why)
}

func TestMachine_NotReady(t *testing.T) {
	x := tell(t, two, Book{})
	x.give(Take("fun", 0))
	for range 2 {
		x.saved()
		x.give(StepDone(nil, ""))
	}
	x.give(ReadyNews("primary", false, "it is a standby", x.now))
	x.story = nil
	x.pass()
	x.want("leave db as fault, epoch 1, not ready within 30s: check primary (it is a standby)")
}

func TestMachine_LateStep(t *testing.T) {
	x := tell(t, two, Book{})
	x.give(Take("fun", 0))
	x.saved()
	x.story = nil
	x.pass()
	x.want("kill")
	x.give(Leave("backup", "maintenance")) // it is killed once
	x.want()
	x.pass()
	x.want("stuck: disk did not end within 10s, was killed, and has not ended 5s later")
	x.give(Take("fun", 0))
	x.want("failed: what was taken before could not be undone yet")
	// It ends after all, and is undone; nobody has to ask.
	x.give(StepDone(nil, ""))
	x.give(StepDone(nil, ""))
	x.want("leave disk as backup, epoch 1, maintenance", "save 1 []", "left: maintenance")
}

func TestMachine_CalledOffWhileSaving(t *testing.T) {
	x := tell(t, two, Book{})
	x.give(Take("fun", 0))
	x.give(Leave("backup", "called back"))
	x.want("save 1 [disk]", "save 1 []", "left: called back")
	x.give(Saved(1, nil))
	x.want()
}

func TestMachine_TakeAfterLeave(t *testing.T) {
	x := tell(t, Plan{}, Book{Epoch: 3, Begun: []Step{{Name: "old", Undo: true}}})
	x.give(Take("fun", 0)) // nobody said Leave: what a crash left goes first all the same
	x.want("leave old as init, epoch 3, the daemon started")
	x.give(StepDone(nil, ""))
	x.want("save 3 []", "took: 0 steps done, epoch 4")
}

// A step that cannot be undone keeps those before it, but not what stands alone,
// and is tried again.
func TestMachine_Stuck(t *testing.T) {
	p := Plan{Steps: []Step{{Name: "disk", Undo: true}, {Name: "address", Undo: true, Alone: true}, {Name: "db", Undo: true}}}
	x := tell(t, p, Book{})
	x.give(Take("fun", 0))
	for range 3 {
		x.saved()
		x.give(StepDone(nil, ""))
	}
	x.give(Leave("backup", "fun"))
	x.story = nil
	x.give(StepDone(errors.New("exit status 1"), ""))
	x.want("leave address as backup, epoch 1, fun")
	x.give(StepDone(nil, ""))
	x.want("save 1 [disk db]", "stuck: db could not be undone: it failed after 0s: exit status 1")
	for _, pause := range []time.Duration{10 * time.Second, 20 * time.Second} {
		if got := x.m.Deadline().Sub(x.now); got != pause {
			t.Errorf("tried again after %s, wanted %s", got, pause)
		}
		x.pass()
		x.give(StepDone(errors.New("exit status 1"), ""))
		x.want("leave db as backup, epoch 1, fun") // and nothing is told twice
	}
	x.pass()
	x.give(StepDone(nil, ""))
	x.give(StepDone(nil, ""))
	x.want("leave db as backup, epoch 1, fun", "leave disk as backup, epoch 1, fun", "save 1 []", "left: fun")
}

func TestMachine_Question(t *testing.T) {
	x := tell(t, Plan{Steps: []Step{{Name: "ask", Again: time.Second, TakeIn: 5 * time.Second}}}, Book{})
	x.give(Take("fun", 0))
	x.saved()
	x.give(StepDone(errors.New("exit status 1"), "not yet"))
	x.pass()
	x.want("save 1 []", "take ask as active, epoch 1, fun", "take ask as active, epoch 1, fun")
	x.give(StepDone(nil, ""))
	x.want("took: 1 steps done, epoch 1")

	x.give(Leave("backup", "fun"))
	x.give(Take("fun", 0))
	x.saved()
	x.story = nil
	for range 4 {
		x.give(StepDone(errors.New("exit status 1"), "not yet"))
		x.pass()
	}
	x.story = nil
	x.give(StepDone(errors.New("exit status 1"), "not yet"))
	x.pass()
	x.want("failed: ask did not succeed within 5s: failed after 0s: exit status 1; it said: not yet")
}

// What is handed on to another process goes on where it was.
func TestMachine_Inherit(t *testing.T) {
	x := tell(t, two, Book{})
	if x.give(Take("fun", 0)); x.m.Still() {
		t.Error("a take under way can be handed on")
	}
	for range 2 {
		x.saved()
		x.give(StepDone(nil, ""))
	}
	x.give(ReadyNews("primary", true, "", x.now))
	x.m = Inherit("web", Plan{}, x.m.Estate())
	x.story = nil
	x.give(Tick())
	x.want()
	x.give(Leave("backup", "fun"))
	x.want("leave db as backup, epoch 1, fun")
	x.give(StepDone(errors.New("exit status 1"), ""))
	x.story = nil
	x.m = Inherit("web", Plan{}, x.m.Estate())
	x.give(Tick())
	x.give(StepDone(nil, ""))
	x.give(StepDone(nil, ""))
	if got := x.story[len(x.story)-1]; got != "left: the daemon started" {
		t.Errorf("got %s", got)
	}
}

// The epoch of another node is written down, and the next take goes beyond it.
func TestMachine_GoesBeyondOthersEpochs(t *testing.T) {
	x := tell(t, two, Book{Epoch: 6})
	x.give(Seen(6))
	x.want() // nothing new
	x.give(Seen(70))
	x.want("save 6 []")
	if e := x.m.Estate(); e.Book.Seen != 70 || x.m.Epoch() != 70 {
		t.Errorf("%+v", e.Book)
	}
	x.give(Take("lb2 is gone", 9)) // from a store that was wiped
	x.want("save 71 [disk]")
	x.give(Seen(80)) // while the book is being written: it is written once more
	x.want()
	x.saved()
	x.want("save 71 [disk]")
	x.saved()
	x.want("take disk as active, epoch 71, lb2 is gone")
}
