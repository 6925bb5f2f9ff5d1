package bfd

import (
	"testing"
	"time"
)

const ms = time.Millisecond

// A change of either interval is told with a poll sequence, on the packets
// that are due anyway, until it is answered.
//
//conformance:5880-6.8.3-poll positive
//conformance:5880-6.8.3-poll negative
//conformance:5880-6.5-scheduled positive
//conformance:5880-6.5-scheduled negative
//conformance:5880-6.5-end positive
//conformance:5880-6.5-end negative
func TestPoll_TellsEveryChange(t *testing.T) {
	for name, want := range map[string]Timing{
		"faster":          {5 * ms, 10 * ms, 3},
		"slower":          {15 * ms, 10 * ms, 3},
		"hears faster":    {10 * ms, 5 * ms, 3},
		"hears slower":    {10 * ms, 15 * ms, 3},
		"other patience":  {10 * ms, 10 * ms, 5},
		"everything else": {20 * ms, 30 * ms, 9},
	} {
		t.Run(name, func(t *testing.T) {
			n := up(t, config())
			n.told(n.Step(n.now, Retime(want), nil)) // no packet of its own
			for range 10 {
				n.hear(says(Up)) // no final
				for _, c := range sent(n.wait(10 * ms)) {
					equal(t, "poll", c.Poll, true)
					equal(t, "told", Timing{c.DesiredMinTx, c.RequiredMinRx, c.DetectMult}, want)
				}
			}
			n.hear(says(Up, final))
			for range 10 {
				n.hear(says(Up))
				for _, c := range sent(n.wait(10 * ms)) {
					equal(t, "poll", c.Poll, false)
				}
			}
			polls := n.Counters().PollsSent
			n.Step(n.now, Retime(want), nil) // nothing new
			n.wait(10 * ms)
			equal(t, "polls", n.Counters().PollsSent, polls)
		})
	}
}

// RFC 5880 §6.8.3: while Up, no slower sending and no quicker detection before
// the neighbour has acknowledged it; the other way round at once.
//
//conformance:5880-6.8.3-increase positive
//conformance:5880-6.8.3-increase negative
//conformance:5880-6.8.3-reduce positive
//conformance:5880-6.8.3-reduce negative
func TestPoll_WhatWaitsForTheFinal(t *testing.T) {
	tests := []struct {
		name                string
		want                Timing
		sendBefore, send    time.Duration
		detectBefore, after time.Duration
	}{
		{"slower", Timing{40 * ms, 10 * ms, 3}, 10 * ms, 40 * ms, 30 * ms, 30 * ms},
		{"faster", Timing{5 * ms, 10 * ms, 3}, 10 * ms, 10 * ms, 30 * ms, 30 * ms}, // the neighbour hears no faster
		{"hears faster", Timing{10 * ms, 1 * ms, 3}, 10 * ms, 10 * ms, 30 * ms, 30 * ms},
		{"hears slower", Timing{10 * ms, 40 * ms, 3}, 10 * ms, 10 * ms, 120 * ms, 120 * ms},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n := up(t, config())
			n.Step(n.now, Retime(tt.want), nil)
			equal(t, "interval before", n.Interval(), tt.sendBefore)
			equal(t, "detection before", n.DetectionTime(), tt.detectBefore)
			n.wait(10 * ms)
			n.hear(says(Up, final))
			equal(t, "interval", n.Interval(), tt.send)
			equal(t, "detection", n.DetectionTime(), tt.after)
		})
	}
	// With a neighbour that sends fast, our own wish decides.
	n := up(t, config(rates(10*ms, 40*ms)))
	n.Step(n.now, Retime(Timing{10 * ms, 20 * ms, 3}), nil)
	equal(t, "detection before", n.DetectionTime(), 120*ms)
	n.wait(10 * ms)
	n.hear(says(Up, final))
	equal(t, "detection", n.DetectionTime(), 60*ms)
}

// RFC 5880 §6.8.4: the neighbour's multiplier, and the slower of what we can
// hear and what it wants to send.
//
//conformance:5880-6.8.4-time positive
//conformance:5880-6.8.12-mult positive
func TestSession_DetectionTime(t *testing.T) {
	tests := []struct {
		rx, tx time.Duration
		mult   uint8
		want   time.Duration
	}{
		{10 * ms, 50 * ms, 3, 150 * ms},
		{50 * ms, 10 * ms, 3, 150 * ms},
		{10 * ms, 10 * ms, 255, 2550 * ms},
		{10 * ms, MaxInterval, 255, 255 * MaxInterval},
	}
	for _, tt := range tests {
		n := up(t, config(rates(10*ms, tt.rx)))
		n.hear(says(Up, sends(tt.tx), forgives(tt.mult)))
		equal(t, "detection", n.DetectionTime(), tt.want)
		n.now = n.now.Add(tt.want - 1)
		n.Step(n.now, Tick(), nil)
		n.in(Up)
		n.wait(1)
		n.in(Down)
	}
}

// What the neighbour waits before it calls us lost, in the words of the
// neighbour: our multiplier, and the slower of its hearing and our sending.
//
//conformance:5880-6.8.6-final negative
func TestSession_PeerDetects(t *testing.T) {
	n := down(t, config())
	equal(t, "down", n.PeerDetects(), 0)
	n.hear(says(Down, unnamed))
	equal(t, "init", n.PeerDetects(), 3*time.Second)

	// Up: the neighbour was told 1s and is told 10ms now. Which of them it
	// goes by is not known until it says so.
	n.hear(says(Init))
	equal(t, "up", n.PeerDetects(), 30*ms)
	n.wait(10 * ms)
	n.hear(says(Up, final))
	equal(t, "acknowledged", n.PeerDetects(), 30*ms)

	n.hear(says(Up, hears(50*ms)))
	equal(t, "neighbour hears slowly", n.PeerDetects(), 150*ms)
	n.hear(says(Up))

	// Slower: only when acknowledged.
	n.Step(n.now, Retime(Timing{40 * ms, 10 * ms, 5}), nil)
	equal(t, "slower, not acknowledged", n.PeerDetects(), 30*ms)
	n.hear(says(Up, final)) // for no poll of ours
	equal(t, "slower, final without poll", n.PeerDetects(), 30*ms)
	n.wait(10 * ms)
	equal(t, "slower, poll sent", n.PeerDetects(), 30*ms)
	n.hear(says(Up, final))
	equal(t, "slower", n.PeerDetects(), 200*ms)

	// Faster: from now on.
	n.Step(n.now, Retime(Timing{20 * ms, 10 * ms, 2}), nil)
	equal(t, "faster, not told", n.PeerDetects(), 40*ms)
	n.wait(20 * ms)
	n.hear(says(Up, final))
	equal(t, "faster", n.PeerDetects(), 40*ms)

	// The neighbour raises what it can hear, by a poll of its own: whether it
	// goes by that already is its choice. It lowers it: then it may at once.
	n.hear(says(Up, hears(90*ms), poll))
	equal(t, "neighbour raises", n.PeerDetects(), 40*ms)
	n.hear(says(Up, hears(90*ms)))
	equal(t, "neighbour has raised", n.PeerDetects(), 180*ms)
	n.hear(says(Up, hears(30*ms), poll))
	equal(t, "neighbour lowers", n.PeerDetects(), 60*ms)

	n.hear(says(Down))
	equal(t, "lost", n.PeerDetects(), 0)
}

// A final that is late for an earlier poll acknowledges nothing that was said
// after it: a change that relies on its final waits for the stragglers.
//
//conformance:5880-6.8.6-final positive
//conformance:5880-6.8.3-immediate negative
func TestPoll_LateFinalsAcknowledgeNothingNew(t *testing.T) {
	n := up(t, config())
	n.Step(n.now, Retime(Timing{20 * ms, 10 * ms, 3}), nil)
	for n.Counters().PollsSent < 4 { // one for Up
		n.wait(10 * ms)
		n.hear(says(Up))
	}
	n.hear(says(Up, final)) // two more are under way
	equal(t, "first change", n.PeerDetects(), 60*ms)

	n.Step(n.now, Retime(Timing{100 * ms, 10 * ms, 3}), nil)
	for range 2 {
		for _, c := range sent(n.wait(10 * ms)) {
			equal(t, "told", c.DesiredMinTx, 20*ms)
		}
		n.hear(says(Up, final))
		equal(t, "meanwhile", n.PeerDetects(), 60*ms)
	}
	n.wait(20 * ms)
	equal(t, "told", n.tempo.told.DesiredMinTx, 100*ms)
	n.hear(says(Up, final))
	equal(t, "second change", n.PeerDetects(), 300*ms)

	// Finals that never come are waited for as long as they could take.
	n.Step(n.now, Retime(Timing{10 * ms, 10 * ms, 3}), nil)
	for n.Counters().PollsSent < 8 {
		n.wait(10 * ms)
		n.hear(says(Up))
	}
	n.hear(says(Up, final))
	n.Step(n.now, Retime(Timing{50 * ms, 10 * ms, 3}), nil)
	equal(t, "waits", n.tempo.told.DesiredMinTx, 10*ms)
	for range 5 {
		n.wait(10 * ms)
		n.hear(says(Up))
	}
	equal(t, "told after all", n.tempo.told.DesiredMinTx, 50*ms)
}

// A session that falls has nobody to poll; a new one polls anew.
func TestPoll_EndsWithTheSession(t *testing.T) {
	n := up(t, config())
	n.Step(n.now, Retime(Timing{40 * ms, 10 * ms, 3}), nil)
	n.wait(10 * ms)
	n.wait(time.Second)
	n.in(Down)
	for _, c := range sent(n.wait(5 * time.Second)) {
		equal(t, "poll", c.Poll, false)
	}
	n.hear(says(Init))
	equal(t, "promise", n.PeerDetects(), 30*ms)
	for range 4 {
		n.wait(10 * ms)
		n.hear(says(Up))
	}
	n.hear(says(Up, final))
	equal(t, "promise", n.PeerDetects(), 120*ms)
}

func TestSession_IgnoresABadTiming(t *testing.T) {
	n := up(t, config())
	n.Step(n.now, Retime(Timing{1, 10 * ms, 3}), nil)
	equal(t, "timing", n.Config().Timing, Timing{10 * ms, 10 * ms, 3})
}
