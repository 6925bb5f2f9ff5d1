package balance

import (
	"net/netip"
	"time"
)

// Proto is a transport protocol, as in IP headers.
type Proto uint8

const (
	TCP Proto = 6
	UDP Proto = 17
)

func (p Proto) String() string {
	if p == UDP {
		return "udp"
	}
	return "tcp"
}

// Scheduler is how a backend is chosen for a new flow. All of them heed
// weights.
type Scheduler uint8

const (
	RoundRobin       Scheduler = iota // in turn, heavier ones more often, evenly spread (smooth)
	LeastConnections                  // the one with the fewest flows for its weight
	TwoChoices                        // two at random; the one with the fewer flows for its weight
	SourceHash                        // by the client's address, or the part of it that is configured
	Maglev                            // by the flow (NSDI 2016 §3.4)
)

// Forward is how packets get to a backend.
type Forward uint8

const (
	NAT     Forward = iota // the destination is rewritten; answers come back through this node
	FullNAT                // so is the source: backends see an address of the balancer
	DSR                    // the frame is sent to the backend's MAC; it answers the client itself
	Tunnel                 // the packet is sent in another one; the backend answers the client itself
	Proxy                  // two connections, joined in this process
)

// Encapsulation is what a tunnel wraps packets in.
type Encapsulation uint8

const (
	IPIP Encapsulation = iota // IPv4 or IPv6 in the family of the backend's address (RFC 2003, RFC 2473)
	GUE                       // in UDP, so that networks spread flows (draft-ietf-intarea-gue-09)
)

// Policy is what becomes of the flows of a backend that is down or removed.
type Policy uint8

const (
	Rehash Policy = iota // the next packet goes to another backend, as if the flow were new
	Keep                 // they stay, as the backend may still serve them
	Reset                // TCP: both ends are told by RST; UDP: as Rehash
)

// Timeouts is after how long without a packet a flow is forgotten.
type Timeouts struct {
	HalfOpen    time.Duration // SYN seen
	Established time.Duration
	Closing     time.Duration // FIN seen
	Closed      time.Duration // RST seen, or FIN from both sides
	UDP         time.Duration // packets from the client only
	UDPAssured  time.Duration // from both sides
}

// Service is one service as it is configured. It is not changed once a Pool
// has it.
type Service struct {
	Name      string
	Listen    []Endpoint // all of one protocol
	Scheduler Scheduler
	Forward   Forward
	Backends  []Backend // by Addr, without duplicates

	// Sources is how many leading bits of a client's address SourceHash and
	// Affinity look at, for IPv4 and IPv6; 0 is all of them.
	Sources [2]uint8
	// Affinity is for how long after its last flow a client is sent to the
	// same backend again; 0 is never.
	Affinity time.Duration
	// TableSize is the number of slots of hash tables, a prime.
	TableSize uint32

	OnDown Policy
	// OnRemoved is for a backend that was removed while it served; one that was
	// down stays a matter of OnDown.
	OnRemoved Policy
	SlowStart time.Duration // in which a backend that came up gets to its whole weight
	// Panic is the share of the weight, in percent, of which less must be up
	// for all backends to be used, whatever their checks say; 0 is never.
	Panic uint8

	MaxFlows      uint64         // of the whole service; 0 is any number
	NewPerSecond  uint32         // flows a second, for each node; 0 is any number
	Allow         []netip.Prefix // sources that may connect; none is all
	Timeouts      Timeouts
	Encapsulation Encapsulation
	// Translate is the addresses that full NAT sends from. They float with the
	// group; ports are those of the range that this node draws from.
	Translate []netip.Addr
	Proxying  Proxying // where Forward is Proxy
}

// Backend is a server of a service as it is configured.
type Backend struct {
	Addr     netip.AddrPort
	Weight   uint16 // 0: no new flows
	Backup   bool   // used when none that is not a backup is up
	Sorry    bool   // used when nothing else is up; never checked
	MaxFlows uint32 // 0 is any number
	// Checks is the names of the checks that must all be up, as those who run
	// them say them ([Checked]). Without any it is up.
	Checks []string
}
