package wire

import (
	"testing"
	"time"
)

func TestFlood_Nap(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	var f flood
	rounds := func(n int, every time.Duration, packets int) {
		for range n {
			now = now.Add(every)
			f.heard(now, packets, 256)
		}
	}
	rounds(100, time.Millisecond, 5)
	if d := f.nap(now, time.Time{}); d != 0 {
		t.Errorf("%v is slept although there is no flood", d)
	}
	rounds(100, 100*time.Microsecond, 2)
	for _, c := range []struct {
		after, until, want time.Duration
	}{
		{0, time.Second, floodNap},
		{0, 0, floodNap},
		{200 * time.Microsecond, time.Second, 300 * time.Microsecond}, // what the round took counts
		{time.Millisecond, time.Second, 0},
		{0, 300 * time.Microsecond, 300*time.Microsecond - floodSlack}, // the timer comes first
		{0, 100 * time.Microsecond, 0},
		{0, -time.Second, 0},
	} {
		at := now.Add(c.after)
		var until time.Time
		if c.until != 0 {
			until = at.Add(c.until)
		}
		if d := f.nap(at, until); d != c.want {
			t.Errorf("%v after the last, %v before the timer: %v, want %v", c.after, c.until, d, c.want)
		}
	}
	rounds(1, time.Millisecond, batch)
	if d := f.nap(now, time.Time{}); d != 0 {
		t.Errorf("%v is slept although more is waiting", d)
	}
	rounds(1, time.Second, 1) // the flood is over
	if d := f.nap(now, time.Time{}); d != 0 {
		t.Errorf("%v is slept after the flood", d)
	}
}
