package bfd

import "fmt"

// ActionKind names what the caller has to do.
type ActionKind uint8

const (
	ActionSend       ActionKind = iota // send Control, now (Session.AppendPacket encodes it)
	ActionTransition                   // the state changed From → To because of Reason
)

// Action is one output of Step. Carry actions out in the order given.
type Action struct {
	Kind     ActionKind
	Control  Control // with ActionSend
	From, To State
	Reason   Reason
	Diag     Diag // ours, as the neighbour is told
	PeerDiag Diag // the neighbour's, as last heard
}

// Reason says why a transition happened, in words users see.
type Reason uint8

const (
	ReasonNone               Reason = iota
	ReasonEnabled                   // our operator enabled the session
	ReasonDisabled                  // our operator disabled it
	ReasonHeard                     // the neighbour is heard
	ReasonExpired                   // nothing was heard for the Detection Time
	ReasonNeighbourDown             // the neighbour does not hear us, or has started anew
	ReasonNeighbourAdminDown        // the neighbour's operator disabled it
)

var actionNames = [...]string{"send", "transition"}

var reasonNames = [...]string{
	ReasonNone:               "no reason",
	ReasonEnabled:            "enabled",
	ReasonDisabled:           "disabled",
	ReasonHeard:              "the neighbour is heard",
	ReasonExpired:            "detection time expired",
	ReasonNeighbourDown:      "the neighbour signalled down",
	ReasonNeighbourAdminDown: "the neighbour is administratively down",
}

// Lost says that the neighbour was reachable and is not any more.
func (a Action) Lost() bool { return a.Kind == ActionTransition && a.From == Up }

// Up says that the neighbour is reachable from now on.
func (a Action) Up() bool { return a.Kind == ActionTransition && a.To == Up }

// String gives one lower case word.
func (k ActionKind) String() string { return name(actionNames[:], int(k), "action") }

// String gives a short lower case clause.
func (r Reason) String() string { return name(reasonNames[:], int(r), "reason") }

// String gives the action as a transcript shows it, such as
// "up -> down: detection time expired".
func (a Action) String() string {
	switch a.Kind {
	case ActionSend:
		return "send " + a.Control.String()
	case ActionTransition:
		return fmt.Sprintf("%s -> %s: %s", a.From, a.To, a.Reason)
	}
	return a.Kind.String()
}
