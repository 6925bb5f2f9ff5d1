// Package gate lets an address answer only while its hold is valid. The kernel
// enforces it, whatever becomes of this process: after SIGKILL, SIGSTOP, a
// stall of the scheduler or an out-of-memory kill, an address stops answering
// at the instant that was set last, because nobody set a later one.
//
// # Slots
//
// Each virtual router (a group's IPv4 or IPv6 half) has a slot, and a slot has
// an [engine.Hold]: three instants of CLOCK_BOOTTIME. Something may pass while
// the clock is before its instant. [Gate.Guard] says what a slot stands for,
// [Gate.Set] sets its hold:
//
//	g, err := gate.Open(gate.Options{})
//	slot, err := g.Guard(gate.Spec{Interface: "eth0", Family: vrrp.IPv4, VRID: 51, Addresses: vips})
//	...
//	until := g.Now() + engine.Instant(3*time.Second)
//	g.Set(slot, engine.Hold{Announced: until, Served: until})
//
// # Lines of defence
//
// The first line is a pair of eBPF programs on the interface (bpf/gate.c), which
// read the holds from memory that this process maps: Set is three stores, no
// system call, and is in force when it returns. They are attached to the tcx
// hooks of Linux 6.6, or as classifiers of the clsact qdisc before. It needs
// CAP_BPF and CAP_NET_ADMIN, a 64-bit kernel and Linux 5.8.
//
// The second is nftables with sets whose elements time out, the third the valid
// lifetime of the addresses themselves; both write a hold to the kernel in the
// background, and guarantee less. [Gate.Line] says which one is in use, what it
// guarantees, and why it is not a better one.
//
// # Rules of the first line
//
// What comes in:
//
//	ARP request for a guarded address            Announced
//	neighbour solicitation for one               Announced
//	any other IP packet to one                   Served
//	any other frame to a guarded virtual MAC     Served
//
// What goes out:
//
//	ARP with a guarded address as the sender     Announced
//	neighbour advertisement of one               Announced
//	neighbour solicitation from one              Announced
//	VRRP advert of one of our routers            Announced or Advertised
//	… with priority 0                            always
//	any other IP packet from a guarded address   Served
//	any other frame from a guarded virtual MAC   Served
//
// Everything else passes. In particular frames of a VLAN, which belong to the
// interface of that VLAN; ARP probes (sender 0.0.0.0); ARP announcements of
// others, and their neighbour advertisements: those are told about, see
// [Gate.Sightings].
//
// The programs look where the group's interface is: with a virtual MAC at the
// interface below, which all frames of the macvlan pass. A guarded address is
// not kept from passing by interfaces that no group names, and not from being
// used inside this machine.
//
// # What stays
//
// Programs and maps stay attached when this process ends, however it ends. The
// next one finds them on the interfaces by the names of the programs and takes
// the maps over (Open), or removes them (Sweep). Nothing is pinned in a file
// system. To look into programs of another process needs CAP_SYS_ADMIN.
//
// Names of programs and maps have the layout of the maps in them. A gate of
// another layout is not taken over: an Open that was to inherit it fails, and
// any other takes its programs off an interface once its own are there.
package gate
