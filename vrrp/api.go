package vrrp

import (
	"net/netip"
	"time"
)

// Family is an address family. One Router serves one.
type Family uint8

const (
	IPv4 Family = 4
	IPv6 Family = 6
)

// State is a state of RFC 9568 §6.4.
type State uint8

const (
	Init State = iota
	Backup
	Active
)

// Protocol numbers and limits.
const (
	Protocol        = 112                      // IP protocol number, RFC 9568 §5.1.1.4
	OwnerPriority   = 255                      // RFC 9568 §5.2.4
	DefaultPriority = 100                      // RFC 9568 §5.2.4
	MaxInterval     = 40950 * time.Millisecond // 12 bits of centiseconds, RFC 9568 §5.2.7
	MinInterval     = 10 * time.Millisecond
)

// Multicast destinations, RFC 9568 §5.1.1.2 and §5.1.2.2.
var (
	Group4 = netip.MustParseAddr("224.0.0.18")
	Group6 = netip.MustParseAddr("ff02::12")
)

// ChecksumMode selects the IPv4 VRRPv3 checksum that is sent (RFC 5798 §5.2.8
// covers a pseudo-header, RFC 9568 §5.2.8 the message only). Both are always
// accepted.
type ChecksumMode uint8

const (
	ChecksumAuto    ChecksumMode = iota // pseudo-header until a message-only Active is heard, then as heard
	ChecksumRFC5798                     // with the IPv4 pseudo-header
	ChecksumRFC9568                     // message only
)

// Config describes one virtual router. New validates it and fills defaults.
type Config struct {
	VRID         uint8
	Family       Family
	Version      uint8 // 2 or 3; 0 means 3
	Priority     uint8 // 1..255; 0 means 100; 255 is the address owner
	Interval     time.Duration
	NoPreempt    bool
	PreemptDelay time.Duration // wait this long before preempting a lower-priority Active
	StartupHold  time.Duration // after Startup, do not claim for this long
	Addresses    []netip.Addr  // in advert order; IPv6: first is link-local
	Source       netip.Addr    // primary address of the interface
	LearnMin     time.Duration // bounds on the interval learnt from an Active; 0: Interval/10 (at least 10ms)
	LearnMax     time.Duration // 0: Interval*10 (at most 40.95s)
	Peers        []netip.Addr  // unicast peers; none means multicast
	Hops         uint8         // lowest TTL/hop limit accepted; 0 means 255 (RFC 9568 §5.1.1.3)
	Checksum     ChecksumMode
	StrictList   bool   // v2: discard a non-owner's advert whose address list differs (RFC 3768 §7.1)
	Pass         string // v2 PASS (RFC 2338 §5.3.6.2), at most 8 bytes
	HMAC         *HMAC  // auth_hmac trailer
	Ask          bool   // emit ActionAsk instead of becoming Active
}

// HMACMode says what becomes of adverts without a valid trailer.
type HMACMode uint8

const (
	Enforce     HMACMode = iota // drop them
	Permissive                  // accept adverts with no trailer, drop invalid ones; send signed
	ReceiveOnly                 // as Permissive, but send unsigned
)

// HMAC is the configuration of the auth_hmac trailer.
type HMAC struct {
	Keys   map[uint8][]byte // 32..64 bytes each
	Active uint8            // key id used to sign
	Mode   HMACMode
	Window time.Duration // accepted clock difference, 1s..300s; 0: max(3*interval, 5s)
}

// Packet is one received IP datagram of protocol 112 with its header facts.
// Payload is only read, and only during Step.
type Packet struct {
	Src, Dst netip.Addr
	TTL      uint8
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
	EventYield                     // give up being Active and say priority 0; stay as Backup
	EventPriority                  // the effective priority changed
	EventPreempt                   // preempt mode changed
)

// Event is one input of Step. Use the constructors.
type Event struct {
	Kind     EventKind
	Packet   *Packet
	Priority uint8
	Preempt  bool
}

// ActionKind names what the caller has to do.
type ActionKind uint8

const (
	ActionSend       ActionKind = iota // send an advert with Priority, now (AppendAdvert encodes it)
	ActionAsk                          // the router would become Active: answer with Grant when it may
	ActionTransition                   // the state changed From → To because of Reason
	ActionReport                       // something a person should know (Notice, Peer, ...)
)

// Action is one output of Step.
type Action struct {
	Kind         ActionKind
	Priority     uint8
	From, To     State
	Reason       Reason
	Notice       Notice
	Peer         netip.Addr // sender that caused it, if any
	PeerPriority uint8
	Drop         Drop          // with NoticeDrop
	Got, Want    time.Duration // with NoticeInterval
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
)

// Drop is why a packet was discarded; DropNone means accepted.
// The order is the order of the checks: RFC 9568 §7.1 and errata 8298-8301.
type Drop uint8

const (
	DropNone Drop = iota
	DropTTL
	DropVersion
	DropTruncated
	DropType
	DropChecksum
	DropVRID
	DropZeroCount
	DropNotLinkLocal
	DropZeroInterval
	DropAuthType
	DropAuthFailed
	DropReplay
	DropInterval    // v2 only, RFC 3768 §7.1
	DropAddressList // v2 with StrictList
	DropUnknownPeer // unicast: source is not a configured peer
	DropOwnPacket   // our own source address
	NumDrops
)

// Notice is a kind of report: a disagreement named as such.
type Notice uint8

const (
	NoticeNone              Notice = iota
	NoticeDrop                     // a packet was dropped because of Drop (first time, then at most once a minute per cause and peer)
	NoticeInterval                 // peer's interval differs (Got, Want)
	NoticeIntervalBounded          // learnt interval was outside the bounds and clamped
	NoticeAddressList              // peer's address list differs
	NoticeChecksumForm             // peer uses the other IPv4 checksum form
	NoticeVersion                  // peer speaks the other version
	NoticeAuth                     // peer's authentication differs from ours
	NoticeTwoOwners                // a second node claims priority 255
	NoticeLosingActive             // a lower priority node was Active too; answered with an advert: announce again
	NoticeSpoof                    // an advert with our own address and a higher priority
	NoticeDuplicatePriority        // equal priority Active heard
)

// Peer is what was last heard from one sender.
type Peer struct {
	Addr      netip.Addr
	Priority  uint8
	Interval  time.Duration
	LastHeard time.Time
	Form      string // "rfc5798", "rfc9568" or "" where there is one form only
}

// Counters count since the Router was made. Names follow RFC 8347.
type Counters struct {
	Sent, Received, PriorityZeroSent, PriorityZeroReceived uint64
	BecameActive                                           uint64
	ChecksumRFC5798, ChecksumRFC9568                       uint64 // accepted adverts by form
	Dropped                                                [NumDrops]uint64
}

// The constructors of events.
func Tick() Event               { return Event{Kind: EventTick} }
func Received(p *Packet) Event  { return Event{Kind: EventPacket, Packet: p} }
func Startup() Event            { return Event{Kind: EventStartup} }
func Shutdown() Event           { return Event{Kind: EventShutdown} }
func Grant() Event              { return Event{Kind: EventGrant} }
func Yield() Event              { return Event{Kind: EventYield} }
func SetPriority(p uint8) Event { return Event{Kind: EventPriority, Priority: p} }
func SetPreempt(on bool) Event  { return Event{Kind: EventPreempt, Preempt: on} }
