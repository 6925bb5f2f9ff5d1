package chaos

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-net/holdfast/internal/api"
)

func at(second int) time.Time { return time.Date(2026, 1, 2, 12, 0, second, 0, time.UTC) }

// held is a hold between two seconds; to 0: it is not known when it ended.
func held(node string, epoch uint64, from, to int) tenure {
	t := tenure{node: node, epoch: epoch, from: at(from)}
	if to != 0 {
		t.to = at(to)
	}
	return t
}

func TestDisorder(t *testing.T) {
	for _, c := range []struct {
		name  string
		holds []tenure
		want  string // begins the only complaint; empty: none
	}{
		{"nothing", nil, ""},
		{"one after the other", []tenure{held("a", 1, 1, 2), held("b", 2, 3, 4), held("a", 3, 5, 6)}, ""},
		{"at the same instant", []tenure{held("a", 1, 1, 2), held("b", 2, 2, 3)}, ""},
		{"with a gap", []tenure{held("a", 1, 1, 2), held("b", 7, 3, 4)}, ""},
		{"an end that nobody saw", []tenure{held("a", 1, 1, 0), held("b", 2, 3, 4)}, ""},
		{"the same lease, held again", []tenure{held("a", 1, 1, 2), held("a", 1, 3, 4), held("b", 2, 5, 6)}, ""},
		{"the journals in any order", []tenure{held("b", 2, 3, 4), held("a", 1, 1, 2), held("a", 3, 5, 6)}, ""},

		{"one epoch for two", []tenure{held("a", 1, 1, 2), held("b", 1, 3, 4)}, "one epoch, two holds: a's"},
		{"one epoch for two, ends unknown", []tenure{held("a", 4, 1, 0), held("b", 4, 3, 0)}, "one epoch, two holds: a's"},
		{"the epoch falls", []tenure{held("a", 2, 1, 2), held("b", 1, 3, 4)}, "the higher epoch began first: b's"},
		{"it falls on one node", []tenure{held("a", 2, 1, 2), held("a", 1, 3, 4)}, "the higher epoch began first: a's"},
		{"it falls, ends unknown", []tenure{held("a", 2, 1, 0), held("b", 1, 3, 0)}, "the higher epoch began first: b's"},
		{"an overlap", []tenure{held("a", 1, 1, 4), held("b", 2, 3, 6)}, "the higher epoch began before the lower one was given up: a's"},
		{"one within another", []tenure{held("a", 1, 1, 9), held("b", 2, 3, 4)}, "the higher epoch began before the lower one was given up: a's"},
		{"an overlap with one before the last", []tenure{held("a", 1, 1, 5), held("b", 2, 2, 0), held("c", 3, 6, 7)}, "the higher epoch began before the lower one was given up: a's"},
		{"a lease that came back", []tenure{held("a", 1, 1, 2), held("b", 2, 3, 4), held("a", 1, 5, 6)}, "the higher epoch began first: a's"},
		{"no epoch", []tenure{held("a", 0, 1, 2)}, "a's epoch 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := disorder(c.holds)
			if c.want == "" && len(got) > 0 {
				t.Errorf("a right history: %q", got)
			}
			if c.want != "" && (len(got) == 0 || !strings.HasPrefix(got[0], c.want)) {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestTenures(t *testing.T) {
	move := func(second int, from, to string, epoch uint64) api.Event {
		return api.Event{Time: at(second), Kind: "transition", Group: groupName, From: from, To: to, Epoch: epoch}
	}
	journal := []api.Event{
		{Time: at(0), Kind: "daemon"},
		move(1, "init", "backup", 0),
		move(2, "backup", "active", 4),
		{Time: at(3), Kind: "transition", Group: "other", From: "active", To: "backup"},
		move(4, "active", "backup", 0), // given up
		move(5, "backup", "active", 6),
		{Time: at(8), Kind: "notice", Code: "HF2026", Group: groupName}, // over since nobody knows when
		move(8, "active", "backup", 0),
		move(9, "backup", "active", 8),
		{Time: at(12), Kind: "daemon"}, // killed, and started again
		move(12, "init", "backup", 0),
		move(13, "backup", "active", 9),
		{Time: at(14), Kind: "daemon"},   // an upgrade: the hold goes on
		move(15, "active", "backup", 0),  // and is given up
		move(16, "backup", "active", 10), // it has not ended
	}
	want := []tenure{held("a", 4, 2, 4), held("a", 6, 5, 0), held("a", 8, 9, 0), held("a", 9, 13, 15), held("a", 10, 16, 0)}
	if diff := cmp.Diff(want, tenures("a", journal), cmp.AllowUnexported(tenure{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
