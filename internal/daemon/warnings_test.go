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

// A check that passes may need somebody all the same.
func TestCheckWarnings(t *testing.T) {
	st := &api.Status{Checks: []api.CheckState{
		{Name: "fine", State: "up"},
		{Name: "down", State: "down", Text: "refused"},
		{Name: "disk", State: "down", Target: "/mnt/ready", Hanging: true},
		{Name: "app", State: "down", Flapping: true, Text: "HTTP 503"},
		{Name: "cert", State: "up", Warning: true, Text: "the certificate ends in 5 days"},
	}}
	var codes []string
	for _, w := range checkWarnings(st) {
		codes = append(codes, w.Code)
		if w.Text == "" {
			t.Errorf("%s says nothing", w.Code)
		}
	}
	if want := []string{"HF2151", "HF2152", "HF2153"}; !slices.Equal(codes, want) {
		t.Errorf("warnings %v, want %v", codes, want)
	}
}

// Good news is in the journal, and not among what a person should look at.
func TestIsWarning(t *testing.T) {
	for code, want := range map[string]bool{"HF2024": true, "HF2025": false, "HF2032": false, "HF2033": true} {
		if got := isWarning(api.Event{Kind: "notice", Code: code}); got != want {
			t.Errorf("%s: %v, want %v", code, got, want)
		}
	}
}

// A node that is heard and cannot be told of connections is warned of; one that
// is off is not.
func TestUntold(t *testing.T) {
	st := &api.Status{
		Groups: []api.Group{{Peers: []api.Peer{{Node: "b", Address: "192.0.2.2", State: "backup"}, {Node: "c", Address: "fe80::3", State: "backup"}, {Node: "d", Address: "192.0.2.4", State: "gone"}}}},
		Flows:  &api.Mirror{Unreached: []api.MirrorUnreached{{Address: "192.0.2.2:9112", Why: "i/o timeout"}, {Address: "[fe80::3%eth0]:9112", Why: "refused"}, {Address: "192.0.2.4:9112", Why: "i/o timeout"}}},
	}
	var got []string
	for _, w := range untold(st) {
		got = append(got, w.Code+" "+w.Text[:len("connections do not survive a move to b")])
	}
	if want := []string{"HF3024 connections do not survive a move to b", "HF3024 connections do not survive a move to c"}; !slices.Equal(got, want) {
		t.Errorf("warnings %q, want %q", got, want)
	}
	if got := untold(&api.Status{}); got != nil {
		t.Errorf("without services: %v", got)
	}
}
