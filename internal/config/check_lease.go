package config

import "time"

// elections checks that each group has one election, and that a lease has a
// store that suits it.
func (c *checker) elections() {
	for _, g := range c.raw.groups {
		if g.lease == nil {
			continue
		}
		if g.vrrp != nil {
			c.add(ruleTwoElections, g.lease.at, "keep one of them", "group %s has two elections: vrrp and lease", g.name)
		}
		if g.guard.word.set() || g.guard.gateway.set() {
			c.add(ruleLeaseGuard, g.guard.place(g), "remove it", "group %s needs no guard: a lease is held by one node whatever the network does", g.name)
		}
		c.store(g)
	}
	c.electionsTogether()
	if c.raw.cluster != nil && !c.raw.cluster.wrong && c.raw.cluster.store != nil {
		c.members(c.raw.cluster)
	}
}

func (c *checker) store(g *rawGroup) {
	l := g.lease
	if l.external() {
		c.externalStore(g)
		return
	}
	for _, x := range []struct {
		name string
		set  bool
	}{{"endpoints", len(l.endpoints) > 0}, {"tls", l.tls != nil}, {"user", l.user.set()}, {"password", l.password != nil}} {
		if x.set && l.store.from != wrong {
			c.add(ruleLeaseStore, l.at, "add store: etcd, or remove it", "%s belongs to an etcd elsewhere, and group %s uses the cluster's store", x.name, g.name)
		}
	}
	switch cl := c.raw.cluster; {
	case l.store.from == wrong || cl != nil && (cl.wrong || cl.storeWrong):
	case cl == nil || cl.store == nil:
		c.add(ruleLeaseStore, l.at, "add cluster: {nodes: {lb1: 192.0.2.1, lb2: 192.0.2.2}, witnesses: {w1: 192.0.2.9}, store: embedded}, or to the lease store: etcd and endpoints: [...]",
			"the lease of group %s has no store: the cluster has none", g.name)
	case l.ttl.good() && l.ttl.v < cl.shortestTTL():
		c.add(ruleLeaseTTL, l.ttl.at, "use a ttl of at least "+duration(cl.shortestTTL())+", or a shorter heartbeat of the cluster's store",
			"group %s may be lost with the leader of the store: another one takes up to %s, while nothing is renewed", g.name, duration(cl.shortestTTL()/3))
	}
}

func (c *checker) externalStore(g *rawGroup) {
	l := g.lease
	if len(l.endpoints) == 0 {
		c.add(ruleLeaseStore, l.at, "add endpoints: [\"https://192.0.2.21:2379\", …], all members of the etcd", "the lease of group %s has no endpoints", g.name)
	}
	if l.user.set() != (l.password != nil) {
		c.add(ruleLeaseStore, l.at, "write user: NAME and password: {file: PATH}", "a user needs a password, and a password a user")
	}
	if t := l.tls; t != nil {
		if t.ca.from == absent {
			c.add(ruleMissing, t.at, "add ca: PATH, the certificate that signed those of the members", "tls has no ca")
		}
		if t.cert.set() != t.key.set() && t.cert.good() && t.key.good() {
			c.add(ruleMissing, t.at, "write both, or neither", "tls has one of cert and key")
		}
	}
}

// electionsTogether checks that groups which move together are elected in one
// way, with one store.
func (c *checker) electionsTogether() {
	byName := map[string]*rawGroup{}
	for _, g := range c.raw.groups {
		byName[g.name] = g
	}
	together := closure(c.raw.groups)
	for _, g := range c.raw.groups {
		for _, name := range together[g.name] {
			other := byName[name]
			if other == nil || name > g.name || g.vrrp == nil && g.lease == nil || other.vrrp == nil && other.lease == nil {
				continue
			}
			switch {
			case (g.lease == nil) != (other.lease == nil):
				c.add(ruleElectionsDiffer, g.at, "give both a vrrp or both a lease", "group %s moves together with %s, which has another kind of election", g.name, name)
			case g.lease != nil && !g.lease.build().Store.Equal(other.lease.build().Store):
				c.add(ruleElectionsDiffer, g.lease.at, "write the same store for both", "group %s moves together with %s, whose lease is in another store", g.name, name)
			default:
				continue
			}
			break
		}
	}
}

// members checks that the store of a cluster survives a loss.
func (c *checker) members(cl *rawCluster) {
	switch n := len(cl.voters()); {
	case n == 0:
	case n == 1:
		c.add(ruleMembers, cl.store.at, "three members stand the loss of one", "the store has one member: all is lost with it")
	case n%2 == 0:
		c.add(ruleMembers, cl.store.at, "add a witness, or leave one out", "the store has %d members: it stands no more losses than with %d, and is lost sooner", n, n-1)
	}
}

func (c *rawCluster) shortestTTL() time.Duration {
	return (&Embedded{Heartbeat: c.store.heartbeat.v}).ShortestTTL()
}
