package wire

import (
	"runtime"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/engine"
)

func newWire(t *testing.T) *Wire {
	t.Helper()
	w, err := New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Shutdown(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func TestWait_ReturnsAtTheInstant(t *testing.T) {
	w := newWire(t)
	for _, d := range []time.Duration{-time.Second, 0, 50 * time.Microsecond, 3 * time.Millisecond} {
		until := time.Now().Add(d)
		n, _, err := w.Wait(until, make([]engine.Datagram, 1))
		if n != 0 || err != nil {
			t.Fatalf("Wait gave %d, %v", n, err)
		}
		if early := time.Until(until); early > 0 {
			t.Errorf("Wait for %v returned %v early", d, early)
		}
	}
}

func TestWake(t *testing.T) {
	w := newWire(t)
	in := make([]engine.Datagram, 1)
	wait := func(until time.Time) time.Duration {
		t.Helper()
		start := time.Now()
		if n, _, err := w.Wait(until, in); n != 0 || err != nil {
			t.Fatalf("Wait gave %d, %v", n, err)
		}
		return time.Since(start)
	}
	// Before: the next Wait returns; many are one.
	w.Wake()
	w.Wake()
	wait(time.Time{})
	const pause = 20 * time.Millisecond
	if took := wait(time.Now().Add(pause)); took < pause {
		t.Errorf("a second Wait returned after %v: woken twice", took)
	}
	// During, and after a Wait that had an instant.
	for range 100 {
		go w.Wake()
		wait(time.Time{})
	}
	// No wake is lost, whenever it comes.
	var rounds int
	done := make(chan struct{})
	heard := make(chan struct{})
	go func() {
		defer close(done)
		for range 2000 {
			w.Wake()
			<-heard
		}
	}()
	for rounds < 2000 {
		wait(time.Time{})
		rounds++
		heard <- struct{}{}
	}
	<-done
}

func TestWait_AllocatesNothing(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates")
	}
	w := newWire(t)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	in := make([]engine.Datagram, 8)
	if n := testing.AllocsPerRun(100, func() {
		w.Wake()
		_, _, _ = w.Wait(time.Time{}, in)
		_, _, _ = w.Wait(time.Now().Add(10*time.Microsecond), in)
	}); n != 0 {
		t.Errorf("%v allocations per round", n)
	}
}
