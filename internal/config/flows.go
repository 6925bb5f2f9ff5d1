package config

import (
	"net/netip"
	"slices"
	"strconv"
	"time"
)

// Flows is how nodes tell each other the connections of their services.
type Flows struct {
	Port  uint16        // TCP; 0: they do not
	Wait  time.Duration // how long a node that could preempt waits for them
	Peers []netip.Addr  // nodes that are to be told besides those that are known
}

type rawFlows struct {
	port  val[int]
	wait  val[time.Duration]
	peers []val[netip.Addr]
}

func (rd *reader) flows(top object) rawFlows {
	o := top.child("flows")
	f := rawFlows{port: o.integer("port"), wait: o.duration("wait")}
	f.peers, _, _ = o.addrs("peers")
	return f
}

func (f rawFlows) build() Flows {
	out := Flows{Port: uint16(f.port.v), Wait: f.wait.v}
	for _, p := range f.peers {
		out.Peers = append(out.Peers, p.v)
	}
	return out
}

// flows checks whom nodes tell of their connections. All nodes may have the same
// list: who finds itself in it does not call itself.
func (c *checker) flows(holders map[netip.Addr]string) {
	for _, p := range c.raw.flows.peers {
		switch group, moving := holders[p.v]; {
		case unusable(p.v) != "":
			c.add(rulePeerAddress, p.at, "write the address of another node", "%s cannot be a peer: %s", p.v, unusable(p.v))
		case moving:
			c.add(rulePeerAddress, p.at, "write the node's own address, which does not move", "%s cannot be a peer: it is an address of group %s", p.v, group)
		}
	}
}

// alone warns of a service whose flows no other node would ever be told of: nodes
// are found by their VRRP, by the cluster, or by the file.
func (c *checker) alone(s *rawService, group string) {
	i := slices.IndexFunc(c.raw.groups, func(g *rawGroup) bool { return g.name == group })
	if i < 0 || c.raw.groups[i].lease == nil || c.raw.cluster != nil || c.raw.flows.port.v == 0 || len(c.raw.flows.peers) > 0 {
		return
	}
	c.add(ruleServiceProxy, s.at, "name the addresses of the nodes: flows: {peers: [192.0.2.1, 192.0.2.2]}; the same list on all of them",
		"connections of service %s end when its address moves: the group has a lease and there is no cluster:, so this node does not know whom to tell of them", s.name)
}

func (s *settings) flows(c *Config) {
	s.add("flows.port", InPlace, strconv.Itoa(int(c.Flows.Port)))
	s.add("flows.wait", InPlace, duration(c.Flows.Wait))
	s.add("flows.peers", InPlace, list(texts(c.Flows.Peers, netip.Addr.String)))
}
