package vrrp

import (
	"testing"
	"time"
)

// An Active that is silent for the Active_Down_Interval is replaced.
//
//conformance:9568-6.4.2-timer positive
//conformance:3768-6.4.2-timer positive
//conformance:unh-2.3 positive
func TestBackup_ReplacesASilentActive(t *testing.T) {
	for _, cfg := range []Config{ipv4(), ipv6(), version2()} {
		n := backup(t, cfg)
		peer := higher
		if cfg.Family == IPv6 {
			peer = lower6
		}
		n.wait(3 * time.Second)
		n.hear(peer, 200)
		n.due(down100)
		n.wait(down100,
			"backup -> active: no active node was heard ("+peer.String()+" priority 200)",
			"send priority 100")
		n.in(Active)
		n.due(time.Second)
	}
}

// It is not replaced a nanosecond sooner, nor while it is heard.
//
//conformance:9568-6.4.2-timer negative
//conformance:3768-6.4.2-timer negative
//conformance:9568-6.1-down negative
//conformance:3768-6.1-down negative
//conformance:unh-2.3 negative
//conformance:unh-3.3 negative
func TestBackup_FollowsAnActiveThatIsHeard(t *testing.T) {
	for _, cfg := range []Config{ipv4(), version2()} {
		n := backup(t, cfg)
		for range 100 {
			n.wait(down100 - 1)
			n.hear(higher, 200)
		}
		n.in(Backup)
		if p, ok := n.Active(); !ok || p.Addr != higher {
			t.Errorf("active is %v, %v; want 192.0.2.20", p, ok)
		}
	}
}

// A backup that is stopped says nothing: it never held the addresses.
//
//conformance:9568-6.4.2-shutdown positive
//conformance:9568-6.4.2-shutdown negative
//conformance:3768-6.4.2-shutdown positive
//conformance:3768-6.4.2-shutdown negative
func TestBackup_ShutsDownSilently(t *testing.T) {
	for _, cfg := range []Config{ipv4(), version2()} {
		n := backup(t, cfg)
		n.do(Shutdown(), "backup -> init: shut down")
		n.wait(time.Hour)
	}
}

// When the Active says that it leaves, the Skew_Time is all there is to wait.
//
//conformance:9568-6.4.2-zero positive
//conformance:3768-6.4.2-zero positive
//conformance:unh-2.4 positive
func TestBackup_ReplacesAnActiveThatLeaves(t *testing.T) {
	for _, cfg := range []Config{ipv4(), version2()} {
		n := backup(t, cfg)
		n.hear(higher, 200)
		n.wait(time.Second)
		n.hear(higher, 0)
		n.due(skew100)
		if _, ok := n.Active(); ok {
			t.Error("there is still an active after it left")
		}
		n.wait(skew100,
			"backup -> active: the active node left (192.0.2.20 priority 0)",
			"send priority 100")
	}
}

// The skew is there so that a better backup comes first.
//
//conformance:9568-6.4.2-zero negative
//conformance:9568-6.1-skew negative
//conformance:3768-6.4.2-zero negative
//conformance:3768-6.1-skew negative
//conformance:unh-2.4 negative
//conformance:unh-3.2 negative
func TestBackup_LetsABetterBackupReplaceAnActiveThatLeaves(t *testing.T) {
	for _, cfg := range []Config{ipv4(), version2()} {
		n := backup(t, cfg)
		n.hear(higher, 200)
		n.hear(higher, 0)
		n.wait(skew100 - 1)
		n.hear(lower, 150)
		n.due(down100)
	}
}

// Whoever has at least our priority is followed, and its interval learnt.
//
//conformance:9568-6.4.2-follow positive
//conformance:3768-6.4.2-follow positive
//conformance:unh-2.4 positive
func TestBackup_FollowsItsEqualsAndBetters(t *testing.T) {
	for _, cfg := range []Config{ipv4(), version2()} {
		for _, prio := range []uint8{101, 254, 255} {
			n := backup(t, cfg)
			n.wait(time.Second)
			n.hear(lower, prio)
			n.due(down100)
		}
		n := backup(t, cfg)
		n.wait(time.Second)
		n.hear(lower, 100, "report: peer has the same priority (192.0.2.9 priority 100)")
		n.due(down100) // equal priority: addresses are compared by an Active only
	}
}

// With preempt off, a lower priority Active is followed too.
//
//conformance:9568-6.4.2-follow positive
//conformance:9568-6.4.2-preempt negative
//conformance:3768-6.4.2-follow positive
//conformance:3768-6.4.2-preempt negative
//conformance:unh-3.4 negative
func TestBackup_WithoutPreemptFollowsALowerPriority(t *testing.T) {
	for _, cfg := range []Config{ipv4(noPreempt), version2(noPreempt)} {
		n := backup(t, cfg)
		for range 10 {
			n.wait(time.Second)
			n.hear(lower, 50)
			n.due(down100)
		}
		n.in(Backup)
	}
}

// With preempt on, a lower priority Active is not heard: the timer runs on.
//
//conformance:9568-6.4.2-preempt positive
//conformance:9568-6.4.2-follow negative
//conformance:3768-6.4.2-follow negative
//conformance:3768-6.4.2-preempt positive
//conformance:unh-2.4 positive
//conformance:unh-3.4 positive
func TestBackup_PreemptsALowerPriority(t *testing.T) {
	for _, cfg := range []Config{ipv4(), version2()} {
		n := backup(t, cfg)
		n.wait(time.Second)
		n.hear(lower, 99)
		n.due(down100 - time.Second)
		n.wait(time.Second)
		n.hear(lower, 99)
		n.wait(down100-2*time.Second,
			"backup -> active: the active node has a lower priority (192.0.2.9 priority 99)",
			"send priority 100")
	}
}

// The interval of an advert that is discarded is not learnt.
//
//conformance:9568-6.4.2-preempt positive
func TestBackup_LearnsNothingFromALowerPriority(t *testing.T) {
	n := backup(t, ipv4())
	a := n.advert(50)
	a.Interval = 5 * time.Second
	n.hearAdvert(lower, a, "report: peer has another interval, 5s instead of 1s (192.0.2.9 priority 50)")
	if got := n.ActiveInterval(); got != time.Second {
		t.Errorf("learnt %s from a lower priority", got)
	}
	n.due(down100)
}

// The owner preempts whatever its preempt mode says.
//
//conformance:9568-6.1-owner-preempts positive
//conformance:3768-6.1-owner-preempts positive
func TestBackup_OwnerPreemptsAlways(t *testing.T) {
	for _, cfg := range []Config{ipv4(priority(255), noPreempt), version2(priority(255), noPreempt)} {
		n := active(t, cfg)
		n.do(Yield(), "send priority 0", "active -> backup: gave the addresses up on request")
		down := 3*time.Second + time.Second/256
		n.hear(lower, 254)
		n.due(down)
		n.wait(down,
			"backup -> active: the active node has a lower priority (192.0.2.9 priority 254)",
			"send priority 255")
	}
}

//conformance:9568-6.1-owner-preempts negative
//conformance:3768-6.1-owner-preempts negative
//conformance:unh-3.4 negative
func TestBackup_254DoesNotPreemptWithPreemptOff(t *testing.T) {
	for _, cfg := range []Config{ipv4(priority(254), noPreempt), version2(priority(254), noPreempt)} {
		n := backup(t, cfg)
		for range 10 {
			n.wait(time.Second)
			n.hear(lower, 253)
		}
		n.in(Backup)
	}
}

// Timers fire on a tick only. Adverts that waited while the process was
// stalled are heard before the timer is believed.
func TestBackup_HearsQueuedAdvertsAfterAStall(t *testing.T) {
	n := backup(t, ipv4())
	n.hear(higher, 200)
	n.now = n.now.Add(time.Minute)
	n.hear(higher, 200)
	n.do(Tick())
	n.due(down100)
}
