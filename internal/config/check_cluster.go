package config

import (
	"net/netip"
	"slices"
)

// maxVoters is how many nodes and witnesses may vote.
const maxVoters = 15

// cluster checks the voters, and that guards can do what they say.
func (c *checker) cluster() {
	if c.raw.cluster != nil && !c.raw.cluster.wrong {
		c.voters(c.raw.cluster)
	}
	if w := c.raw.witness; w != nil && len(c.raw.groups) > 0 {
		c.add(ruleWitnessHolds, w.at, "run the witness on another host, with a file of its own; nodes vote already", "a witness holds nothing, but the file has groups")
	}
	for _, g := range c.raw.groups {
		c.guard(g)
		if g.guard.gateway.set() {
			c.gateway(g)
		}
	}
	c.guardsTogether()
}

func (c *checker) voters(cl *rawCluster) {
	all := cl.voters()
	if len(all) > maxVoters {
		c.add(ruleTooManyVoters, cl.at, "five voters stand the loss of two", "there are %d voters, and at most %d", len(all), maxVoters)
	}
	names, addrs := map[string]rawVoter{}, map[netip.AddrPort]rawVoter{}
	for i, v := range all {
		if first, twice := names[v.name]; twice {
			c.add(ruleVoterTwice, v.at, "a voter has one name and one vote", "%s already votes (line %d)", v.name, first.at.line)
		}
		names[v.name] = v
		if v.addr.from == given {
			c.voterAddress(v, i < len(cl.nodes), addrs)
		}
	}
	switch node := c.node(); {
	case node == "" || len(cl.nodes) == 0:
	case c.raw.witness != nil && !slices.ContainsFunc(cl.witnesses, func(v rawVoter) bool { return v.name == node }):
		c.add(ruleNotVoter, cl.at, "add it to witnesses, or write node: and its name there", "this witness, %s, is not among the witnesses of the cluster", node)
	case c.raw.witness == nil && !cl.hasNode(node):
		c.add(ruleNotVoter, cl.at, "add it to nodes, or write node: and its name there", "this node, %s, is not among the nodes of the cluster", node)
	}
}

func (c *checker) voterAddress(v rawVoter, node bool, seen map[netip.AddrPort]rawVoter) {
	a := v.addr.v
	if first, twice := seen[a]; twice {
		c.add(ruleVoterTwice, v.addr.at, "a voter has one name and one vote", "%s is already the address of %s (line %d)", a.Addr(), first.name, first.at.line)
	}
	seen[a] = v
	for _, g := range c.raw.groups {
		if g.holds(a.Addr()) {
			c.add(ruleVoterMoves, v.addr.at, "write the node's own address, which does not move", "%s cannot be the address of a voter: it is one of group %s", a.Addr(), g.name)
			return
		}
	}
	own, link := c.ownLink(a.Addr())
	switch mine := v.name == c.node() && node == (c.raw.witness == nil); {
	case c.facts.Links == nil || a.Addr().IsLoopback():
	case own && !mine && !node:
		c.add(ruleVoterPlace, v.addr.at, "put the witness on another host: with this node, both votes are lost", "witness %s is on this node: %s is an address of %s", v.name, a.Addr(), link)
	case own && !mine:
		c.add(ruleVoterPlace, v.addr.at, "the address of a node is its own", "%s is this node: %s is an address of %s", v.name, a.Addr(), link)
	case mine && !own && c.facts.Links != nil:
		c.add(ruleVoterPlace, v.addr.at, "the others send their votes there", "%s is not an address of this node", a.Addr())
	}
}

// node is this node's name, where it is known.
func (c *checker) node() string {
	if c.raw.node.v != "" {
		return c.raw.node.v
	}
	return c.facts.Hostname
}

// guard checks that a guard has somebody to ask.
func (c *checker) guard(g *rawGroup) {
	if !g.guard.word.set() || g.guard.word.v != "guarded" || c.raw.cluster != nil && c.raw.cluster.wrong {
		return
	}
	at, hint := g.guard.word.at, "add a witness: cluster: {nodes: {lb1: 192.0.2.1, lb2: 192.0.2.2}, witnesses: {w1: 192.0.2.9}, key: {file: PATH}}; or use guard: available"
	switch n := len(c.raw.cluster.voters()); {
	case n == 0:
		c.add(ruleNoVoters, at, hint, "guard: guarded needs a cluster of at least three voters, and there is none")
	case n < 3:
		c.add(ruleNoVoters, at, hint, "guard: guarded needs at least three voters: of %d, none may ever be lost", n)
	}
}

// gateway checks that a gateway is a third party: who answers itself, or is
// answered by the node that it should be isolated from, is guarded by nobody.
func (c *checker) gateway(g *rawGroup) {
	gw := g.guard.gateway.v
	complain := func(hint, format string, args ...any) {
		c.add(ruleGateway, g.guard.gateway.at, hint, format, args...)
	}
	const hint = "name a router, or another host of the LAN that is always there and takes no part"
	if why := unusable(gw); why != "" {
		complain(hint, "gateway %s cannot be asked: %s", gw, why)
		return
	}
	for _, o := range c.raw.groups {
		if o.holds(gw) {
			complain(hint, "gateway %s is an address of group %s", gw, o.name)
			return
		}
	}
	if c.raw.cluster != nil {
		for _, v := range c.raw.cluster.nodes {
			if v.addr.from == given && v.addr.v.Addr() == gw {
				complain(hint, "gateway %s is node %s", gw, v.name)
				return
			}
		}
	}
	for _, p := range g.vrrp.peers {
		if p.from == given && p.v == gw {
			complain(hint, "gateway %s is a node: it is a peer of group %s", gw, g.name)
			return
		}
	}
	if own, link := c.ownLink(gw); own {
		complain(hint, "gateway %s is this node: it is an address of %s", gw, link)
	}
}

// guardsTogether checks that groups which move together have one guard.
func (c *checker) guardsTogether() {
	together := closure(c.raw.groups)
	byName := map[string]*rawGroup{}
	for _, g := range c.raw.groups {
		byName[g.name] = g
	}
	for _, g := range c.raw.groups {
		for _, name := range together[g.name] {
			other := byName[name]
			if other == nil || name > g.name || g.guard.bad() || other.guard.bad() || g.lease != nil || other.lease != nil {
				continue
			}
			if c.raw.guardOf(g) != c.raw.guardOf(other) {
				c.add(ruleGuardsDiffer, g.guard.place(g), "write the same guard for both", "group %s moves together with %s, which has another guard", g.name, name)
				break
			}
		}
	}
}
