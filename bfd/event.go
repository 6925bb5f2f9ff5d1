package bfd

import "net/netip"

// Packet is one received UDP datagram with its header facts. Payload is only
// read, and only during Step.
type Packet struct {
	Src     netip.Addr
	Link    int   // the link it arrived on, by the caller's numbers
	TTL     uint8 // IPv4 TTL or IPv6 hop limit
	Payload []byte
}

// EventKind names what happened.
type EventKind uint8

const (
	EventTick    EventKind = iota // the deadline may have been reached
	EventPacket                   // a datagram arrived
	EventEnable                   // RFC 5880 §6.8.16
	EventDisable                  // RFC 5880 §6.8.16
	EventRetime                   // other intervals or another multiplier are wanted
	EventWake                     // nothing could arrive until now
)

// Event is one input of Step. Use the constructors.
type Event struct {
	Kind   EventKind
	Packet *Packet
	Timing Timing
}

// Tick says that time has passed. Timers fire on a Tick only: Step every packet
// that has arrived first.
func Tick() Event { return Event{Kind: EventTick} }

// Received hands over a datagram.
func Received(p *Packet) Event { return Event{Kind: EventPacket, Packet: p} }

// Enable starts a session, or takes Disable back.
func Enable() Event { return Event{Kind: EventEnable} }

// Disable holds the session administratively down and tells the neighbour. The
// session goes on saying so for as long as it is ticked; a caller that ends it
// ticks it for a Detection Time more, so that a lost packet is made up for.
func Disable() Event { return Event{Kind: EventDisable} }

// Retime asks for other intervals or another multiplier. They come into force
// when the neighbour has acknowledged them, where RFC 5880 §6.8.3 says so.
// A Timing that Config would refuse is ignored.
func Retime(t Timing) Event { return Event{Kind: EventRetime, Timing: t} }

// Wake says that this machine did not run, so that nothing could arrive. The
// silence until now is no proof, and the Detection Time starts anew; but only
// once until the next packet, so that a machine that stumbles all the time
// notices a dead neighbour too.
func Wake() Event { return Event{Kind: EventWake} }

var eventNames = [...]string{"tick", "packet", "enable", "disable", "retime", "wake"}

// String gives one lower case word.
func (k EventKind) String() string { return name(eventNames[:], int(k), "event") }
