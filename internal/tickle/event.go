package tickle

import (
	"net/netip"
	"time"
)

// EventKind is what happened.
type EventKind uint8

const (
	eventTick EventKind = iota
	eventHeld
	eventLeft
	eventListed
	eventHeard
	eventAnswered
	eventEnded
	eventStopping
)

// Event is one thing that happened. Make one with the functions below.
type Event struct {
	kind    EventKind
	addr    netip.Addr
	iface   string
	conns   []Connection
	took    time.Duration
	err     error
	data    []byte
	answers []Answer
	count   int
}

// Answer is what a client said of a connection.
type Answer struct {
	Connection
	Ack uint32 // what it expects next: the number that a reset must have
	New bool   // it opens the connection: there is another one by that name
}

// Tick is that the Deadline has come.
func Tick() Event { return Event{kind: eventTick} }

// Held is that an address answers on this node from now on.
func Held(a netip.Addr) Event { return Event{kind: eventHeld, addr: a} }

// Left is that it does not any more.
func Left(a netip.Addr) Event { return Event{kind: eventLeft, addr: a} }

// Listed answers ActionList: what connections there are, and how long it took
// to find out.
func Listed(conns []Connection, took time.Duration, err error) Event {
	return Event{kind: eventListed, conns: conns, took: took, err: err}
}

// Heard is a datagram that arrived on an interface.
func Heard(iface string, data []byte) Event {
	return Event{kind: eventHeard, iface: iface, data: data}
}

// Answered is what clients said.
func Answered(answers []Answer) Event { return Event{kind: eventAnswered, answers: answers} }

// Ended answers ActionEnd: how many connections were ended.
func Ended(a netip.Addr, count int, err error) Event {
	return Event{kind: eventEnded, addr: a, count: count, err: err}
}

// Stopping is that nothing follows: what would be done later is done now.
func Stopping() Event { return Event{kind: eventStopping} }

// ActionKind is what is to be done.
type ActionKind uint8

const (
	ActionList    ActionKind = iota // list the connections of Addrs, and say Listed
	ActionSend                      // send Data to the other nodes of the group of Addr
	ActionPoke                      // send an ACK for each of Conns
	ActionReset                     // reset Conns[0] with the number Seq, unless this machine has such a connection
	ActionWatch                     // look on Interface for what clients say of the connections of Addrs, and say Answered
	ActionUnwatch                   // stop it
	ActionEnd                       // end this machine's own connections of Addr, and say Ended
	ActionRecord                    // tell people Reason, about Group
)

// Action is one thing to do.
type Action struct {
	Kind      ActionKind
	Addr      netip.Addr
	Addrs     []netip.Addr
	Interface string
	Data      []byte
	Conns     []Connection
	Seq       uint32
	Group     string
	Code      string
	Reason    string
}

// Codes of records.
const (
	CodeReset = "HF2910" // clients of the holder before were told
	CodeEnded = "HF2911" // connections that another node's clients do not have any more were ended
	CodeList  = "HF2912" // connections cannot be listed, or ended
	CodeFull  = "HF2913" // there are more than are told
)
