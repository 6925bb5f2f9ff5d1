package vrrp

import (
	"fmt"
	"net/netip"
	"time"
)

// Packet is one received IP datagram of protocol 112 with its header facts.
// Payload is only read, and only during Step.
type Packet struct {
	Src, Dst netip.Addr
	TTL      uint8 // IPv4 TTL or IPv6 hop limit
	Payload  []byte
}

// EventKind names what happened.
type EventKind uint8

const (
	EventTick     EventKind = iota // the deadline may have been reached
	EventPacket                    // a datagram arrived
	EventStartup                   // RFC 9568 §6.4.1
	EventShutdown                  // RFC 9568 §6.4.2, §6.4.3
	EventGrant                     // the caller lets the router become Active (answer to ActionAsk)
	EventClaim                     // the caller prepares to grant: say so meanwhile
	EventDefer                     // the caller does not preempt yet: ask again later
	EventYield                     // give up being Active and say priority 0; stay as Backup
	EventLapse                     // give up being Active, or a claim, without a word; stay as Backup
	EventPriority                  // the effective priority changed
	EventPreempt                   // preempt mode changed
)

// Event is one input of Step. Use the constructors.
type Event struct {
	Kind     EventKind
	After    time.Duration
	Packet   *Packet
	Priority uint8
	Preempt  bool
}

// Tick says that time has passed. Timers fire on a Tick only, so packets that
// waited while the process was stalled are heard before a timer is believed.
func Tick() Event { return Event{Kind: EventTick} }

// Received hands over a datagram.
func Received(p *Packet) Event { return Event{Kind: EventPacket, Packet: p} }

// Startup starts the router: the interface is up and able to send.
func Startup() Event { return Event{Kind: EventStartup} }

// Shutdown stops it; an Active says priority 0 first.
func Shutdown() Event { return Event{Kind: EventShutdown} }

// Grant makes a Backup Active: because it asked, or because a handover named
// this node.
func Grant() Event { return Event{Kind: EventGrant} }

// Claim makes a Backup advertise already while the caller makes the addresses
// ready: one that asks, or that a handover named. RFC 9568 §6.4.2 has the advert before all else, and for a
// reason: where several backups miss the same Active, their timers differ by
// fractions of an interval, and the first advert keeps the others quiet. Leave
// it out where the old Active serves until it hears the first advert: then it
// must be true. Yield and Shutdown take it back with a priority 0.
func Claim() Event { return Event{Kind: EventClaim} }

// Defer answers an ActionAsk of a router that would preempt a live Active: not
// now. It follows that Active like one that it does not preempt, so that its
// death is noticed in time, and asks again after a while.
func Defer(after time.Duration) Event { return Event{Kind: EventDefer, After: after} }

// Yield makes an Active say priority 0 and become Backup. A Backup that asks
// stops asking and waits for another Active_Down_Interval.
func Yield() Event { return Event{Kind: EventYield} }

// Lapse makes an Active Backup without a word: its caller found that it was
// silent for longer than its peers wait. Another one may be Active by now, and
// a priority 0 would set the rest of the backups against it. A Backup listens
// anew: its caller found that it may have missed who is Active.
func Lapse() Event { return Event{Kind: EventLapse} }

// SetPriority changes the effective priority, 1..254. 255 is for a router
// configured as owner; other routers take it as 254. 0 is taken as 1.
func SetPriority(p uint8) Event { return Event{Kind: EventPriority, Priority: p} }

// SetPreempt changes Preempt_Mode.
func SetPreempt(on bool) Event { return Event{Kind: EventPreempt, Preempt: on} }

var eventNames = [...]string{"tick", "packet", "startup", "shutdown", "grant", "claim", "defer", "yield", "lapse", "priority", "preempt"}

// String gives one lower case word.
func (k EventKind) String() string { return name(eventNames[:], int(k), "event") }

// String gives the event as a transcript shows it, such as
// "packet from 192.0.2.2" or "priority 150".
func (e Event) String() string {
	switch {
	case e.Kind == EventPacket && e.Packet != nil:
		return "packet from " + e.Packet.Src.String()
	case e.Kind == EventPriority:
		return fmt.Sprintf("priority %d", e.Priority)
	case e.Kind == EventPreempt && e.Preempt:
		return "preempt on"
	case e.Kind == EventPreempt:
		return "preempt off"
	}
	return e.Kind.String()
}

// name looks a constant's word up, and says what it was when there is none.
func name(names []string, i int, what string) string {
	if i < len(names) {
		return names[i]
	}
	return fmt.Sprintf("%s %d", what, i)
}
