package bfd

import (
	"testing"
	"time"
)

// gaps are the times between the periodic packets of a session that is kept Up.
func gaps(t *testing.T, cfg Config, count int) []time.Duration {
	t.Helper()
	n := up(t, cfg)
	var all []time.Duration
	last := n.now
	for first := true; len(all) < count; {
		n.now = n.Deadline()
		for range sent(n.Step(n.now, Tick(), nil)) {
			if !first {
				all = append(all, n.now.Sub(last))
			}
			last, first = n.now, false
		}
		n.hear(says(Up))
	}
	return all
}

// The jitter: every interval is cut by 0 to 25 percent, and by 10 at least
// where the multiplier is 1.
//
//conformance:5880-6.8.7-jitter positive
//conformance:5880-6.8.7-jitter negative
//conformance:5880-6.8.7-jitter-one positive
//conformance:5880-6.8.7-jitter-one negative
//conformance:5880-6.8.7-rate positive
func TestSession_Jitter(t *testing.T) {
	tests := []struct {
		mult        uint8
		least, most time.Duration
	}{
		{3, 7500 * time.Microsecond, 10000 * time.Microsecond},
		{1, 7500 * time.Microsecond, 9000 * time.Microsecond},
	}
	for _, tt := range tests {
		smallest, largest := time.Hour, time.Duration(0)
		for _, g := range gaps(t, config(mult(tt.mult)), 2000) {
			smallest, largest = min(smallest, g), max(largest, g)
		}
		if smallest < tt.least || largest > tt.most {
			t.Errorf("multiplier %d: %s to %s, not within %s to %s", tt.mult, smallest, largest, tt.least, tt.most)
		}
		if spread := tt.most - tt.least; largest-smallest < spread*9/10 {
			t.Errorf("multiplier %d: only %s to %s of %s to %s", tt.mult, smallest, largest, tt.least, tt.most)
		}
	}
}

// RFC 5880 §6.8.7: the slower of what we want to send and what the neighbour
// can hear.
//
//conformance:5880-6.8.7-rate negative
//conformance:5880-6.8.7-recalculate positive
func TestSession_SendsNoFasterThanTheNeighbourHears(t *testing.T) {
	n := up(t, config())
	n.hear(says(Up, hears(80*time.Millisecond)))
	equal(t, "interval", n.Interval(), 80*time.Millisecond)
	n.Step(n.now, Tick(), nil)
	for range 50 {
		n.hear(says(Up, hears(80*time.Millisecond)))
		if got := len(sent(n.wait(10 * time.Millisecond))); got > 1 {
			t.Fatalf("%d packets within 10ms", got)
		}
	}
	if got := n.Counters().Sent; got > 500/60+8 {
		t.Errorf("%d packets in 500ms", got)
	}
	n.hear(says(Up, hears(time.Millisecond)))
	equal(t, "interval", n.Interval(), 10*time.Millisecond)
}

// RFC 5880 §6.8.3: what the neighbour wants faster it gets at once, counted
// from the last packet.
//
//conformance:5880-6.8.3-honour positive
//conformance:5880-6.8.3-immediate positive
func TestSession_HonoursAFasterNeighbourAtOnce(t *testing.T) {
	n := up(t, config())
	n.hear(says(Up, hears(time.Minute), sends(time.Minute)))
	n.told(n.wait(time.Second))
	n.hear(says(Up))
	if at := n.Deadline(); at.After(n.now) {
		t.Errorf("the next packet is due in %s", at.Sub(n.now))
	}
	equal(t, "detection", n.DetectionTime(), 30*time.Millisecond)
	n.told(n.Step(n.now, Tick(), nil), "send up x3 tx 10ms rx 10ms 11>22")
}

// A neighbour that can hear nothing is sent nothing periodically, and is
// answered all the same.
//
//conformance:5880-6.8.7-zero positive
//conformance:5880-6.8.7-zero negative
func TestSession_NeighbourThatHearsNothing(t *testing.T) {
	n := up(t, config())
	n.hear(says(Up, hears(0), sends(time.Minute)))
	n.told(n.wait(time.Minute))
	equal(t, "promise", n.PeerDetects(), 0)
	n.told(n.hear(says(Up, hears(0), sends(time.Minute), poll)), "send up final x3 tx 10ms rx 10ms 11>22")
	n.hear(says(Up, sends(time.Minute)))
	if len(sent(n.wait(10*time.Millisecond))) == 0 {
		t.Error("sends nothing though the neighbour hears again")
	}
}

// RFC 5880 §6.6: a neighbour in demand mode is sent nothing periodically while
// both are Up, but polls.
//
//conformance:5880-6.6-cease positive
//conformance:5880-6.6-cease negative
//conformance:5880-6.6-bit positive
//conformance:5880-6.8.14-resume positive
func TestSession_NeighbourInDemandMode(t *testing.T) {
	n := up(t, config())
	slow := func(c *Control) { c.Demand, c.DesiredMinTx = true, time.Minute }
	n.hear(says(Up, slow))
	n.told(n.wait(10 * time.Second))
	equal(t, "promise", n.PeerDetects(), 0)
	n.told(n.hear(says(Up, slow, poll)), "send up final x3 tx 10ms rx 10ms 11>22")

	n.Step(n.now, Retime(Timing{20 * time.Millisecond, 10 * time.Millisecond, 3}), nil)
	polls := sent(n.wait(time.Second))
	if len(polls) < 50 {
		t.Errorf("%d polls in a second", len(polls))
	}
	for _, c := range polls {
		if !c.Poll || c.Demand {
			t.Fatalf("sent %s", c)
		}
	}
	n.hear(says(Up, slow, final))
	n.told(n.wait(10 * time.Second))

	// The neighbour is not Up: then demand mode is not active.
	n.hear(says(Init, slow))
	if len(sent(n.wait(time.Second))) < 50 {
		t.Error("sends nothing though demand mode is not active")
	}
	n.hear(says(Up, sends(time.Minute)))
	if len(sent(n.wait(time.Second))) < 50 {
		t.Error("sends nothing though demand mode is over")
	}
}

// RFC 5880 §6.5, §6.8.7: a poll is answered at once by a packet with the final
// bit alone, in every state but AdminDown, and the timers go on as before.
//
//conformance:5880-6.5-answer positive
//conformance:5880-6.5-answer negative
//conformance:5880-6.8.7-final positive
//conformance:5880-6.5-both negative
func TestSession_AnswersPolls(t *testing.T) {
	n := down(t, config())
	equal(t, "packets for a poll", len(sent(n.hear(says(Up, poll)))), 1)
	n.told(n.hear(says(Down, poll)), "down -> init: the neighbour is heard", "send init final x3 tx 1s rx 10ms 11>22")
	n = up(t, config())
	due := n.Deadline()
	n.Step(n.now, Retime(Timing{20 * time.Millisecond, 10 * time.Millisecond, 3}), nil)
	n.told(n.hear(says(Up, poll)), "send up final x3 tx 20ms rx 10ms 11>22")
	equal(t, "next packet", n.Deadline(), due)
	n.told(n.hear(says(Up)))
	for _, c := range sent(n.wait(time.Second)) {
		if c.Poll && c.Final {
			t.Fatalf("sent %s", c)
		}
	}
}

// The contents of RFC 5880 §6.8.7: nothing that we do not offer is asked for.
//
//conformance:5880-6.8.7-contents positive
//conformance:5880-6.8.7-contents negative
//conformance:5880-6.8.7-change positive
func TestSession_Contents(t *testing.T) {
	n := up(t, config())
	want := Control{
		State: Up, DetectMult: 3, MyDiscriminator: ours, YourDiscriminator: theirs,
		DesiredMinTx: 10 * time.Millisecond, RequiredMinRx: 10 * time.Millisecond,
	}
	equal(t, "packet", sent(n.wait(10 * time.Millisecond))[0], want)
	want.State, want.Diag, want.DesiredMinTx = Down, DiagNeighbourDown, time.Second
	equal(t, "change", sent(n.hear(says(Down)))[0], want)
}

// RFC 5880 §6.8.3: not Up, at most one packet a second.
//
//conformance:5880-6.8.3-slow positive
//conformance:5880-6.8.3-slow negative
func TestSession_SlowWhileNotUp(t *testing.T) {
	n := down(t, config())
	for range 3 {
		if got := len(sent(n.wait(10 * time.Second))); got < 10 || got > 14 {
			t.Errorf("%d packets in ten seconds", got)
		}
	}
	n.hear(says(Down, unnamed))
	for range 100 {
		for _, c := range sent(n.wait(20 * time.Millisecond)) {
			equal(t, "says", c.DesiredMinTx, time.Second)
		}
		n.hear(says(Down))
	}
	n.hear(says(Init))
	equal(t, "interval when Up", n.Interval(), 10*time.Millisecond)

	n = down(t, config(rates(5*time.Second, time.Second)))
	equal(t, "slower by wish", n.Interval(), 5*time.Second)
}
