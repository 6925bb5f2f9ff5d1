package fence

import (
	"testing"
	"time"
)

func TestDog_IsFedOnlyWhileHoldsAreKept(t *testing.T) {
	begin := time.Unix(1000, 0)
	d := NewDog(10 * time.Second)
	for i, x := range []struct {
		at    time.Duration
		need  Need
		want  DogAction
		after func()
	}{
		{at: 0, need: Idle, want: Nothing},
		{at: 1 * time.Second, need: Wanted, want: Arm},
		{at: 2 * time.Second, need: Wanted, want: Nothing, after: func() { d.Refused() }},
		{at: 3 * time.Second, need: Wanted, want: Arm, after: func() { d.Armed(begin.Add(3 * time.Second)) }},
		{at: 4 * time.Second, need: Kept, want: Nothing},
		{at: 5 * time.Second, need: Kept, want: Feed},
		{at: 6 * time.Second, need: Kept, want: Nothing},
		{at: 7 * time.Second, need: Lost, want: Nothing},
		{at: 12 * time.Second, need: Lost, want: Nothing},
		{at: 13 * time.Second, need: Kept, want: Feed},
		{at: 14 * time.Second, need: Idle, want: Disarm},
		{at: 15 * time.Second, need: Idle, want: Nothing},
		{at: 16 * time.Second, need: Kept, want: Arm},
	} {
		if got := d.Step(begin.Add(x.at), x.need); got != x.want {
			t.Fatalf("step %d: got %d, want %d", i, got, x.want)
		}
		if x.after != nil {
			x.after()
		}
	}
}
