package vrrp

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
)

// Every constant has words of its own: short, lower case, and ours.
func TestText(t *testing.T) {
	plain := regexp.MustCompile(`^[a-z][a-z0-9 ,'-]*$`)
	seen := map[string]string{}
	say := func(kind string, s fmt.Stringer) {
		t.Helper()
		text := s.String()
		if !plain.MatchString(text) || len(text) > 60 || strings.Contains(text, "master") {
			t.Errorf("%s says %q", kind, text)
		}
		if strings.HasPrefix(text, kind+" ") {
			t.Errorf("%s has no words: %q", kind, text)
		}
		if other := seen[kind+text]; other != "" {
			t.Errorf("%s says %q twice", kind, text)
		}
		seen[kind+text] = text
	}
	for _, f := range []Family{IPv4, IPv6} {
		say("family", f)
	}
	for s := Init; s <= Active; s++ {
		say("state", s)
	}
	for d := DropNone; d < NumDrops; d++ {
		say("drop", d)
	}
	for n := NoticeNone; n <= NoticeDuplicatePriority; n++ {
		say("notice", n)
	}
	for r := ReasonNone; r <= ReasonLapsed; r++ {
		say("reason", r)
	}
	for k := EventTick; k <= EventPreempt; k++ {
		say("event", k)
	}
	for k := ActionSend; k <= ActionReport; k++ {
		say("action", k)
	}
	for m := ChecksumAuto; m <= ChecksumRFC9568; m++ {
		say("checksum mode", m)
	}
	for m := Enforce; m <= ReceiveOnly; m++ {
		say("hmac mode", m)
	}
}

// What is no constant says so.
func TestText_Unknown(t *testing.T) {
	for want, s := range map[string]fmt.Stringer{
		"family 7":         Family(7),
		"state 9":          State(9),
		"drop 200":         Drop(200),
		"notice 200":       Notice(200),
		"reason 200":       Reason(200),
		"event 200":        EventKind(200),
		"action 200":       ActionKind(200),
		"checksum mode 99": ChecksumMode(99),
	} {
		if got := s.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestText_EventsAndActions(t *testing.T) {
	for want, s := range map[string]fmt.Stringer{
		"tick":                  Tick(),
		"packet from 192.0.2.9": Received(&Packet{Src: lower}),
		"packet":                Received(nil),
		"priority 150":          SetPriority(150),
		"preempt on":            SetPreempt(true),
		"preempt off":           SetPreempt(false),
		"send priority 0":       Action{},
		"action 9":              Action{Kind: 9},
		"ask: the active node left (192.0.2.9 priority 0)": Action{Kind: ActionAsk, Reason: ReasonPeerLeft, Peer: lower},
		"report: peer has another interval: interval differs, 2s instead of 1s": Action{
			Kind: ActionReport, Notice: NoticeInterval, Drop: DropInterval, Got: 2 * time.Second, Want: time.Second,
		},
	} {
		if got := s.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// A transition's words fit into the sentence "web became active: ...".
func TestText_TransitionsHaveAReason(t *testing.T) {
	for r := ReasonStartup; r <= ReasonLapsed; r++ {
		a := Action{Kind: ActionTransition, From: Backup, To: Active, Reason: r}
		if got := a.String(); !strings.HasPrefix(got, "backup -> active: ") || strings.Contains(got, "no reason") {
			t.Errorf("%q", got)
		}
	}
}
