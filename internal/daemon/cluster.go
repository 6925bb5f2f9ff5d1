package daemon

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/vote"
)

// newAgent makes the node's part in the votes of its cluster. It abstains as
// long as a promise of an earlier process may last. Now is the gate's, whose
// clock is not this process's where that has a time namespace of its own.
func (d *Daemon) newAgent(cfg *config.Config, now vote.Instant) (*vote.Agent, error) {
	var random [24]byte
	_, _ = rand.Read(random[:]) // never fails: crypto/rand ends the program instead
	c := vote.Config{
		Name: cfg.Node, Seed: random[:16], Session: binary.NativeEndian.Uint64(random[16:]) | 1,
		Abstain: now + vote.Instant(d.promised(cfg)),
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

// promised is how long a promise of an earlier process of this node may last:
// the longest term that it left in the state directory, or what no term
// exceeds.
func (d *Daemon) promised(cfg *config.Config) time.Duration {
	path := termFile(cfg)
	before, err := readTerm(path)
	if err != nil {
		before = vote.MaxTerm
	}
	if raiseTerm(cfg, before) != nil {
		return vote.MaxTerm
	}
	// By then what others promised is over, and only this process counts.
	time.AfterFunc(vote.MaxTerm, func() { _ = writeTerm(path, longestTerm(d.current.Load().cfg)) })
	return before
}

// raiseTerm leaves word of the longest promise that this process may make,
// before it makes one.
func raiseTerm(cfg *config.Config, least time.Duration) error {
	path, term := termFile(cfg), max(longestTerm(cfg), least)
	if before, err := readTerm(path); err == nil && before >= term {
		return nil
	}
	return writeTerm(path, term)
}

func termFile(cfg *config.Config) string { return filepath.Join(cfg.State, "longest-term") }

func longestTerm(cfg *config.Config) time.Duration {
	longest := vote.MinTerm
	for i := range cfg.Groups {
		if cfg.Groups[i].Guard.Kind == config.GuardMajority {
			longest = max(longest, vote.TermOf(cfg.Groups[i].VRRP.Interval))
		}
	}
	return longest
}

func writeTerm(path string, term time.Duration) error {
	return os.WriteFile(path, []byte(term.String()+"\n"), 0o600)
}

func readTerm(path string) (time.Duration, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	term, err := time.ParseDuration(strings.TrimSpace(string(b)))
	if err != nil || term < 0 || term > vote.MaxTerm {
		return 0, fmt.Errorf("cannot read %s: not a time up to %s", path, vote.MaxTerm)
	}
	return term, nil
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
