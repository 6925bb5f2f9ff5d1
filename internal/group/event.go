package group

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/holdfast-net/holdfast/internal/hold"
	"github.com/holdfast-net/holdfast/vrrp"
)

// EventKind names what happened.
type EventKind uint8

const (
	EventTick        EventKind = iota // the deadline may have been reached
	EventPacket                       // Packet arrived for Router
	EventStart                        // begin
	EventStop                         // leave in order, then ActionStopped
	EventCheck                        // check Name is Up or not, because of Text
	EventLink                         // Router's interface is Up or not, because of Text; Addr is its primary address
	EventDone                         // the order Op for Router was carried out, or failed with Err
	EventLost                         // an address of Router vanished from the kernel
	EventHandover                     // an operator wants another node (Name; empty: any) to take over
	EventMaintenance                  // an operator switches maintenance (Up, Force)
	EventTake                         // a leaving peer named this node as its successor (Text: why it takes over), or fell silent (Up)
	EventSuspend                      // a leaving peer named another node as its successor: do not preempt it
	EventAsked                        // the holdfast node Name with Priority would preempt this one
	EventYielded                      // the holdfast node at Addr does not hold or claim any more
	EventReached                      // the host with the address Addr answered when it was asked where it is
	EventRests                        // the holdfast node at Addr says that it does not hold Router
	EventSighted                      // somebody else (Name) used the address Addr of Router
	EventMandate                      // this node may hold until Until, if the set is guarded
	EventSpoke                        // an advert of a claim was handed to the kernel
	EventDeaf                         // the process stood still, and packets for Router were lost meanwhile
	EventHolder                       // the node Name, or none or this one where it is empty, holds the lease of the set
	EventLapsed                       // the hold, or the claim, of Router has ended, Late ago, by itself
	EventSteps                        // the steps are what Steps says, because of Text
	EventLack                         // the group Name has not got what Lack says, or has it now (Up)
	EventSecured                      // what ActionSecure asked for is done (Up), or cannot be, because of Text
)

// Event is one input of [Set.Step]. Use the constructors.
type Event struct {
	Kind     EventKind
	Router   int // index into the set's routers
	Op       Op
	Steps    Steps
	Priority uint8
	Up       bool
	Force    bool
	Kin      bool // EventPacket: another holdfast node sent it
	Await    bool // EventCheck: there is no result yet
	Worth    Worth
	Late     time.Duration
	Until    time.Time
	Name     string
	Text     string
	Addr     netip.Addr
	Err      error
	Packet   *vrrp.Packet
	Lack     Lack
}

// Op is an order to the kernel.
type Op uint8

const (
	Install Op = iota // addresses on; they answer as far as the gate lets them
	Remove            // addresses off
)

// Steps is what became of a set's steps.
type Steps uint8

const (
	StepsUnfinished Steps = iota // an earlier process has left some that are being undone
	StepsTook                    // all are done
	StepsFailed                  // they could not be done, and none is
	StepsLeft                    // all are undone
	StepsStuck                   // some could not be undone; StepsLeft follows when they are
)

func (o Op) String() string { return name([]string{"install", "remove"}, int(o), "op") }

// ActionKind names what the caller has to do.
type ActionKind uint8

const (
	ActionSend     ActionKind = iota // Router sends an advert with Priority
	ActionOrder                      // carry out Op for Router, answer with Done
	ActionAnnounce                   // announce Router's addresses once (ARP, ND)
	ActionHold                       // Router's hold becomes Level, for the time For
	ActionTell                       // tell the peers of Router who takes over: Name, or the best; Chosen by an operator or not
	ActionAsk                        // ask the holder of Router to hand over
	ActionReach                      // ask the host with the address Addr, on Router's interface, where it is
	ActionProbe                      // ask the LAN whether somebody else has Router's addresses
	ActionWant                       // ask for a mandate, with Priority, until ActionRelease
	ActionRelease                    // give the mandate back: Name, or with OK the best other node, takes over
	ActionForsake                    // ask for the mandate no more, and do not give it back: it ends by itself
	ActionSecure                     // see to it that the set may hold, because of Text: watchdog, fencing; answer with Secured or Insecure
	ActionTake                       // do the set's steps, because of Text; answer with what became of them (EventSteps)
	ActionLeave                      // undo them, because of Text, to become Name; answer likewise
	ActionYield                      // tell the peers of Router that this node does not hold or claim any more
	ActionRecord                     // journal Record
	ActionResult                     // an operator's command ended: OK, Text
	ActionStopped                    // after Stop: everything is off
)

// Action is one output of [Set.Step].
type Action struct {
	Kind     ActionKind
	Router   int
	Priority uint8
	Op       Op
	Level    hold.Level
	For      time.Duration // ActionHold: see hold.Keeper.Move
	OK       bool
	Chosen   bool
	Name     string
	Addr     netip.Addr
	Text     string
	Record   *Record
	Due      time.Time // ActionSend: when the advert was due; zero when at once
}

// Record is one fact for the journal.
type Record struct {
	Group    string
	Kind     string // transition, notice, address, conflict, command
	Code     string // stable, HF2xxx, for notices
	From, To State
	Reason   string
	Peer     netip.Addr
	Family   vrrp.Family
	Epoch    uint64 // of the lease with which a hold begins: the caller's, who has it
}

// State is a group's state, in the words of RFC 9568 and one of our own.
type State uint8

const (
	Init   State = iota // does not take part
	Backup              // another node is the holder, or will be found missing
	Active              // this node is the holder
	Fault               // not fit to hold
)

// String gives the word, also for a number that came from another node and is
// no state.
func (s State) String() string {
	return name([]string{"init", "backup", "active", "fault"}, int(s), "state")
}

func name(names []string, i int, what string) string {
	if i < len(names) {
		return names[i]
	}
	return fmt.Sprintf("%s %d", what, i)
}

// The constructors of events.

func Tick() Event  { return Event{Kind: EventTick} }
func Start() Event { return Event{Kind: EventStart} }

// Stop asks the set to leave in order, because of text.
func Stop(text string) Event { return Event{Kind: EventStop, Text: text} }

func Received(router int, p *vrrp.Packet) Event {
	return Event{Kind: EventPacket, Router: router, Packet: p}
}

// Passed and Failed tell a check's result.
func Passed(check string) Event { return Event{Kind: EventCheck, Name: check, Up: true} }

func Failed(check, why string) Event { return Event{Kind: EventCheck, Name: check, Text: why} }

// Awaited tells that a check has no result yet: a set that does not take part
// waits for it, one that does goes on.
func Awaited(check string) Event { return Event{Kind: EventCheck, Name: check, Await: true} }

// Worth is how good a check that passed has found things to be, where it can
// tell. It counts where the check is used by weight.
type Worth struct {
	Points int // to add to the priority
	Short  int // percent of the weight that are missing, and taken off it
}

// Being adds what a check that passed is worth.
func (e Event) Being(w Worth) Event {
	e.Worth = w
	return e
}

// LinkUp tells that the interface of a router works and has the primary
// address source.
func LinkUp(router int, source netip.Addr) Event {
	return Event{Kind: EventLink, Router: router, Up: true, Addr: source}
}

func LinkDown(router int, why string) Event {
	return Event{Kind: EventLink, Router: router, Text: why}
}

func Done(router int, op Op, err error) Event {
	return Event{Kind: EventDone, Router: router, Op: op, Err: err}
}

func Lost(router int, what string) Event {
	return Event{Kind: EventLost, Router: router, Text: what}
}

func Handover(to string) Event { return Event{Kind: EventHandover, Name: to} }

func MaintenanceOn() Event { return Event{Kind: EventMaintenance, Up: true} }

// MaintenanceForced goes into maintenance even when nobody takes over.
func MaintenanceForced() Event { return Event{Kind: EventMaintenance, Up: true, Force: true} }

func MaintenanceOff() Event { return Event{Kind: EventMaintenance} }

// Take and Next say that a leaving holder named this node as its successor,
// because an operator chose it or because it is the best there is.
func Take(from string) Event { return Event{Kind: EventTake, Text: "handover from " + from} }

func Next(from string) Event {
	return Event{Kind: EventTake, Text: from + " leaves, and this node is next"}
}

// Missed says that the holder is not heard any more, by quicker means than
// adverts: nobody serves.
func Missed(holder string) Event {
	return Event{Kind: EventTake, Up: true, Text: holder + " is not heard any more"}
}

func Suspend(to string) Event { return Event{Kind: EventSuspend, Name: to} }

// Asked says that a holdfast node with a higher priority would take over.
func Asked(from string, priority uint8) Event {
	return Event{Kind: EventAsked, Name: from, Priority: priority}
}

// Yielded says that the holdfast node at addr has let go of a router, or
// claims it no more.
func Yielded(router int, addr netip.Addr) Event {
	return Event{Kind: EventYielded, Router: router, Addr: addr}
}

// Reached says that the host with an address answered ARP or ND.
func Reached(router int, addr netip.Addr) Event {
	return Event{Kind: EventReached, Router: router, Addr: addr}
}

// Rests says that the holdfast node at an address says of itself that it does not
// hold a router.
func Rests(router int, addr netip.Addr) Event {
	return Event{Kind: EventRests, Router: router, Addr: addr}
}

// Sighted says that a frame of another machine used an address of a router.
// other is that machine's MAC address and own that of this node, in words.
func Sighted(router int, addr netip.Addr, other, own string) Event {
	return Event{Kind: EventSighted, Router: router, Addr: addr, Name: other, Text: own}
}

// Mandate says until when a guarded set may hold or claim: a majority of the
// cluster has promised it to this node, or whoever else guards it agrees.
func Mandate(until time.Time) Event { return Event{Kind: EventMandate, Until: until} }

// Leased is Mandate for a set that has nothing else: why is what it claims for.
func Leased(until time.Time, why string) Event {
	return Event{Kind: EventMandate, Until: until, Text: why}
}

// Holder says which other node has the lease of the set, if one has.
func Holder(other string) Event { return Event{Kind: EventHolder, Name: other} }

// Spoke says that an advert of a claim was handed to the kernel.
func Spoke() Event { return Event{Kind: EventSpoke} }

// Deaf says that this process stood still for so long that packets for a
// router were lost.
func Deaf(router int) Event { return Event{Kind: EventDeaf, Router: router} }

// Lapsed says that the hold of a router has ended by itself, late ago.
func Lapsed(router int, late time.Duration) Event {
	return Event{Kind: EventLapsed, Router: router, Late: late}
}

// Stepped says what became of the set's steps, and why.
func Stepped(steps Steps, why string) Event {
	return Event{Kind: EventSteps, Steps: steps, Text: why}
}

// Secured and Insecure answer ActionSecure.
func Secured() Event { return Event{Kind: EventSecured, Up: true} }

func Insecure(why string) Event { return Event{Kind: EventSecured, Text: why} }

// Unready says that a group should not hold yet, for want of something.
func Unready(group string, l Lack) Event { return Event{Kind: EventLack, Name: group, Lack: l} }

// Ready says that a group has got what it lacked.
func Ready(group, what string) Event {
	return Event{Kind: EventLack, Name: group, Up: true, Lack: Lack{What: what}}
}

// FromKin marks a packet as sent by another holdfast node.
func (e Event) FromKin() Event {
	e.Kin = true
	return e
}
