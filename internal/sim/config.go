package sim

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/holdfast-net/holdfast/internal/group"
	"github.com/holdfast-net/holdfast/vrrp"
)

// Config describes a world.
type Config struct {
	LANs    int // 0 means 1
	Path    Path
	Kernel  Kernel
	Late    time.Duration // a timer fires up to this much late
	Stall   float64       // probability that a process is paused before a step of its work
	Virtual bool          // the virtual MAC answers, else the interface's own
	Probe   time.Duration // time between two probes of each address by each LAN's client; 0: no clients
	Nodes   []Node
	Sets    []Set
}

// Kernel says how a kernel carries out orders.
type Kernel struct {
	Latency time.Duration // of one order
	Jitter  time.Duration // added to it, between 0 and this
	Fail    float64       // probability that an order is refused
}

// Set is groups that move together.
type Set struct {
	Groups []Group
}

// Group is one group as all nodes have it.
type Group struct {
	Name      string
	VRID      uint8
	LAN       int
	Families  []vrrp.Family
	Addresses []netip.Addr // of all families; none: one of each family is made up
	Version   uint8
	Interval  time.Duration
	Unicast   bool // all other nodes are peers
	HMAC      *vrrp.HMAC
	Pass      string
	Uses      []group.Use
	Announce  group.Announce
	BFD       BFD
}

// Node is one machine.
type Node struct {
	Name  string
	Plain bool // another vendor's: bare routers, nothing else
	Sets  []NodeSet
	// Tail, if set, is the last part of the link-local addresses, so that
	// the order of the IPv6 addresses differs from that of the IPv4 ones.
	Tail int
}

// NodeSet is how a node takes part in a set.
type NodeSet struct {
	Priority     uint8
	NoPreempt    bool
	PreemptDelay time.Duration
	StartupHold  time.Duration
	Interval     time.Duration // instead of that of the groups
	Version      uint8         // instead of that of the groups
}

// virtualRouter is one router of a set, on all nodes.
type virtualRouter struct {
	name   string
	set    int
	group  int // in the set
	index  int // in the set
	lan    int
	family vrrp.Family
	vrid   uint8
}

func routersOf(sets []Set) []virtualRouter {
	var out []virtualRouter
	for s := range sets {
		index := 0
		for g, c := range sets[s].Groups {
			for _, f := range c.Families {
				out = append(out, virtualRouter{
					name: fmt.Sprintf("%s %s", c.Name, f), set: s, group: g, index: index,
					lan: c.LAN, family: f, vrid: c.VRID,
				})
				index++
			}
		}
	}
	return out
}

func (v *virtualRouter) mac() mac {
	if v.family == vrrp.IPv4 {
		return 0x00005e000100 | mac(v.vrid) // RFC 9568 §7.3
	}
	return 0x00005e000200 | mac(v.vrid)
}

// subnets are the documentation prefixes of RFC 5737, one for each LAN.
var subnets = [...][3]byte{{192, 0, 2}, {198, 51, 100}, {203, 0, 113}}

// nodeAddr is the primary address of a node: .1 and fe80::1 for the first.
func (w *World) nodeAddr(n, lan int, f vrrp.Family) netip.Addr {
	if f == vrrp.IPv4 {
		s := subnets[lan]
		return netip.AddrFrom4([4]byte{s[0], s[1], s[2], byte(n + 1)})
	}
	tail := n + 1
	if t := w.cfg.Nodes[n].Tail; t != 0 {
		tail = t
	}
	return netip.AddrFrom16([16]byte{0: 0xfe, 1: 0x80, 13: byte(lan), 15: byte(tail)})
}

// addresses lists the addresses of a group in the order of the adverts. An
// IPv6 advert begins with a link-local one (RFC 9568 §5.2.9).
func (g *Group) addresses(f vrrp.Family) []netip.Addr {
	var out []netip.Addr
	if f == vrrp.IPv6 {
		out = append(out, netip.AddrFrom16([16]byte{0: 0xfe, 1: 0x80, 8: 2, 10: 0x5e, 11: 0xff, 12: 0xfe, 14: 2, 15: g.VRID}))
	}
	for _, a := range g.Addresses {
		if a.Is4() == (f == vrrp.IPv4) {
			out = append(out, a)
		}
	}
	if len(g.Addresses) > 0 {
		return out
	}
	if f == vrrp.IPv4 {
		s := subnets[g.LAN]
		return append(out, netip.AddrFrom4([4]byte{s[0], s[1], s[2], g.VRID}))
	}
	return append(out, netip.AddrFrom16([16]byte{0: 0x20, 1: 0x01, 2: 0x0d, 3: 0xb8, 7: byte(g.LAN), 15: g.VRID}))
}

// probed is the address of a group that clients ask.
func (g *Group) probed(f vrrp.Family) netip.Addr {
	a := g.addresses(f)
	return a[len(a)-1]
}

// groups is the configuration of a set on a node.
func (w *World) groups(n, s int) []group.Config {
	var out []group.Config
	mine := w.nodes[n].settings[s]
	for _, g := range w.nodes[n].sets[s].Groups {
		c := group.Config{Name: g.Name, Priority: mine.Priority, Uses: g.Uses, Announce: g.Announce}
		for _, f := range g.Families {
			c.Routers = append(c.Routers, w.router(n, &g, mine, f))
		}
		out = append(out, c)
	}
	return out
}

func (w *World) router(n int, g *Group, mine NodeSet, f vrrp.Family) vrrp.Config {
	c := vrrp.Config{
		VRID: g.VRID, Family: f, Version: g.Version, Priority: mine.Priority, Interval: g.Interval,
		NoPreempt: mine.NoPreempt, PreemptDelay: mine.PreemptDelay, StartupHold: mine.StartupHold,
		Addresses: g.addresses(f), Source: w.nodeAddr(n, g.LAN, f), HMAC: g.HMAC, Pass: g.Pass,
	}
	if mine.Interval != 0 {
		c.Interval = mine.Interval
	}
	if mine.Version != 0 {
		c.Version = mine.Version
	}
	if g.Unicast {
		for o := range w.cfg.Nodes {
			if o != n {
				c.Peers = append(c.Peers, w.nodeAddr(o, g.LAN, f))
			}
		}
	}
	return c
}

// cloneSets lets each node have settings of its own.
func cloneSets(sets []Set) []Set {
	out := slices.Clone(sets)
	for i := range out {
		out[i].Groups = slices.Clone(out[i].Groups)
		for g := range out[i].Groups {
			c := &out[i].Groups[g]
			c.Addresses = slices.Clone(c.Addresses)
			c.Uses = slices.Clone(c.Uses)
		}
	}
	return out
}
