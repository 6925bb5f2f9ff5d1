package wire

import (
	"testing"
	"time"
)

// What did not fit into a socket while nothing was read is told with the first
// packet after that, and not again.
func TestLost_IsToldOnce(t *testing.T) {
	a, b := pair(t)
	lost := func() bool {
		t.Helper()
		time.Sleep(2 * absence)
		told := false
		for {
			n, _, err := b.wire.Wait(time.Now().Add(50*time.Millisecond), b.in[:])
			must(t, err)
			if n == 0 {
				return told
			}
			for _, d := range b.in[:n] {
				told = told || d.Lost
			}
		}
	}
	flood := junk(a.port, 1000)
	a.wire.Send(flood[:1])
	if lost() {
		t.Error("one advert does not fit")
	}
	for range 20 { // far more than fit
		a.wire.Send(flood)
	}
	if !lost() {
		t.Error("nobody told that adverts were lost")
	}
	a.wire.Send(flood[:1])
	if lost() {
		t.Error("it was told twice")
	}
}
