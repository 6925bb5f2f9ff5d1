package daemon

import (
	"slices"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
)

// A node that votes and is not heard on the LAN any more is alive behind a
// broken network; one that was never a peer, or a witness, is none.
func TestAliveElsewhere(t *testing.T) {
	now := time.Unix(1000, 0)
	st := &api.Status{
		Now: now,
		Voters: []api.Voter{
			{Name: "a", Self: true, LastSeen: now},
			{Name: "b", LastSeen: now},
			{Name: "c", LastSeen: now},
			{Name: "d", LastSeen: now.Add(-time.Hour)},
			{Name: "e", LastSeen: now},
			{Name: "w", Witness: true, LastSeen: now},
		},
		Groups: []api.Group{
			{Peers: []api.Peer{{Node: "b", State: "gone"}, {Node: "c", State: "gone"}, {Node: "d", State: "gone"}}},
			{Peers: []api.Peer{{Node: "c", State: "backup"}}},
		},
	}
	if got := aliveElsewhere(st); !slices.Equal(got, []string{"b"}) {
		t.Errorf("alive elsewhere are %v, want b", got)
	}
}
