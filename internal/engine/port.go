package engine

import (
	"net/netip"
	"time"

	"github.com/holdfast-net/holdfast/internal/hold"
	"github.com/holdfast-net/holdfast/vrrp"
)

// This file is the engine's whole view of the machine. internal/linux
// implements it with a kernel; tests implement it with values.

// Kind tells adverts from the messages nodes send each other, and both from
// whole frames.
type Kind uint8

const (
	Advert  Kind = iota // IP protocol 112
	Message             // UDP port MessagePort, between holdfast nodes
	Frame               // a whole Ethernet frame (ARP, neighbour advertisement); sent only
	Vote                // UDP between the voters of a cluster, by any route (package vote)
)

// MessagePort is the UDP port of the messages between nodes. They go where
// adverts go: to the VRRP multicast group, or to each unicast peer.
const MessagePort = 9112

// Port is one opened interface. Zero is not a port.
type Port int

// Datagram is one datagram that arrived.
type Datagram struct {
	Port     Port
	Kind     Kind
	Family   vrrp.Family
	Src, Dst netip.Addr
	TTL      uint8
	SrcPort  uint16 // of a vote
	Lost     bool   // adverts were dropped for want of room while nothing was read
	Data     []byte // the IP payload (advert) or UDP payload (message); valid until the next Wait
}

// Outgoing is one packet to send. Adverts and messages go to Dst, multicast
// or unicast, with TTL 255 and DSCP CS6. A multicast advert with a SrcMAC
// leaves with it as the Ethernet source.
type Outgoing struct {
	Port     Port
	Kind     Kind
	Src, Dst netip.Addr
	DstPort  uint16  // of a vote; its Src may be left out
	SrcMAC   [6]byte // zero: the interface's own
	Data     []byte
	Err      error // set by Send
}

// Wire is the network. Wait is called by the engine's loop alone; Wake may be
// called from any goroutine; the rest by the loop.
type Wire interface {
	// Open starts sending and receiving on an interface. Opening an open
	// interface is allowed and gives the same Port.
	Open(ifname string) (Port, error)
	// Close stops it. The interface may be gone already.
	Close(Port) error
	// OpenBFD starts BFD on an open interface, and tries again what failed
	// before. It ends with Close.
	OpenBFD(Port) error
	// OpenAnswers starts hearing when an address of an open interface's LAN
	// says where it is (Answer). It ends with CloseAnswers or Close.
	OpenAnswers(Port, netip.Addr) error
	CloseAnswers(Port, netip.Addr)
	// Wait fills in with datagrams and returns their number: at once when
	// some are there or Wake was called, else at the instant until (zero:
	// never). The time that it returns is from before it read: all that had
	// arrived by then is in, unless in is full.
	Wait(until time.Time, in []Datagram) (int, time.Time, error)
	Wake()
	// Send hands all packets to the kernel in as few system calls as it
	// can and returns once the kernel took or refused each.
	Send(out []Outgoing)
}

// MACMode is the MAC address that answers for a group's addresses.
type MACMode uint8

const (
	MACAuto     MACMode = iota // virtual where possible, else physical with a reason
	MACVirtual                 // 00-00-5E-00-01-VRID (IPv4), 00-00-5E-00-02-VRID (IPv6), RFC 9568 §7.3; else an error
	MACPhysical                // the interface's own
)

// OpKind is one of the four things that can be done to a router's addresses.
type OpKind uint8

const (
	// OpPrepare makes ready what can be made ready while backup: the
	// macvlan (down), sysctls, and removes leftovers of an earlier run.
	OpPrepare OpKind = iota
	// OpInstall puts the addresses on the interface. They answer while the
	// gate lets them.
	OpInstall
	// OpRemove takes the addresses off.
	OpRemove
	// OpDiscard undoes all of it.
	OpDiscard
)

// Op is one order to the Hands.
type Op struct {
	Kind      OpKind
	Tag       uint64 // returned with the Result
	Interface string
	Family    vrrp.Family
	VRID      uint8
	Addresses []netip.Prefix
	MAC       MACMode
	Drop      bool   // Accept_Mode false: drop packets to the addresses, ND excepted
	Owner     bool   // priority 255: addresses that were there before stay at OpRemove
	Group     string // name, for marking what is ours
	Keep      bool   // OpPrepare: what is there is no leftover, it stays as it is
}

// Result is what became of an Op.
type Result struct {
	Op      Op
	Err     error
	MAC     [6]byte  // OpPrepare: the MAC that will answer
	Virtual bool     // OpPrepare: a virtual MAC is used
	Slot    Slot     // OpPrepare: the router's place in the gate
	Why     string   // OpPrepare: why not the virtual MAC, where auto fell back
	Notes   []string // what a person should know: a leftover removed, a sysctl refused, ...
}

// Hands changes the kernel's addresses. Submit never blocks; orders for one
// interface are carried out one after another, and each Result is delivered
// to the func the Hands were made with, from another goroutine.
type Hands interface {
	Submit(Op)
	// Close carries out what is queued, then stops.
	Close() error
}

// Instant, Hold and Slot are how the gate is told until when what passes for
// which router.
type (
	Instant = hold.Instant
	Hold    = hold.Doors
	Slot    int
)

// Gate lets addresses answer only while they are held. The kernel enforces it,
// whatever becomes of this process. Both methods are for the loop, and cheap:
// a read of the clock, and one store for each instant.
type Gate interface {
	Now() Instant
	Set(Slot, Hold)
}

// Link is one interface as it is now.
type Link struct {
	Name      string
	Index     int
	MAC       [6]byte
	MTU       int
	Up        bool           // administratively up and with carrier
	Why       string         // why not Up: "no carrier", "down", "gone"
	Addresses []netip.Prefix // without tentative ones, without ours
}

// Watch tells about interfaces. Changes are delivered to the func the Watch
// was made with, from another goroutine.
type Watch interface {
	// Links lists all interfaces now.
	Links() ([]Link, error)
	Close() error
}

// Change is one piece of news from the Watch.
type Change struct {
	Link   Link
	Gone   bool           // the interface was deleted
	Lost   []netip.Prefix // addresses that vanished from it or from our macvlan on it
	Failed []netip.Prefix // IPv6 addresses that failed duplicate address detection
}
