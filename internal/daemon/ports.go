package daemon

import (
	"fmt"
	"hash/fnv"
	"io"
	"slices"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/balance/mirror"
	"github.com/holdfast-net/holdfast/internal/config"
)

// parts is how many parts the ports of full NAT have where the nodes do not know
// each other.
const parts = 4

// partOf is the part of the ports that this node begins with. A new holder may not
// know the youngest flows of the one before: it must not give their ports to
// others. What the file says holds. Nodes of a cluster have as many parts as there
// are nodes, in the order of the file; others begin with the part of their name,
// and the mirror moves one of two that have the same.
//
// Nothing else can be at these ports of an address that full NAT sends from: what
// comes there and is of no flow must not reach the host, which would answer a
// backend with a reset. So they begin above those that programs listen at.
func partOf(cfg *config.Config) mirror.Share {
	of := cfg.Balancer.Ports
	name := fnv.New32a()
	_, _ = io.WriteString(name, cfg.Node)
	s := mirror.Share{First: of.First, Last: of.Last, Parts: of.Parts, Part: of.Part - 1, Fixed: of.Part > 0}
	if s.Fixed {
		return s
	}
	if s.Parts == 0 {
		s.Parts = parts
	}
	if c := cfg.Cluster; c != nil && (of.Parts == 0 || of.Parts >= len(c.Nodes)) {
		if i := slices.IndexFunc(c.Nodes, func(v config.Voter) bool { return v.Name == cfg.Node }); i >= 0 {
			s.Parts, s.Part, s.Fixed = max(len(c.Nodes), of.Parts), i, true
			return s
		}
	}
	s.Part = int(name.Sum32() % uint32(s.Parts))
	return s
}

// clashing warns of nodes that have the same ports.
func clashing(st *api.Status) (out []api.Warning) {
	if st.Flows == nil {
		return nil
	}
	for _, p := range st.Flows.Peers {
		if p.Clash {
			out = append(out, api.Warning{Code: mirror.CodeShare, Since: st.Now, Text: fmt.Sprintf(
				"%s takes ports of full NAT that are this node's, too (%s): give each node a balancer.part of its own", p.Node, p.Ports)})
		}
	}
	return out
}
