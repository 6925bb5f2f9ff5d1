package daemon

import (
	"crypto/rand"
	"encoding/binary"
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/vote"
)

// newAgent makes the node's part in the votes of its cluster. It abstains as
// long as a promise of an earlier process may last.
func newAgent(cfg *config.Config) (*vote.Agent, error) {
	var random [24]byte
	_, _ = rand.Read(random[:]) // never fails: crypto/rand ends the program instead
	c := vote.Config{
		Name: cfg.Node, Seed: random[:16], Session: binary.NativeEndian.Uint64(random[16:]) | 1,
		Abstain: boottime() + vote.Instant(vote.MaxTerm),
	}
	for _, v := range cfg.Cluster.Nodes {
		c.Voters = append(c.Voters, vote.VoterAddr{Name: v.Name, Addr: v.Addr})
	}
	for _, v := range cfg.Cluster.Witnesses {
		c.Voters = append(c.Voters, vote.VoterAddr{Name: v.Name, Addr: v.Addr, Witness: true})
	}
	for _, k := range cfg.Cluster.Keys {
		c.Keys = append(c.Keys, k.Bytes())
	}
	return vote.NewAgent(c)
}

// describeVoters is what the status says of the cluster.
func describeVoters(now time.Time, views []vote.VoterView) []api.Voter {
	var out []api.Voter
	for _, v := range views {
		a := api.Voter{
			Name: v.Name, Address: v.Addr.String(), Witness: v.Witness, Self: v.Self,
			Trip: api.Duration(v.Trip), Abstains: api.Duration(v.Abstains), Twin: v.Twin,
		}
		if v.Heard >= 0 {
			a.LastSeen = now.Add(-v.Heard)
		}
		out = append(out, a)
	}
	return out
}
