package lease

// EventKind names what happened.
type EventKind uint8

const (
	EventTick     EventKind = iota // the deadline may have been reached
	EventWant                      // this node is fit and would hold, with Priority; again when that changes
	EventRelease                   // it would not any more, and its gate is closed: for Next, Chosen by an operator
	EventForsake                   // it would not any more, and cannot say that it let go: the lease runs out
	EventAnswer                    // the store answered
	EventChanged                   // the store tells of a change: Answer.Found
	EventFailed                    // what this node held had to go because of a fault here
	EventForgiven                  // an operator forgets those faults
	EventSettled                   // the node Next, which is owed, was fenced or has let go
	EventWindow                    // asking another node to hand over is allowed, or not: Open
)

// Event is one input of [Candidate.Step]. Use the constructors.
type Event struct {
	Kind     EventKind
	Priority int
	Next     string
	Chosen   bool
	Open     bool
	Answer   Answer
}

// Tick says that a deadline may have been reached.
func Tick() Event { return Event{Kind: EventTick} }

// Want says that this node would hold, with a priority of 0 to 255.
func Want(priority int) Event { return Event{Kind: EventWant, Priority: priority} }

// Release gives the hold, or the wish for one, back. The gate must be closed.
func Release() Event { return Event{Kind: EventRelease} }

// Bequeath gives it back for a node that is to be next: where an operator
// chose it, nobody asks it to hand over.
func Bequeath(to string) Event { return Event{Kind: EventRelease, Next: to} }

// Choose is Bequeath by an operator's wish.
func Choose(to string) Event { return Event{Kind: EventRelease, Next: to, Chosen: true} }

// Forsake ends the wish of a node that could not let go of everything: what it
// has is not renewed, and not given back.
func Forsake() Event { return Event{Kind: EventForsake} }

// Answered gives the store's answer to a query.
func Answered(a Answer) Event { return Event{Kind: EventAnswer, Answer: a} }

// Changed tells what a watch has seen.
func Changed(f Found) Event { return Event{Kind: EventChanged, Answer: Answer{Found: f}} }

// Failed counts a fault of this node.
func Failed() Event { return Event{Kind: EventFailed} }

// Forgiven forgets the faults.
func Forgiven() Event { return Event{Kind: EventForgiven} }

// Settled says that a node is not owed any more. See Config.Fences.
func Settled(node string) Event { return Event{Kind: EventSettled, Next: node} }

// WindowOpens and WindowCloses say whether this node may ask another one to
// hand over at this time of day.
func WindowOpens() Event { return Event{Kind: EventWindow, Open: true} }

func WindowCloses() Event { return Event{Kind: EventWindow} }

// ActionKind names what the caller has to do.
type ActionKind uint8

const (
	// ActionHold says until when this node may hold: no longer, whatever
	// happens. Zero is over. Epoch is the hold's.
	ActionHold ActionKind = iota
	// ActionQuery asks the store.
	ActionQuery
	// ActionAsked says that Node, with Priority, would rather hold: the holder
	// may hand over to it.
	ActionAsked
)

// Action is one output of [Candidate.Step].
type Action struct {
	Kind     ActionKind
	Until    Instant
	Epoch    uint64
	Query    Query
	Node     string
	Priority int
}
