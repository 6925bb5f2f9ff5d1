package daemon

import (
	"hash/fnv"
	"io"
	"slices"

	"github.com/holdfast-net/holdfast/internal/config"
)

// The ports that full NAT sends from, on all nodes together. Nothing else can
// be at these of an address that it sends from: what comes there and is of no
// flow must not reach the host, which would answer a backend with a reset. So
// they begin above those that programs listen at.
const firstPort, lastPort = 16384, 65535

// parts is how many parts they have where the nodes do not know each other.
const parts = 4

// portsOf is the part of the ports that is this node's. A new holder may not
// know the youngest flows of the one before: it must not give their ports to
// others. Nodes of a cluster have as many parts as there are nodes; others take
// one of four by their names.
func portsOf(cfg *config.Config) [2]uint16 {
	name := fnv.New32a()
	_, _ = io.WriteString(name, cfg.Node)
	n, at := parts, int(name.Sum32()%parts)
	if c := cfg.Cluster; c != nil {
		if i := slices.IndexFunc(c.Nodes, func(v config.Voter) bool { return v.Name == cfg.Node }); i >= 0 {
			n, at = len(c.Nodes), i
		}
	}
	size := (lastPort - firstPort + 1) / n
	first := firstPort + at*size
	return [2]uint16{uint16(first), uint16(first + size - 1)}
}
