package vrrp

import (
	"testing"
	"time"
)

const preempted = "backup -> active: the active node has a lower priority (192.0.2.9 priority 100)"

// chatter lets a lower priority Active advertise once a second until the node
// acts, and returns when that was.
func chatter(n *node, seconds int) (time.Duration, []string) {
	for range seconds {
		end := n.now.Add(time.Second)
		for at := n.Deadline(); !at.IsZero() && !at.After(end); at = n.Deadline() {
			n.now = at
			if acts := n.Step(n.now, Tick(), nil); len(acts) > 0 {
				var story []string
				for _, a := range acts {
					story = append(story, a.String())
				}
				return n.now.Sub(n.began), story
			}
		}
		n.now = end
		n.hear(lower, 100)
	}
	return 0, nil
}

// The preempt delay counts from the first advert of the lower priority Active.
func TestPreemptDelay(t *testing.T) {
	n := backup(t, ipv4(priority(200), preemptDelay(30*time.Second)))
	at, story := chatter(n, 60)
	if at != 31*time.Second || len(story) != 2 || story[0] != preempted {
		t.Errorf("after %s: %q, want to preempt after 31s", at, story)
	}
}

// Preempting with a short delay is not sooner than without any.
func TestPreemptDelay_NeverHastens(t *testing.T) {
	without := backup(t, ipv4(priority(200)))
	want, _ := chatter(without, 10)
	n := backup(t, ipv4(priority(200), preemptDelay(time.Second)))
	if at, story := chatter(n, 10); at != want {
		t.Errorf("preempted after %s: %q, want %s", at, story, want)
	}
}

// It counts from the end of the startup hold where there is one.
func TestPreemptDelay_AfterStartupHold(t *testing.T) {
	n := backup(t, ipv4(priority(200), preemptDelay(30*time.Second), hold(20*time.Second)))
	if at, story := chatter(n, 90); at != 50*time.Second {
		t.Errorf("preempted after %s: %q, want 50s", at, story)
	}
}

// An Active that dies meanwhile is replaced at once, as ever.
func TestPreemptDelay_DoesNotDelayFailover(t *testing.T) {
	const down200 = 3*time.Second + 56*time.Second/256
	n := backup(t, ipv4(priority(200), preemptDelay(time.Hour)))
	for range 10 {
		n.wait(time.Second)
		n.hear(lower, 100)
	}
	n.due(down200)
	n.wait(down200,
		"backup -> active: no active node was heard (192.0.2.9 priority 100)",
		"send priority 200")
}

// And one that leaves, after the skew.
func TestPreemptDelay_DoesNotDelayAHandover(t *testing.T) {
	n := backup(t, ipv4(priority(200), preemptDelay(time.Hour)))
	n.hear(lower, 100)
	n.hear(lower, 0)
	n.due(56 * time.Second / 256)
}

// What ends the wait ends it: the next lower priority Active starts it anew.
func TestPreemptDelay_StartsAnew(t *testing.T) {
	for name, end := range map[string]func(n *node){
		"a better Active":      func(n *node) { n.hear(higher, 220) },
		"the Active left":      func(n *node) { n.hear(lower, 0) },
		"told to yield":        func(n *node) { n.do(Yield()) },
		"preempt off and on":   func(n *node) { n.do(SetPreempt(false)); n.do(SetPreempt(true)) },
		"shut down and up":     func(n *node) { n.Step(n.now, Shutdown(), nil); n.Step(n.now, Startup(), nil) },
		"priority low and up":  func(n *node) { n.do(SetPriority(50)); n.do(SetPriority(200)) },
		"active and backup":    func(n *node) { n.Step(n.now, Grant(), nil); n.Step(n.now, Yield(), nil) },
		"active, then a loser": func(n *node) { n.Step(n.now, Grant(), nil); n.hear(higher, 201, giveWay201) },
	} {
		t.Run(name, func(t *testing.T) {
			n := backup(t, ipv4(priority(200), preemptDelay(30*time.Second)))
			for range 29 {
				n.wait(time.Second)
				n.hear(lower, 100)
			}
			end(n)
			n.hear(lower, 100)
			n.began = n.now
			if at, story := chatter(n, 60); at != 30*time.Second {
				t.Errorf("preempted after %s: %q, want 30s", at, story)
			}
		})
	}
}

const giveWay201 = "active -> backup: another active node has a higher priority (192.0.2.20 priority 201)"

// Turning preempt off in the middle of the delay, or of the last timer, stops
// it; so does a priority that is no longer higher.
func TestPreempt_IsCalledOff(t *testing.T) {
	for _, c := range []struct {
		name string
		cfg  Config
		ev   Event
		down time.Duration
	}{
		{"preempt off, no delay", ipv4(priority(200)), SetPreempt(false), 3*time.Second + 56*time.Second/256},
		{"preempt off, delay", ipv4(priority(200), preemptDelay(30*time.Second)), SetPreempt(false), 3*time.Second + 56*time.Second/256},
		{"priority, no delay", ipv4(priority(200)), SetPriority(90), 3*time.Second + 166*time.Second/256},
		{"priority, delay", ipv4(priority(200), preemptDelay(30*time.Second)), SetPriority(90), 3*time.Second + 166*time.Second/256},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := backup(t, c.cfg)
			n.wait(time.Second)
			n.hear(lower, 100)
			n.wait(time.Second)
			n.do(c.ev)
			n.due(c.down)
			if at, story := chatter(n, 60); story != nil {
				t.Errorf("preempted after %s: %q", at, story)
			}
		})
	}
}

// A preempt that is still wanted is not called off by another priority.
func TestPreempt_SurvivesAPriorityChange(t *testing.T) {
	n := backup(t, ipv4(priority(200), preemptDelay(30*time.Second)))
	n.wait(time.Second)
	n.hear(lower, 100)
	n.do(SetPriority(150))
	if at, story := chatter(n, 60); at != 31*time.Second {
		t.Errorf("preempted after %s: %q, want 31s", at, story)
	}
}

// Turned on, preempt works from the next advert on.
func TestPreempt_TurnedOn(t *testing.T) {
	n := backup(t, ipv4(priority(200), noPreempt))
	for range 10 {
		n.wait(time.Second)
		n.hear(lower, 100)
	}
	n.do(SetPreempt(true))
	n.due(3*time.Second + 56*time.Second/256)
	n.wait(time.Second)
	n.hear(lower, 100)
	n.wait(2*time.Second+56*time.Second/256, preempted, "send priority 200")
}
