package sim

import (
	"flag"
	"os"
	"strconv"
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
	return 3000
}

// TestSeeds_KeepEveryPromise plays one random run for each seed.
func TestSeeds_KeepEveryPromise(t *testing.T) {
	if *replay != 0 {
		play(t, *replay)
		return
	}
	failed := 0
	for seed := *first; seed < *first+uint64(*seeds); seed++ {
		plan := Random(seed)
		if problems := plan.Play(Story{}); len(problems) == 0 {
			continue
		}
		play(t, seed)
		if failed++; failed == 3 {
			t.Fatal("three seeds failed: enough")
		}
	}
}

// play shows a run from beginning to end.
func play(t *testing.T, seed uint64) {
	t.Helper()
	plan := Random(seed)
	for _, line := range plan.describe() {
		t.Log(line)
	}
	problems := plan.Play(Story{Kernel: true, Line: func(s string) { t.Log(s) }})
	for _, p := range problems {
		t.Error(p)
	}
	t.Logf("replay: go test ./internal/sim -run TestSeeds -replay %d -v", seed)
}
