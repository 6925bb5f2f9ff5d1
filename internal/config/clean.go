package config

import (
	"net/netip"
	"time"

	"github.com/holdfast-net/holdfast/internal/check"
	"github.com/holdfast-net/holdfast/vrrp"
)

// Config is a whole, valid configuration with all defaults filled in. Treat it
// as immutable: the engine, the API and the CLI share one value.
type Config struct {
	Node     string    // this node's name; default: Facts.Hostname
	Groups   []Group   // sorted by name
	Checks   []Check   // sorted by name
	Services []Service // sorted by name
	State    string    // directory of the journal and of what must survive a restart
	Control  Control
	HTTP     HTTP
	Realtime Realtime
	Cluster  *Cluster // nil: none
	Witness  *Witness // nil: this is a node; else it has no groups
	Guardian GuardianMode
	Watchdog Watchdog // used if a group asks for it
	Fence    *Fence   // nil: nobody can be fenced
	Flows    Flows
	Balancer Balancer

	Path   string // as given to Load or Parse
	Source []byte // the file as read
	// Hash tells whether nodes agree: 12 hex digits over what the nodes of a
	// pair must have in common (group names, addresses, and the protocol's
	// shared settings), not over what differs by design (priority, interface,
	// peers, checks, programs, node) and not over secrets.
	Hash string
}

// Control is the socket that the command line talks to.
type Control struct {
	Socket string // path of the unix socket
	Group  string // unix group that may read; empty: "holdfast" where that group exists
}

// HTTP is the network face of the API.
type HTTP struct {
	Listen string // host:port; empty: off
}

// Realtime says whether the thread that paces adverts may leave the kernel's
// ordinary scheduling class.
type Realtime struct {
	Mode     RealtimeMode
	Priority int // SCHED_RR priority, 1..99
}

// RealtimeMode is one of two ways to schedule the pacing thread.
type RealtimeMode uint8

const (
	RealtimeAuto RealtimeMode = iota // real-time class where permitted, else say so and go on
	RealtimeOff                      // ordinary class
)

// GuardianMode is one of three ways to deal with the daemon's sudden death.
type GuardianMode uint8

const (
	GuardianAuto    GuardianMode = iota // clean up, and start it again where nobody else does
	GuardianRelease                     // clean up
	GuardianOff                         // nobody does anything
)

// GuardianChoice is a GuardianMode or none: what a flag says beside a file.
type GuardianChoice struct {
	Mode  GuardianMode
	Given bool
}

// Or is the choice, or else what the file says.
func (c GuardianChoice) Or(file GuardianMode) GuardianMode {
	if c.Given {
		return c.Mode
	}
	return file
}

// Group is one election and the addresses that move with it. Its addresses
// may be of both families; they move together.
type Group struct {
	Name         string
	Interface    string         // given or inferred; empty only if Facts did not know the links
	Addresses    []netip.Prefix // as written, order kept, host bits kept; see AddressList
	VRRP         VRRP           // zero where there is a Lease
	Lease        *Lease         // nil: the election is by VRRP
	Checks       []Use          // in the order written
	With         []string       // groups that move together with this one: closed over symmetry and chains, without itself, sorted
	Run          Run
	Steps        []Step        // taken in this order before the addresses answer, left in reverse
	Ready        []string      // checks that must pass after the last step
	ReadyTimeout time.Duration // how long they have
	Announce     Announce
	Guard        Guard // the same for groups that move together
	Fence        GroupFence
	ResetClients bool // tell clients, after a move, that their connections are gone
}

// Use is one check as one group uses it.
type Use struct {
	Check  string // name of a Config.Checks entry
	Weight int    // subtracted from the priority while the check fails, 1..253; 0: veto, the group is in fault while it fails
}

// Run is what is executed when the group's state changes. Each command is an
// argv with an absolute program; nil: nothing.
type Run struct {
	Active, Backup, Fault []string
	Timeout               time.Duration // then the program is killed
}

// Announce is how a new holder tells the network (ARP and ND).
type Announce struct {
	Repeat  int           // announcements of each address after becoming active, 1..100
	Refresh time.Duration // an announcement of each address this often while active; 0: off
}

// VRRP is one election by VRRP. IPv4 and IPv6 addresses of a group make two
// virtual routers with the same settings.
type VRRP struct {
	ID           uint8 // VRID, 1..255
	Priority     uint8 // 1..255; 255: this node owns the addresses
	Interval     time.Duration
	Version      uint8 // 2 or 3
	Preempt      bool
	PreemptDelay time.Duration
	StartupDelay time.Duration // after start, do not claim for this long
	Peers        []netip.Addr  // unicast peers of both families; none: multicast
	Hops         uint8         // lowest TTL or hop limit accepted
	MAC          MACMode
	Accept       bool // RFC 9568 §6.1 Accept_Mode; true: hosts may talk to the addresses
	Checksum     vrrp.ChecksumMode
	StrictList   bool          // address_list: strict
	LearnMin     time.Duration // bounds of the interval learnt from an active peer; 0: the protocol's default
	LearnMax     time.Duration
	Auth         Auth
	BFD          *BFD // nil: off
}

// BFD is how the nodes of a group watch each other besides VRRP.
type BFD struct {
	Interval   time.Duration // of sending and hearing
	Multiplier uint8         // packets in a row that must be missing
	Key        Secret        // of meticulous keyed SHA1, with key id 1; empty: none
}

// MACMode is the MAC address that answers for a group's addresses.
type MACMode uint8

const (
	MACAuto     MACMode = iota // virtual where possible, else physical
	MACVirtual                 // RFC 9568 §7.3, or fail
	MACPhysical                // the interface's own
)

// Auth is how adverts prove where they come from. At most one of the two is
// set; neither means none.
type Auth struct {
	Pass Secret // VRRP version 2 PASS, at most 8 bytes
	HMAC *HMAC  // auth_hmac trailer
}

// HMAC is the configuration of the auth_hmac trailer.
type HMAC struct {
	Keys   map[uint8]Secret // 32..64 bytes each
	Active uint8            // id of the key that signs
	Mode   vrrp.HMACMode
	Window time.Duration // accepted clock difference; 0: the protocol's default
}

// Check is one check. Its kind is one of those of package check, with all
// defaults filled in.
type Check struct {
	check.Spec
	written []setting // as the file has it, for Diff
}
