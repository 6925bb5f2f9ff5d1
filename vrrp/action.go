package vrrp

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// ActionKind names what the caller has to do.
type ActionKind uint8

const (
	ActionSend       ActionKind = iota // send an advert with Priority, now (AppendAdvert encodes it)
	ActionAsk                          // the router would become Active: answer with Grant when it may
	ActionTransition                   // the state changed From → To because of Reason
	ActionReport                       // something a person should know (Notice, Peer, ...)
)

// Action is one output of Step. Carry actions out in the order given.
type Action struct {
	Kind         ActionKind
	Priority     uint8
	From, To     State
	Reason       Reason
	Notice       Notice
	Peer         netip.Addr // sender that caused it, if any
	PeerPriority uint8
	Drop         Drop          // with a Notice about a packet that was discarded
	Got, Want    time.Duration // with NoticeInterval and NoticeIntervalBounded
}

// Reason says why a transition happened, in words users see.
type Reason uint8

const (
	ReasonNone           Reason = iota
	ReasonStartup               // started
	ReasonOwner                 // started as the owner of the addresses (priority 255)
	ReasonMasterDown            // no advert within the Active_Down_Interval
	ReasonPeerLeft              // the Active said priority 0 and its skew time has passed
	ReasonPreempt               // preempted a lower priority Active
	ReasonHigherPriority        // heard an Active with a higher priority
	ReasonHigherAddress         // equal priority, heard a higher address
	ReasonYield                 // asked to give up
	ReasonShutdown              // shut down
	ReasonGranted               // told to take over (a handover named this node)
	ReasonLapsed                // was silent for longer than its peers wait
)

var actionNames = [...]string{"send", "ask", "transition", "report"}

var reasonNames = [...]string{
	ReasonNone:           "no reason",
	ReasonStartup:        "started",
	ReasonOwner:          "started as the owner of the addresses",
	ReasonMasterDown:     "no active node was heard",
	ReasonPeerLeft:       "the active node left",
	ReasonPreempt:        "the active node has a lower priority",
	ReasonHigherPriority: "another active node has a higher priority",
	ReasonHigherAddress:  "an active node of equal priority has a higher address",
	ReasonYield:          "gave the addresses up on request",
	ReasonShutdown:       "shut down",
	ReasonGranted:        "took over on request",
	ReasonLapsed:         "this node was silent for longer than its peers wait",
}

// String gives one lower case word.
func (k ActionKind) String() string { return name(actionNames[:], int(k), "action") }

// String gives a short lower case clause.
func (r Reason) String() string { return name(reasonNames[:], int(r), "reason") }

// String gives the action as a transcript shows it, such as
// "send priority 150" or "backup -> active: no active node was heard".
func (a Action) String() string {
	var b strings.Builder
	switch a.Kind {
	case ActionSend:
		fmt.Fprintf(&b, "send priority %d", a.Priority)
		return b.String()
	case ActionAsk:
		fmt.Fprintf(&b, "ask: %s", a.Reason)
	case ActionTransition:
		fmt.Fprintf(&b, "%s -> %s: %s", a.From, a.To, a.Reason)
	case ActionReport:
		fmt.Fprintf(&b, "report: %s", a.Notice)
		if a.Drop != DropNone {
			fmt.Fprintf(&b, ": %s", a.Drop)
		}
		if a.Got != 0 || a.Want != 0 {
			fmt.Fprintf(&b, ", %s instead of %s", a.Got, a.Want)
		}
	default:
		return a.Kind.String()
	}
	if a.Peer.IsValid() {
		fmt.Fprintf(&b, " (%s priority %d)", a.Peer, a.PeerPriority)
	}
	return b.String()
}
