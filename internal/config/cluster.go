package config

import (
	"cmp"
	"net/netip"
	"slices"
	"time"
)

// Cluster is who votes on which node may hold a guarded group.
type Cluster struct {
	Nodes     []Voter // sorted by name; this node is one of them
	Witnesses []Voter // sorted by name; they vote and never hold
	// Keys sign votes (the first) and are accepted (all). Facts without Files
	// leave them empty.
	Keys []Secret
	// Store is the etcd that all of them make up; nil: none.
	Store *Embedded
}

// Voter is one that votes.
type Voter struct {
	Name string
	Addr netip.AddrPort // UDP
}

// Voters is how many votes there are.
func (c *Cluster) Voters() int {
	if c == nil {
		return 0
	}
	return len(c.Nodes) + len(c.Witnesses)
}

// Witness makes the daemon one that votes and never holds.
type Witness struct {
	Listen string // host:port, UDP; the host may be empty
	Keys   []Secret
}

// Guard is what keeps a node that is cut off from holding a group.
type Guard struct {
	Kind    GuardKind
	Gateway netip.Addr // of GuardGateway
}

// GuardKind is one of four guards.
type GuardKind uint8

const (
	// GuardAvailable prefers two answers to none: plain VRRP.
	GuardAvailable GuardKind = iota
	// GuardMajority lets the node hold that a majority of the cluster's
	// voters has promised to.
	GuardMajority
	// GuardGateway lets a node hold while the gateway answers it.
	GuardGateway
	// GuardStrict is that of a lease: whoever does not hold it in the store
	// does not hold, and nobody before an earlier hold is over.
	GuardStrict
)

// String is the guard as the file has it.
func (g Guard) String() string {
	switch g.Kind {
	case GuardMajority:
		return "guarded"
	case GuardGateway:
		return "{gateway: " + g.Gateway.String() + "}"
	case GuardStrict:
		return "strict"
	}
	return "available"
}

// rawGuard is a guard as it was written; neither: not at all.
type rawGuard struct {
	word    val[string]
	gateway val[netip.Addr]
	at      span
}

func (g rawGuard) bad() bool { return g.word.from == wrong || g.gateway.from == wrong }

// place is where to complain about it.
func (g rawGuard) place(in *rawGroup) span {
	if g.word.set() {
		return g.word.at
	}
	if g.gateway.set() {
		return g.at
	}
	return in.at
}

type rawCluster struct {
	at               span
	wrong            bool
	nodes, witnesses []rawVoter
	keys             []*rawSecret
	store            *rawEmbedded // nil: none
	storeWrong       bool         // it could not be read
}

type rawEmbedded struct {
	at           span
	certificates val[string]
	heartbeat    val[time.Duration]
}

type rawVoter struct {
	name string
	at   span
	addr val[netip.AddrPort]
}

type rawWitness struct {
	at     span
	listen val[string]
	keys   []*rawSecret
}

func (c *rawCluster) voters() []rawVoter {
	if c == nil {
		return nil
	}
	return slices.Concat(c.nodes, c.witnesses)
}

// has tells whether a node or witness is of the cluster.
func (c *rawCluster) has(name string) bool {
	return slices.ContainsFunc(c.voters(), func(v rawVoter) bool { return v.name == name })
}

func (c *rawCluster) hasNode(name string) bool {
	return slices.ContainsFunc(c.nodes, func(v rawVoter) bool { return v.name == name })
}

// guardOf is the guard of a group: what was written, else a majority where
// there are enough voters for one to survive a loss.
func (c *rawConfig) guardOf(g *rawGroup) Guard {
	switch {
	case g.lease != nil:
		return Guard{Kind: GuardStrict}
	case g.guard.gateway.set():
		return Guard{GuardGateway, g.guard.gateway.v}
	case g.guard.word.set() && g.guard.word.v == "guarded", !g.guard.word.set() && len(c.cluster.voters()) >= 3:
		return Guard{Kind: GuardMajority}
	}
	return Guard{}
}

func (c *rawCluster) build() *Cluster {
	if c == nil {
		return nil
	}
	return &Cluster{Nodes: buildVoters(c.nodes), Witnesses: buildVoters(c.witnesses), Keys: buildKeys(c.keys), Store: c.store.build()}
}

func (e *rawEmbedded) build() *Embedded {
	if e == nil {
		return nil
	}
	return &Embedded{Certificates: e.certificates.v, Heartbeat: e.heartbeat.v}
}

func (w *rawWitness) build() *Witness {
	if w == nil {
		return nil
	}
	return &Witness{Listen: w.listen.v, Keys: buildKeys(w.keys)}
}

func buildVoters(in []rawVoter) []Voter {
	var out []Voter
	for _, v := range in {
		out = append(out, Voter{v.name, v.addr.v})
	}
	slices.SortFunc(out, func(a, b Voter) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

func buildKeys(in []*rawSecret) []Secret {
	var out []Secret
	for _, s := range in {
		if s.found {
			out = append(out, s.value)
		}
	}
	return out
}
