package sim

import (
	"flag"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

var (
	seeds  = flag.Int("seeds", seedsByDefault(), "how many seeds to run; HOLDFAST_SEEDS sets it as well")
	first  = flag.Uint64("first", 1, "the first seed")
	replay = flag.Uint64("replay", 0, "run this seed alone and show its transcript")
)

func seedsByDefault() int {
	if n, err := strconv.Atoi(os.Getenv("HOLDFAST_SEEDS")); err == nil {
		return n
	}
	return 2000 / slow
}

// TestSeeds_KeepEveryPromise plays one random run for each seed.
func TestSeeds_KeepEveryPromise(t *testing.T) {
	t.Parallel()
	if *replay != 0 {
		if !play(t, *replay) {
			tell(t, *replay)
		}
		return
	}
	// Runs share nothing, so every core plays some.
	var (
		next   atomic.Uint64
		failed = make(chan uint64, *seeds)
		cores  sync.WaitGroup
	)
	for range runtime.GOMAXPROCS(0) {
		cores.Go(func() {
			for len(failed) < 3 {
				n := next.Add(1) - 1
				if n >= uint64(*seeds) {
					return
				}
				if !play(t, *first+n) {
					failed <- *first + n
				}
			}
		})
	}
	cores.Wait()
	close(failed)
	for seed := range failed {
		tell(t, seed)
	}
}

func play(t *testing.T, seed uint64) bool {
	plan := Random(seed)
	problems := plan.Play(Story{})
	for _, p := range problems {
		t.Errorf("seed %d: %s", seed, p)
	}
	return len(problems) == 0
}

// tell shows the shortest story that still goes wrong.
func tell(t *testing.T, seed uint64) {
	plan := Random(seed)
	small := plan.Shrink()
	t.Logf("to see this again: go test ./internal/sim -run TestSeeds -replay %d", seed)
	t.Logf("%d of its %d faults are enough:", len(small.misfortunes()), len(plan.misfortunes()))
	for _, line := range small.describe() {
		t.Log(line)
	}
	small.Play(Story{Kernel: true, Adverts: testing.Verbose(), Line: func(s string) { t.Log(s) }})
}

// The same seed is the same run, to the last word.
func TestSeeds_AreReproducible(t *testing.T) {
	for seed := range uint64(10) {
		var stories [2]strings.Builder
		for i := range stories {
			plan := Random(seed)
			plan.Play(Story{Kernel: true, Adverts: true, Line: func(s string) { stories[i].WriteString(s + "\n") }})
		}
		if stories[0].String() != stories[1].String() {
			t.Errorf("seed %d has two stories", seed)
		}
	}
}
