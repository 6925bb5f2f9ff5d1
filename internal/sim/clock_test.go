package sim

import (
	"testing"
	"time"
)

func TestInstant_HasTwoReadings(t *testing.T) {
	wall := epoch + 123456789*time.Nanosecond
	a := instant(wall, 5*time.Second)
	if got, want := a.UnixNano(), int64(wall); got != want {
		t.Errorf("wall clock is %d, want %d", got, want)
	}
	if got, want := a.UTC().Format(time.RFC3339Nano), "2030-01-01T00:00:00.123456789Z"; got != want {
		t.Errorf("wall clock is %s, want %s", got, want)
	}
	set := instant(wall-time.Hour, 7*time.Second) // two seconds later, the clock was put back by an hour
	if got, want := set.Sub(a), 2*time.Second; got != want {
		t.Errorf("%s passed on the monotonic clock, want %s", got, want)
	}
	if !set.After(a) || !set.Add(-2*time.Second).Equal(a) {
		t.Error("the monotonic clock does not decide comparisons")
	}
	if a.Round(0).Sub(set.Round(0)) != time.Hour {
		t.Error("without the monotonic clock the wall clock should decide")
	}
}
