package order

import (
	"time"
)

// EventKind names what happened.
type EventKind uint8

const (
	EventTick     EventKind = iota // the deadline may have been reached
	EventTake                      // take, because of Reason, with Epoch
	EventLeave                     // leave and become Role, because of Reason
	EventSaved                     // the book of ActionSave Serial is on disk, or is not because of Err
	EventStepDone                  // the step that runs has ended, failed with Err, and said Output
	EventSeen                      // another node has taken with Epoch
	EventReady                     // a probe of Check that began at Begun passed (Up), or did not because of Reason
)

// Event is one input of [Machine.Step]. Use the constructors.
type Event struct {
	Kind   EventKind
	Role   string
	Reason string
	Epoch  uint64
	Serial uint64
	Check  string
	Up     bool
	Begun  time.Time
	Output string
	Err    error
}

func Tick() Event { return Event{Kind: EventTick} }

// Take asks for all steps. The take has the given epoch, or the next one of this
// node where that is greater; 0 asks for that one.
func Take(reason string, epoch uint64) Event {
	return Event{Kind: EventTake, Reason: reason, Epoch: epoch}
}

// Seen tells that another node has taken with an epoch.
func Seen(epoch uint64) Event { return Event{Kind: EventSeen, Epoch: epoch} }

// Leave asks for all that was begun to be undone. It also calls off a take that
// is under way: the step that runs is killed. role is what the group becomes:
// backup, fault or init.
func Leave(role, reason string) Event {
	return Event{Kind: EventLeave, Role: role, Reason: reason}
}

// Saved answers an ActionSave.
func Saved(serial uint64, err error) Event {
	return Event{Kind: EventSaved, Serial: serial, Err: err}
}

// StepDone answers an ActionRun. output is for the journal.
func StepDone(err error, output string) Event {
	return Event{Kind: EventStepDone, Err: err, Output: output}
}

// ReadyNews tells the result of one probe of a check, and when that probe began.
// Give every result, not only those that changed something: one from before the
// last step says nothing of what the step did.
func ReadyNews(check string, up bool, why string, begun time.Time) Event {
	return Event{Kind: EventReady, Check: check, Up: up, Reason: why, Begun: begun}
}

// ActionKind names what the caller has to do.
type ActionKind uint8

const (
	ActionSave     ActionKind = iota // write Book to disk, answer Saved(Serial)
	ActionRun                        // run Run, answer StepDone
	ActionKill                       // kill what runs; StepDone follows when it has ended
	ActionFinished                   // Outcome because of Reason, at Epoch
	ActionRecord                     // journal Code and Reason
)

// Action is one output of [Machine.Step].
type Action struct {
	Kind    ActionKind
	Run     Run
	Serial  uint64
	Book    Book
	Outcome Outcome
	Epoch   uint64
	Code    string
	Reason  string
}

// Run is a step to run, and what it is told.
type Run struct {
	Step      Step
	Direction Direction
	Group     string
	Role      string // active when taking, else what the group becomes
	Reason    string
	Epoch     uint64
	Deadline  time.Time // the machine kills it then
}

// Codes of what is recorded.
const (
	CodeDone   = "HF2810" // a step was done
	CodeFailed = "HF2811" // a step failed or was late, or a check did not pass: what was begun is undone
	CodeUndone = "HF2812" // a step was undone
	CodeStuck  = "HF2813" // a step could not be undone, or does not end though it was killed
	CodeReady  = "HF2814" // everything is done, and the checks pass
	CodeStray  = "HF2815" // a step that a dead process had begun still ran, and was killed
)
