package vrrp

import (
	"net/netip"
	"strconv"
	"time"
)

// Family is an address family. One Router serves one: the IPv4 and the IPv6
// virtual router of one VRID are independent of each other (RFC 9568 §1.2).
type Family uint8

const (
	IPv4 Family = 4
	IPv6 Family = 6
)

// State is a state of RFC 9568 §6.4.
type State uint8

const (
	Init   State = iota // not started
	Backup              // watches the Active and stands ready
	Active              // holds the addresses and advertises
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

// String gives "ipv4" or "ipv6".
func (f Family) String() string {
	switch f {
	case IPv4:
		return "ipv4"
	case IPv6:
		return "ipv6"
	}
	return "family " + strconv.Itoa(int(f))
}

// Group is the multicast address of the family.
func (f Family) Group() netip.Addr {
	if f == IPv6 {
		return Group6
	}
	return Group4
}

// addrLen is the size of one address on the wire.
func (f Family) addrLen() int {
	if f == IPv6 {
		return 16
	}
	return 4
}

// String gives "init", "backup" or "active".
func (s State) String() string {
	switch s {
	case Init:
		return "init"
	case Backup:
		return "backup"
	case Active:
		return "active"
	}
	return "state " + strconv.Itoa(int(s))
}
