package bfd

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// Every constant has words of its own: short and lower case.
func TestText(t *testing.T) {
	plain := regexp.MustCompile(`^[a-z][a-z0-9 ]*$`)
	seen := map[string]bool{}
	say := func(kind string, s fmt.Stringer) {
		t.Helper()
		text := s.String()
		if !plain.MatchString(text) || len(text) > 60 || strings.HasPrefix(text, kind+" ") || seen[kind+text] {
			t.Errorf("%s says %q", kind, text)
		}
		seen[kind+text] = true
	}
	for s := AdminDown; s <= Up; s++ {
		say("state", s)
	}
	for d := DiagNone; d <= DiagReverseConcatDown; d++ {
		say("diagnostic", d)
	}
	for d := DropNone; d < NumDrops; d++ {
		say("drop", d)
	}
	for r := ReasonNone; r <= ReasonNeighbourAdminDown; r++ {
		say("reason", r)
	}
	for k := EventTick; k <= EventWake; k++ {
		say("event", k)
	}
	for k := ActionSend; k <= ActionTransition; k++ {
		say("action", k)
	}
	for a := AuthNone; a <= AuthSHA1Strict; a++ {
		say("authentication type", a)
	}
}

// What is no constant says so.
func TestText_Unknown(t *testing.T) {
	for want, s := range map[string]fmt.Stringer{
		"state 9":                State(9),
		"diagnostic 31":          Diag(31),
		"drop 200":               Drop(200),
		"reason 200":             Reason(200),
		"event 200":              EventKind(200),
		"action 9":               Action{Kind: 9},
		"authentication type 77": AuthType(77),
	} {
		if got := s.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
