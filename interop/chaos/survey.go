package chaos

import (
	"time"

	"github.com/holdfast-net/holdfast/interop/peer"
)

// Faults lists all faults, in the order in which tables show them.
func Faults() []Fault {
	var all []Fault
	for _, k := range kinds {
		all = append(all, k.fault)
	}
	return all
}

// Class says what a fault breaks.
func (f Fault) Class() Class { return kindOf(f).class }

// What says in a few words what a fault is.
func (f Fault) What() string { return kindOf(f).what }

// Alone reports whether a run with this fault disturbs others on the same
// machine.
func (f Fault) Alone() bool { return f == Starve }

// OfLeases reports whether plans with a lease alone have this fault.
func (f Fault) OfLeases() bool { return kindOf(f).class == OfStore || f == Split }

// Survey are plans that show what one kind of fault alone does, in the modes
// that matter most for it: with either kind of MAC.
func Survey(fault Fault, guard Guard) []Plan {
	var plans []Plan
	for i, mac := range []peer.MAC{peer.PhysicalMAC, peer.VirtualMAC} {
		mode := Mode{Nodes: 2, Interval: 100 * time.Millisecond, MAC: mac, Guard: guard}
		plans = append(plans, Single(uint64(i+1), mode, fault))
	}
	return plans
}
