package vrrp

import (
	"net/netip"
	"slices"
	"testing"
	"time"
)

const (
	askSilent = "ask: no active node was heard (192.0.2.20 priority 200)"
	askAlone  = "ask: no active node was heard"
)

// With Ask set a backup asks before it becomes Active, once.
func TestAsk_WaitsForTheGrant(t *testing.T) {
	n := backup(t, ipv4(ask))
	n.hear(higher, 200)
	n.wait(down100, askSilent)
	n.in(Backup)
	if !n.Asking() || !n.Deadline().IsZero() {
		t.Errorf("asking %v, deadline %s; want to wait for the grant alone", n.Asking(), n.Deadline())
	}
	n.wait(time.Hour)
	n.do(Tick())
	n.do(Grant(), "backup -> active: no active node was heard (192.0.2.20 priority 200)", "send priority 100")
	if n.Asking() {
		t.Error("still asking after the grant")
	}
	n.do(Grant())
	n.wait(time.Second, "send priority 100")
}

// An Active that is heard after all ends the question.
func TestAsk_IsTakenBack(t *testing.T) {
	n := backup(t, ipv4(ask))
	n.wait(down100, askAlone)
	n.hear(higher, 200)
	if n.Asking() {
		t.Error("still asking")
	}
	n.due(down100)
}

// One that leaves does not: this router has waited already, and all that
// changes is the cause.
func TestAsk_StandsWhenTheActiveLeaves(t *testing.T) {
	n := backup(t, ipv4(ask))
	n.wait(down100, askAlone)
	n.hear(higher, 0)
	if !n.Asking() {
		t.Error("no longer asking")
	}
	n.do(Grant(), "backup -> active: the active node left (192.0.2.20 priority 0)", "send priority 100")
}

// A lower priority Active does not end it: it would be preempted anyway.
func TestAsk_StandsAgainstALowerPriority(t *testing.T) {
	n := backup(t, ipv4(ask))
	n.wait(down100, askAlone)
	n.hear(lower, 50)
	if !n.Asking() {
		t.Error("a lower priority ended the question")
	}
	n.do(Grant(), "backup -> active: no active node was heard", "send priority 100")
}

// Asking to preempt after a delay goes on while the lower priority Active
// advertises.
func TestAsk_ToPreemptAfterADelay(t *testing.T) {
	n := backup(t, ipv4(priority(200), preemptDelay(10*time.Second), ask))
	n.hear(lower, 100)
	for range 9 {
		n.wait(time.Second)
		n.hear(lower, 100)
	}
	n.wait(time.Second, "ask: the active node has a lower priority (192.0.2.9 priority 100)")
	n.hear(lower, 100)
	if !n.Asking() {
		t.Error("stopped asking")
	}
	n.do(Grant(), preempted, "send priority 200")
}

// An owner asks at the start, and is backup until it may.
func TestAsk_AsOwner(t *testing.T) {
	n := place(t, ipv4(priority(255), ask))
	n.do(Startup(),
		"init -> backup: started",
		"ask: started as the owner of the addresses")
	n.do(Grant(),
		"backup -> active: started as the owner of the addresses",
		"send priority 255")
}

// A handover names this node: it takes over without having asked.
func TestGrant_Unasked(t *testing.T) {
	for _, cfg := range []Config{ipv4(), ipv4(ask), ipv4(noPreempt)} {
		n := backup(t, cfg)
		n.hear(higher, 200)
		n.do(Grant(), "backup -> active: took over on request (192.0.2.20 priority 200)", "send priority 100")
		n.due(time.Second)
	}
}

// Giving up: priority 0, so that a backup takes over within its skew, and then
// long enough of a wait for it to do so.
func TestYield_Active(t *testing.T) {
	n := active(t, ipv4())
	n.do(Yield(), "send priority 0", "active -> backup: gave the addresses up on request")
	n.due(down100)
	n.hear(lower, 50)
	n.due(down100)
	n.wait(down100,
		"backup -> active: the active node has a lower priority (192.0.2.9 priority 50)",
		"send priority 100")
}

// A backup that is told to yield stops asking and waits once more.
func TestYield_Backup(t *testing.T) {
	n := backup(t, ipv4(ask))
	n.wait(down100, askAlone)
	n.do(Yield())
	if n.Asking() {
		t.Error("still asking")
	}
	n.due(down100)
	n.wait(down100, askAlone)

	n.do(Shutdown(), "backup -> init: shut down")
	if n.Asking() {
		t.Error("asking while stopped")
	}
}

// An owner that was told to yield asks again like anybody else.
func TestYield_OwnerThatAsks(t *testing.T) {
	n := place(t, ipv4(priority(255), ask))
	n.Step(n.now, Startup(), nil)
	n.do(Yield())
	n.wait(3*time.Second+time.Second/256, askAlone)
}

// A router that was late says nothing, and waits like any backup.
func TestLapse(t *testing.T) {
	n := active(t, ipv4())
	n.do(Lapse(), "active -> backup: this node was silent for longer than its peers wait")
	n.due(down100)

	n = backup(t, ipv4(ask))
	n.wait(down100, askAlone)
	n.do(Claim(), "send priority 100")
	n.do(Lapse())
	if n.Asking() || n.Claiming() {
		t.Error("still claiming")
	}
	n.due(down100)

	n = place(t, ipv4())
	n.do(Lapse())
	n.in(Init)
}

// A question whose cause is gone is taken back.
func TestAsk_EndsWithItsCause(t *testing.T) {
	n := backup(t, ipv4(priority(200), ask))
	n.hear(lower, 100)
	n.wait(3*time.Second+56*time.Second/256, "ask: the active node has a lower priority (192.0.2.9 priority 100)")
	n.do(SetPreempt(false))
	if n.Asking() {
		t.Error("still asking to preempt with preempt off")
	}
}

// A claim is heard before it is granted, and goes on being heard.
func TestClaim_Advertises(t *testing.T) {
	n := backup(t, ipv4(ask))
	n.wait(down100, askAlone)
	n.do(Claim(), "send priority 100")
	n.do(Claim())
	n.in(Backup)
	n.due(time.Second)
	n.wait(time.Second, "send priority 100")
	n.do(Grant(), "backup -> active: no active node was heard", "send priority 100")
	if n.Claiming() {
		t.Error("still claiming after the grant")
	}
}

// A handover names this node, which says so before it is granted.
func TestClaim_Unasked(t *testing.T) {
	n := backup(t, ipv4(ask))
	n.hear(higher, 200)
	n.do(Claim(), "send priority 100")
	n.due(time.Second)
	n.do(Grant(), "backup -> active: took over on request (192.0.2.20 priority 200)", "send priority 100")

	n = place(t, ipv4(ask))
	n.do(Claim()) // not started
}

// A router that is told to wait follows the Active, and asks again.
func TestDefer_AsksAgain(t *testing.T) {
	const preempt = "ask: the active node has a lower priority (192.0.2.9 priority 100)"
	n := backup(t, ipv4(priority(200), ask))
	n.hear(lower, 100)
	n.wait(3*time.Second+56*time.Second/256, preempt)
	n.hear(lower, 100)
	n.do(Defer(100 * time.Millisecond))
	n.due(100 * time.Millisecond)
	n.hear(lower, 100)
	n.due(100 * time.Millisecond)
	n.wait(100*time.Millisecond, preempt)
}

// Asking again and again does not keep it from noticing a death.
func TestDefer_NoticesADeath(t *testing.T) {
	const down = 3*time.Second + 56*time.Second/256
	n := backup(t, ipv4(priority(200), ask))
	n.hear(lower, 100)
	n.wait(down, "ask: the active node has a lower priority (192.0.2.9 priority 100)")
	n.hear(lower, 100)
	heard := n.now
	n.do(Defer(time.Second))
	for n.now.Before(heard.Add(3 * time.Second)) {
		n.wait(time.Second, "ask: the active node has a lower priority (192.0.2.9 priority 100)")
		n.do(Defer(time.Second))
	}
	n.due(heard.Add(down).Sub(n.now))
	n.wait(heard.Add(down).Sub(n.now), "ask: no active node was heard (192.0.2.9 priority 100)")
	n.do(Defer(time.Second), "ask: no active node was heard (192.0.2.9 priority 100)")
}

// Of two that claim, one gives way.
func TestClaim_IsSettledLikeATieOfActives(t *testing.T) {
	for _, c := range []struct {
		name string
		prio uint8
		from netip.Addr
		want []string
	}{
		{"a higher priority wins", 200, lower, nil},
		{"a lower one is told", 50, higher, []string{"send priority 100"}},
		{"the higher address wins", 100, higher, []string{"report: peer has the same priority (192.0.2.20 priority 100)"}},
		{"the lower address is told", 100, lower, []string{"report: peer has the same priority (192.0.2.9 priority 100)", "send priority 100"}},
		{"one that leaves is told", 0, higher, []string{"send priority 100"}},
	} {
		for _, preempt := range []func(*Config){func(*Config) {}, noPreempt} {
			t.Run(c.name, func(t *testing.T) {
				n := backup(t, ipv4(ask, preempt))
				n.wait(down100, askAlone)
				n.do(Claim(), "send priority 100")
				n.hear(c.from, c.prio, c.want...)
				if wins := slices.Contains(c.want, "send priority 100"); n.Claiming() != wins || n.Asking() != wins {
					t.Errorf("claiming %v, asking %v, want %v", n.Claiming(), n.Asking(), wins)
				}
			})
		}
	}
}

// One that has put off preempting before follows the winner all the same, and
// does not claim again at once.
func TestClaim_OutbidAfterADefer(t *testing.T) {
	n := backup(t, ipv4(ask))
	n.wait(time.Second)
	n.hear(lower, 50)
	n.wait(n.Deadline().Sub(n.now), "ask: the active node has a lower priority (192.0.2.9 priority 50)")
	n.do(Defer(time.Millisecond))
	n.wait(n.Deadline().Sub(n.now), "ask: the active node has a lower priority (192.0.2.9 priority 50)")
	n.do(Claim(), "send priority 100")
	n.hear(higher, 200)
	n.due(down100)
}

// What was said is taken back.
func TestClaim_IsTakenBack(t *testing.T) {
	for _, ev := range []Event{Yield(), Shutdown()} {
		n := backup(t, ipv4(ask))
		n.wait(down100, askAlone)
		n.do(Claim(), "send priority 100")
		if got := n.Step(n.now, ev, nil); len(got) == 0 || got[0].Kind != ActionSend || got[0].Priority != 0 {
			t.Errorf("%s: %v, want a priority 0 first", ev.Kind, got)
		}
		if n.Claiming() {
			t.Errorf("%s: still claiming", ev.Kind)
		}
	}
}
