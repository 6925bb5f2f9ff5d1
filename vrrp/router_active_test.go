package vrrp

import (
	"testing"
	"time"
)

// An Active advertises once an interval.
//
//conformance:9568-6.4.3-timer positive
//conformance:3768-6.4.3-timer positive
//conformance:unh-3.1 positive
func TestActive_AdvertisesEveryInterval(t *testing.T) {
	for _, cfg := range []Config{ipv4(), ipv6(), version2()} {
		n := active(t, cfg)
		n.wait(3*time.Second, "send priority 100", "send priority 100", "send priority 100")
	}
}

// And not more often.
//
//conformance:9568-6.4.3-timer negative
//conformance:3768-6.4.3-timer negative
//conformance:unh-3.1 negative
func TestActive_IsSilentInBetween(t *testing.T) {
	n := active(t, ipv4())
	n.wait(time.Second - 1)
	n.do(Tick())
}

// Small delays do not add up: the next advert is due an interval after this
// one was due, not after it was sent.
func TestActive_AdvertsDoNotDrift(t *testing.T) {
	n := active(t, ipv4(interval(10*time.Millisecond)))
	first := n.Deadline()
	for i := range 1000 {
		n.now = n.Deadline().Add(time.Duration(i%10) * time.Millisecond)
		n.do(Tick(), "send priority 100")
	}
	if got, want := n.Deadline(), first.Add(1000*10*time.Millisecond); !got.Equal(want) {
		t.Errorf("after 1000 adverts the next is %s off", got.Sub(want))
	}
}

// Routers that became Active at different times send together where that is
// wanted: the second advert comes early rather than late, and from then on
// an interval lies between two.
func TestActive_AlignsAdverts(t *testing.T) {
	const align = 100 * time.Millisecond
	n := place(t, ipv4(priority(255), func(c *Config) { c.Align = align }))
	n.now = n.now.Add(1234 * time.Millisecond)
	n.do(Startup(), "init -> active: started as the owner of the addresses", "send priority 255")
	n.due(966 * time.Millisecond)
	for range 3 {
		if d := n.Deadline(); d.UnixNano()%int64(align) != 0 {
			t.Errorf("the next advert is due at %s, not at a multiple of %s", d, align)
		}
		n.now = n.Deadline().Add(time.Millisecond)
		n.do(Tick(), "send priority 255")
		n.due(999 * time.Millisecond)
	}
	n.now = n.now.Add(10 * time.Second)
	n.do(Tick(), "send priority 255")
	if d := n.Deadline(); d.UnixNano()%int64(align) != 0 || d.Sub(n.now) > time.Second {
		t.Errorf("after a stall the next advert is due %s later, at %s", d.Sub(n.now), d)
	}
}

// After a stall longer than an interval there is one advert, not a burst.
func TestActive_SendsNoBurstAfterAStall(t *testing.T) {
	n := active(t, ipv4())
	n.now = n.now.Add(10 * time.Second)
	n.do(Tick(), "send priority 100")
	n.due(time.Second)
}

// An Active that is stopped says so.
//
//conformance:9568-6.4.3-shutdown positive
//conformance:3768-6.4.3-shutdown positive
//conformance:unh-2.6 positive
func TestActive_LeavesWithPriorityZero(t *testing.T) {
	for _, cfg := range []Config{ipv4(), ipv6(), version2(), ipv4(priority(255))} {
		n := active(t, cfg)
		n.do(Shutdown(), "send priority 0", "active -> init: shut down")
		n.wait(time.Hour)
		c := n.Counters()
		if c.PriorityZeroSent != 1 {
			t.Errorf("counted %d adverts of priority 0", c.PriorityZeroSent)
		}
	}
}

// Priority 0 is said when leaving and never otherwise.
//
//conformance:9568-6.4.3-shutdown negative
//conformance:3768-6.4.3-shutdown negative
//conformance:unh-2.6 negative
func TestActive_SaysPriorityZeroOnlyWhenLeaving(t *testing.T) {
	for _, cfg := range []Config{ipv4(priority(1)), version2(priority(1))} {
		n := active(t, cfg)
		n.wait(time.Second, "send priority 1")
		n.do(SetPriority(0))
		n.wait(time.Second, "send priority 1")
	}
}

// Somebody who leaves wants to know who is left.
//
//conformance:9568-6.4.3-zero positive
//conformance:3768-6.4.3-zero positive
//conformance:unh-2.7 positive
func TestActive_AnswersPriorityZero(t *testing.T) {
	for _, cfg := range []Config{ipv4(), version2()} {
		n := active(t, cfg)
		n.wait(time.Second / 2)
		n.hear(higher, 0, "send priority 100")
		n.due(time.Second)
		n.in(Active)
	}
}

// Priority 0 is lower than every other, even from a higher address.
//
//conformance:9568-6.4.3-zero negative
//conformance:3768-6.4.3-zero negative
func TestActive_DoesNotGiveWayToPriorityZero(t *testing.T) {
	for _, cfg := range []Config{ipv4(priority(1)), version2(priority(1))} {
		n := active(t, cfg)
		n.hear(higher, 0, "send priority 1")
		n.in(Active)
	}
}

// A higher priority wins, and so does a higher address at equal priority; the
// loser does not argue.
//
//conformance:9568-6.4.3-losing negative
//conformance:3768-6.4.3-losing negative
//conformance:9568-6.4.3-giveway positive
//conformance:3768-6.4.3-giveway positive
//conformance:unh-2.7 positive
func TestActive_GivesWay(t *testing.T) {
	for _, cfg := range []Config{ipv4(), version2()} {
		n := active(t, cfg)
		n.hear(lower, 101, "active -> backup: another active node has a higher priority (192.0.2.9 priority 101)")
		n.due(down100)

		n = active(t, cfg)
		n.hear(higher, 100,
			"report: peer has the same priority (192.0.2.20 priority 100)",
			"active -> backup: an active node of equal priority has a higher address (192.0.2.20 priority 100)")
		n.due(down100)
		if p, ok := n.Active(); !ok || p.Addr != higher {
			t.Errorf("active is %v, %v; want 192.0.2.20", p, ok)
		}
	}
}

// The tie-break compares addresses as numbers, not as text: .20 is above .9.
//
//conformance:9568-6.4.3-giveway negative
//conformance:3768-6.4.3-giveway negative
//conformance:unh-2.7 negative
func TestActive_StaysAgainstALowerAddress(t *testing.T) {
	for _, cfg := range []Config{ipv4(source(higher)), version2(source(higher))} {
		n := active(t, cfg)
		n.hear(lower, 100,
			"report: peer has the same priority (192.0.2.9 priority 100)",
			"send priority 100",
			"report: peer was active too and lost (192.0.2.9 priority 100)")
		n.in(Active)
	}
}

// An Active does not consult its preempt mode: without preempt it gives way
// all the same, and it does not give way to a lower priority.
func TestActive_IgnoresPreemptMode(t *testing.T) {
	n := active(t, ipv4(noPreempt))
	n.hear(lower, 99,
		"send priority 100",
		"report: peer was active too and lost (192.0.2.9 priority 99)")
	n.hear(lower, 101, "active -> backup: another active node has a higher priority (192.0.2.9 priority 101)")
}

// The interval of the Active that won is learnt.
//
//conformance:9568-6.4.3-giveway positive
func TestActive_LearnsTheIntervalOfTheWinner(t *testing.T) {
	n := active(t, ipv4())
	a := n.advert(200)
	a.Interval = 2 * time.Second
	n.hearAdvert(lower, a,
		"report: peer has another interval, 2s instead of 1s (192.0.2.9 priority 200)",
		"active -> backup: another active node has a higher priority (192.0.2.9 priority 200)")
	n.due(2 * down100)
}

// A losing Active is answered at once, so that it becomes backup and bridges
// relearn; the caller is told to announce again. The next regular advert comes
// when it would have come.
//
//conformance:9568-6.4.3-losing positive
//conformance:3768-6.4.3-losing positive
//conformance:unh-2.7 positive
func TestActive_AssertsItselfAgainstALosingActive(t *testing.T) {
	for _, cfg := range []Config{ipv4(), ipv6(), version2()} {
		peer := higher
		if cfg.Family == IPv6 {
			peer = lower6
		}
		n := active(t, cfg)
		n.wait(time.Second / 2)
		n.hear(peer, 99,
			"send priority 100",
			"report: peer was active too and lost ("+peer.String()+" priority 99)")
		n.due(time.Second / 2)
		n.in(Active)
	}
}

// A conflict that goes on is answered every time and told once a minute; a new
// one is told at once.
func TestActive_TellsEachConflictOnce(t *testing.T) {
	const told = "report: peer was active too and lost (192.0.2.9 priority 50)"
	n := active(t, ipv4())
	n.hear(lower, 50, "send priority 100", told)
	for range 59 {
		n.wait(time.Second, "send priority 100")
		n.hear(lower, 50, "send priority 100")
	}
	n.wait(time.Second, "send priority 100")
	n.hear(lower, 50, "send priority 100", told)

	for range 4 {
		n.wait(time.Second, "send priority 100")
	}
	n.hear(lower, 50, "send priority 100", told)
}

// Two nodes that both believe to win would answer each other's answers for
// ever. The answers are limited to 100 a second.
func TestActive_AnswersAreLimited(t *testing.T) {
	n := active(t, ipv4())
	before := n.Counters().Sent
	for range 100_000 {
		n.now = n.now.Add(10 * time.Microsecond) // one second in all
		n.Step(n.now, Received(n.packet(lower, n.advert(50))), nil)
	}
	if got := n.Counters().Sent - before; got < 100 || got > 110 {
		t.Errorf("sent %d answers in a second, want about 100", got)
	}
}

// A router that was stalled for longer than any Backup waits finds another one
// Active: that one is so by right, whatever its priority.
func TestActive_GivesWayAfterAStall(t *testing.T) {
	const taken = "active -> backup: this node was silent for longer than its peers wait (192.0.2.9 priority 50)"
	for _, cfg := range []Config{ipv4(), ipv4(noPreempt), version2()} {
		n := active(t, cfg)
		n.now = n.now.Add(4 * time.Second)
		n.hear(lower, 50, "send priority 1", taken)
		n.due(down100)
	}
	// With preempt it is preempted like any other, without it stays.
	n := active(t, ipv4())
	n.now = n.now.Add(4 * time.Second)
	n.hear(lower, 50, "send priority 1", taken)
	n.wait(time.Second)
	n.hear(lower, 50)
	n.wait(down100-time.Second, "backup -> active: the active node has a lower priority (192.0.2.9 priority 50)", "send priority 100")
	n = active(t, ipv4(noPreempt))
	n.now = n.now.Add(4 * time.Second)
	n.hear(lower, 50, "send priority 1", taken)
	for range 10 {
		n.wait(time.Second)
		n.hear(lower, 50)
	}
	n.in(Backup)
}

// Where the other one has the lowest priority itself, it would not lose to ours.
func TestActive_SaysNothingToTheLowestPriority(t *testing.T) {
	n := active(t, ipv4())
	n.now = n.now.Add(4 * time.Second)
	n.hear(lower, 1, "active -> backup: this node was silent for longer than its peers wait (192.0.2.9 priority 1)")
}

// Nobody can have taken over before that, nor from the owner of the addresses;
// and where nobody did, nothing is given up.
func TestActive_StaysAfterAShortStall(t *testing.T) {
	n := active(t, ipv4())
	n.now = n.now.Add(3*time.Second + time.Second/128) // the most eager Backup waits for so long
	n.hear(lower, 50, "send priority 100", "report: peer was active too and lost (192.0.2.9 priority 50)")
	n = active(t, ipv4(priority(OwnerPriority)))
	n.now = n.now.Add(time.Minute)
	n.hear(lower, 50, "send priority 255", "report: peer was active too and lost (192.0.2.9 priority 50)")
	n = active(t, ipv4())
	n.now = n.now.Add(time.Minute)
	n.do(Tick(), "send priority 100")
	n.hear(lower, 50, "send priority 100", "report: peer was active too and lost (192.0.2.9 priority 50)")
}
