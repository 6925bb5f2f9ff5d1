package fence

import "time"

// EventKind names what happened.
type EventKind uint8

const (
	EventTick    EventKind = iota
	EventWant              // Who wants Node fenced, because of Text
	EventDrop              // Who does not want anything any more
	EventRan               // the agent of Run has ended: OK, Text
	EventConfirm           // the operator Who has seen to it that Node is off
	EventSeen              // Node was heard: what was done to it is over
)

// Event is one input of [Fencer.Step]. Use the constructors.
type Event struct {
	Kind  EventKind
	Node  string
	Who   string
	Text  string
	Run   uint64
	OK    bool
	Holds bool // this node holds something
	Now   bool // without a delay
}

func Tick() Event { return Event{Kind: EventTick} }

// Want asks for a node to be fenced, for a group. holds says whether this node
// holds something that the other one may want to take.
func Want(node, group, why string, holds bool) Event {
	return Event{Kind: EventWant, Node: node, Who: group, Text: why, Holds: holds}
}

// Demand is an operator's wish: at once, and also where the node was fenced
// already.
func Demand(node, who, why string) Event {
	return Event{Kind: EventWant, Node: node, Who: who, Text: why, Now: true}
}

func Drop(who string) Event { return Event{Kind: EventDrop, Who: who} }

// Ran says how a run of an agent ended.
func Ran(run uint64, ok bool, text string) Event {
	return Event{Kind: EventRan, Run: run, OK: ok, Text: text}
}

// Confirm is a person's word that a node is off.
func Confirm(node, who string) Event { return Event{Kind: EventConfirm, Node: node, Who: who} }

// Seen says that a node was heard again.
func Seen(node string) Event { return Event{Kind: EventSeen, Node: node} }

// ActionKind names what the caller has to do.
type ActionKind uint8

const (
	ActionRun    ActionKind = iota // run the agent of Device with Op for Node; answer with Ran
	ActionKill                     // end the agent of Run
	ActionDone                     // tell Who that Node is fenced (OK), or that a round through its levels was in vain
	ActionRecord                   // for the journal: Code, Text
)

// Action is one output of [Fencer.Step].
type Action struct {
	Kind    ActionKind
	Node    string
	Who     string
	Device  string
	Op      Op
	Run     uint64
	Timeout time.Duration
	OK      bool
	Code    string
	Text    string
}

// Codes of what is recorded.
const (
	CodeBegun     = "HF2201"
	CodeFenced    = "HF2202"
	CodeFailed    = "HF2203"
	CodeConfirmed = "HF2204"
	CodeAgent     = "HF2205"
)
