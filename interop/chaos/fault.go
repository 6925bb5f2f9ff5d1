package chaos

import (
	"fmt"
	"time"
)

// Fault is a kind of thing that goes wrong.
type Fault string

// The faults. Those of a process name who is meant: the daemon is the process
// that speaks VRRP, the guardian the one that watches over it (keepalived's
// parent process is one, too).
const (
	KillDaemon    Fault = "kill daemon"
	KillGuardian  Fault = "kill guardian"
	KillBoth      Fault = "kill both"
	PauseDaemon   Fault = "pause daemon"
	PauseGuardian Fault = "pause guardian"
	PauseBoth     Fault = "pause both"

	Starve Fault = "starve CPUs" // three busy loops for each CPU

	LinkDown        Fault = "link down"
	DeleteAddress   Fault = "delete address"   // by hand
	DeleteInterface Fault = "delete interface" // and make it again
	FillDisk        Fault = "fill disk"
	PowerOff        Fault = "power off" // the machine is gone, and boots

	CutOneWay Fault = "cut one way"  // between two nodes
	CutBoth   Fault = "cut both"     // between two nodes, both ways
	Isolate   Fault = "isolate"      // nothing passes to or from a node
	Mute      Fault = "mute"         // nothing that a node sends arrives
	Deafen    Fault = "deafen"       // nothing arrives at a node
	Lose      Fault = "lose packets" // 1 to 50 %

	RestartAll Fault = "restart all"     // at once
	Rolling    Fault = "rolling restart" // one after another, each by its operator
	Upgrade    Fault = "rolling upgrade" // the same, by `holdfast upgrade`

	KillWitness  Fault = "kill witness"
	PauseWitness Fault = "pause witness"
	CutWitness   Fault = "cut witness" // from everybody

	KillStore  Fault = "kill store member"
	PauseStore Fault = "pause store member"
	CutStore   Fault = "cut store member" // from everybody
	LoseStore  Fault = "pause the store"  // all members
	SlowStore  Fault = "slow disk"        // of a member, or of all
	FillStore  Fault = "full disk"        // of a member

	// A node loses what it keeps, and while it is down an operator tells the
	// other members of the store that the nodes make up.
	Replace Fault = "replace member"
	Regrow  Fault = "remove and add member"

	Split Fault = "split" // nodes and members of the store, in any way
)

// Class groups faults by what they break, and by what is promised under them.
type Class string

// The classes.
const (
	OfProcess   Class = "process"
	OfScheduler Class = "scheduling"
	OfHost      Class = "host"
	OfNetwork   Class = "network"
	OfOperator  Class = "operator"
	OfWitness   Class = "witness"
	OfStore     Class = "store"
)

// kind is what is known about a fault.
type kind struct {
	fault  Fault
	class  Class
	weight int // how often it is chosen; 0: by further alone
	// least and most are how long it lasts, in plans whose interval is short;
	// most grows with the interval.
	least, most time.Duration
	// outage tells whether the address may go unanswered under it for as
	// long as a failover takes.
	outage bool
	what   string // a few words for the documentation
}

// kinds are all faults, in the order of the documentation's table.
var kinds = []kind{
	{KillDaemon, OfProcess, 6, 200 * time.Millisecond, 3 * time.Second, true, "SIGKILL; started again later"},
	{KillGuardian, OfProcess, 2, 200 * time.Millisecond, 2 * time.Second, true, "SIGKILL of the process that watches over the daemon"},
	{KillBoth, OfProcess, 4, 200 * time.Millisecond, 3 * time.Second, true, "SIGKILL of all its processes at the same instant"},
	{PauseDaemon, OfProcess, 8, 10 * time.Millisecond, 3 * time.Second, true, "SIGSTOP, later SIGCONT"},
	{PauseGuardian, OfProcess, 2, 10 * time.Millisecond, 2 * time.Second, false, "SIGSTOP, later SIGCONT"},
	{PauseBoth, OfProcess, 4, 10 * time.Millisecond, 3 * time.Second, true, "SIGSTOP of all its processes, later SIGCONT"},
	{Starve, OfScheduler, 2, 500 * time.Millisecond, 2 * time.Second, true, "three busy loops for each CPU"},
	{LinkDown, OfHost, 3, 50 * time.Millisecond, 2 * time.Second, true, "the switch's port goes down"},
	{DeleteAddress, OfHost, 3, 0, 0, true, "`ip address del` by hand"},
	{DeleteInterface, OfHost, 2, 50 * time.Millisecond, 1500 * time.Millisecond, true, "the interface is unplugged, and a new one of its name plugged in"},
	{FillDisk, OfHost, 1, 500 * time.Millisecond, 2 * time.Second, false, "nothing can be written where the daemon keeps its state"},
	{PowerOff, OfHost, 2, 200 * time.Millisecond, 2 * time.Second, true, "the machine is gone at once, and boots again"},
	{CutOneWay, OfNetwork, 4, 50 * time.Millisecond, 3 * time.Second, true, "one node does not hear the other; clients hear both"},
	{CutBoth, OfNetwork, 4, 50 * time.Millisecond, 3 * time.Second, true, "neither hears the other; clients hear both"},
	{Isolate, OfNetwork, 2, 50 * time.Millisecond, 3 * time.Second, true, "nothing passes to or from a node, and its carrier stays"},
	{Mute, OfNetwork, 2, 50 * time.Millisecond, 2 * time.Second, true, "nothing that a node sends arrives anywhere"},
	{Deafen, OfNetwork, 2, 50 * time.Millisecond, 2 * time.Second, true, "a node hears nobody, and everybody hears it"},
	{Lose, OfNetwork, 3, 500 * time.Millisecond, 3 * time.Second, true, "1 to 50 % of the frames to and from a node"},
	{KillWitness, OfWitness, 0, 200 * time.Millisecond, 3 * time.Second, false, "SIGKILL; started again later"},
	{PauseWitness, OfWitness, 0, 200 * time.Millisecond, 3 * time.Second, false, "SIGSTOP, later SIGCONT"},
	{CutWitness, OfWitness, 0, 200 * time.Millisecond, 3 * time.Second, false, "nothing passes to or from it"},
	{KillStore, OfStore, 0, 200 * time.Millisecond, 3 * time.Second, false, "SIGKILL of a member of the etcd; started again later"},
	{PauseStore, OfStore, 0, 50 * time.Millisecond, 3 * time.Second, false, "SIGSTOP of a member, later SIGCONT"},
	{CutStore, OfStore, 0, 50 * time.Millisecond, 3 * time.Second, false, "nothing passes to or from a member"},
	{LoseStore, OfStore, 0, 50 * time.Millisecond, 3 * time.Second, true, "SIGSTOP of all members, later SIGCONT"},
	{SlowStore, OfStore, 0, 200 * time.Millisecond, 3 * time.Second, true, "each write of a member, or of all, takes 5 to 300 ms"},
	{FillStore, OfStore, 0, 500 * time.Millisecond, 3 * time.Second, false, "nothing can be written where a member keeps its data"},
	{Replace, OfStore, 0, 500 * time.Millisecond, 4 * time.Second, true, "a node and its data are lost; its member is replaced while it is down"},
	{Regrow, OfStore, 0, 500 * time.Millisecond, 4 * time.Second, true, "the same; its member is removed, and added when it is back"},
	{Split, OfNetwork, 0, 50 * time.Millisecond, 4 * time.Second, true, "nodes and store fall apart: in two or three, one way, or anyhow"},
	{RestartAll, OfOperator, 1, 0, 0, true, "SIGTERM to all at once, and started again"},
	{Rolling, OfOperator, 2, 0, 0, true, "SIGTERM and started again, one node after the other"},
	{Upgrade, OfOperator, 0, 0, 0, false, "`holdfast upgrade`, one node after the other"},
}

func kindOf(f Fault) kind {
	for _, k := range kinds {
		if k.fault == f {
			return k
		}
	}
	panic("chaos: no such fault: " + string(f))
}

// Role names a node by what it is when the fault begins.
type Role string

// The roles.
const (
	Holder Role = "the holder"
	Second Role = "the first backup"
	Third  Role = "the second backup"
)

// Event is one fault of a plan.
type Event struct {
	Fault   Fault
	At      time.Duration // after the plan's beginning
	Length  time.Duration
	On      Role
	Other   Role // of a cut: the one that is not heard from On's side any more
	Percent int  // of lost packets
	Cut     []Cut
	Sides   bool          // of a split: who hears one of two also hears the other
	Delay   time.Duration // of a slow disk, for each write
	All     bool          // members of the store
}

// Cut says from whom nothing arrives at whom.
type Cut struct{ From, To string }

func (e Event) String() string {
	s := fmt.Sprintf("%6.3fs %s on %s", e.At.Seconds(), e.Fault, e.On)
	if e.Other != "" {
		s = fmt.Sprintf("%6.3fs %s from %s to %s", e.At.Seconds(), e.Fault, e.On, e.Other)
	}
	if e.Percent > 0 {
		s += fmt.Sprintf(", %d%%", e.Percent)
	}
	if e.Delay > 0 {
		s += fmt.Sprintf(", %v a write", e.Delay)
	}
	if e.All {
		s += ", of all members"
	}
	for i, c := range e.Cut {
		s += fmt.Sprintf("%s %s>%s", map[bool]string{i == 0: ":", i > 0: ","}[true], c.From, c.To)
	}
	if e.Length > 0 {
		s += fmt.Sprintf(", for %.3fs", e.Length.Seconds())
	}
	return s
}
