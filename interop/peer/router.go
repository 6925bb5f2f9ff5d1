package peer

import (
	"net/netip"
	"time"
)

// Router is one virtual router of one address family, or for holdfast and
// keepalived's sync groups the IPv4 or the IPv6 half of more.
type Router struct {
	Name      string // the group's name
	Interface string
	ID        uint8
	Priority  uint8
	Interval  time.Duration
	Version   int
	NoPreempt bool
	Addresses []netip.Prefix // IPv6: the first is link-local
	Source    netip.Addr     // with Peers: this node's own address
	Peers     []netip.Addr   // none: multicast
	Pass      string         // version 2 PASS
	MAC       MAC
	Checksum  string   // holdfast's word for the IPv4 checksum that it sends; others have one form
	Hops      uint8    // holdfast's: the lowest TTL or hop limit that is heard; 0: 255
	Guard     string   // holdfast's: what becomes of the group in a partition
	Lease     string   // holdfast's: what is after lease:, in place of VRRP
	Further   []string // lines for keepalived's vrrp_instance, or for vrrp: of holdfast's group
}

// MAC is the Ethernet address behind the virtual ones.
type MAC string

// The two kinds of MAC. The zero value is the daemon's own default: virtual
// for holdfast and FRR, physical for keepalived.
const (
	VirtualMAC  MAC = "virtual"
	PhysicalMAC MAC = "physical"
)

// six tells whether the router's addresses are IPv6.
func (r Router) six() bool { return len(r.Addresses) > 0 && r.Addresses[0].Addr().Is6() }

// States, in the words of RFC 9568.
const (
	Init   = "init"
	Backup = "backup"
	Active = "active"
	Fault  = "fault"
)
