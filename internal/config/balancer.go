package config

import "strconv"

// Balancer is how the kernel forwards.
type Balancer struct {
	Hook     string // where on an interface: auto, tc or xdp
	Flows    int    // established ones that there is room for
	HalfOpen int    // others
	Ports    Ports
}

// Ports are those that full NAT sends from, on all nodes together, and which part
// of them this node's is.
type Ports struct {
	First, Last uint16
	Parts       int // 0: as many as the cluster has nodes, or four
	Part        int // from 1; 0: the file does not say
}

type rawBalancer struct {
	hook                     val[string]
	flows, halfOpen          val[int]
	first, last, parts, part val[int]
}

func (rd *reader) balancer(top object) rawBalancer {
	o := top.child("balancer")
	return rawBalancer{
		hook: o.choice("hook"), flows: o.integer("flows"), halfOpen: o.integer("half_open"),
		first: o.integer("first_port"), last: o.integer("last_port"),
		parts: o.integer("parts"), part: o.integer("part"),
	}
}

func (b rawBalancer) build() Balancer {
	return Balancer{
		Hook: b.hook.v, Flows: b.flows.v, HalfOpen: b.halfOpen.v,
		Ports: Ports{First: uint16(b.first.v), Last: uint16(b.last.v), Parts: b.parts.v, Part: b.part.v},
	}
}

// fewestPorts is what a part of the ports has at least.
const fewestPorts = 256

// balancer checks the ports of full NAT.
func (c *checker) balancer() {
	b := c.raw.balancer
	switch {
	case b.part.v > 0 && b.part.v > b.parts.v:
		c.add(rulePorts, b.part.at, "say with parts: how many there are, the same on all nodes", "this node has part %d of %d", b.part.v, b.parts.v)
	case (b.last.v-b.first.v+1)/max(b.parts.v, 1) < fewestPorts:
		c.add(rulePorts, b.last.at, "a wider range, or fewer parts", "from port %d to %d there are not %d for each node", b.first.v, b.last.v, fewestPorts)
	}
}

func (s *settings) balancer(c *Config) {
	p := c.Balancer.Ports
	s.add("balancer.hook", Daemon, c.Balancer.Hook)
	s.add("balancer.flows", Daemon, strconv.Itoa(c.Balancer.Flows))
	s.add("balancer.half_open", Daemon, strconv.Itoa(c.Balancer.HalfOpen))
	s.add("balancer.first_port", Daemon, strconv.Itoa(int(p.First)))
	s.add("balancer.last_port", Daemon, strconv.Itoa(int(p.Last)))
	if p.Parts > 0 {
		s.add("balancer.parts", Daemon, strconv.Itoa(p.Parts))
	}
	if p.Part > 0 {
		s.add("balancer.part", Daemon, strconv.Itoa(p.Part))
	}
}
