package peer

import (
	"fmt"
	"testing"
	"time"
)

func TestCalls_Fresh(t *testing.T) {
	key := Key{ID: 1, Keys: map[uint8][]byte{1: {1}}, Window: 10 * time.Second}
	var calls Calls
	at := func(from string, sent, heard time.Duration) bool {
		return calls.Fresh(Call{From: from, Sent: now.Add(sent)}, key, now.Add(heard))
	}
	for i, c := range []struct {
		from        string
		sent, heard time.Duration
		fresh       bool
	}{
		{"b", 0, 0, true},
		{"b", 0, 0, false},
		{"c", 0, 0, true},
		{"b", -1, time.Second, false},
		{"b", 1, time.Second, true},
		{"b", 1, 21 * time.Second, false},     // the window may only now have ended for it
		{"b", 1, 21*time.Second + 1, true},    // it has ended
		{"b", -time.Hour, time.Minute, true},  // its clock was set back
		{"b", -time.Hour, time.Minute, false}, // and goes on from there
		{"b", -time.Hour + 1, time.Minute, true},
	} {
		if got := at(c.from, c.sent, c.heard); got != c.fresh {
			t.Errorf("%d: fresh is %t", i, got)
		}
	}
	for i := range 3 * maxNodes {
		at(fmt.Sprint(i), 0, 2*time.Minute)
	}
	if len(calls.last) != maxNodes {
		t.Errorf("%d are remembered", len(calls.last))
	}
}
