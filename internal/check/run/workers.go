package run

import (
	"context"
	"fmt"

	"github.com/holdfast-net/holdfast/internal/check"
)

// workers are goroutines that look. They are made when there is something to
// do and nobody idle, kept for the next look (a goroutine's stack that has
// grown once need not grow again), and dismissed when they were not needed for
// a while. The counts are for who holds Runner.mu.
type workers struct {
	most    int
	busy    int // with looks that still count
	all     int // that have not been lost
	peak    int // busy at once since the last trim
	jobs    chan job
	results chan result
}

// job is one look; without an item it dismisses a worker.
type job struct {
	item  *item
	ctx   context.Context
	probe check.Probe
}

// result is the answer.
type result struct {
	item *item
	seen check.Seen
}

func newWorkers(most int) workers {
	// What lies in jobs is counted as busy or dismissed, so it never fills.
	return workers{most: most, jobs: make(chan job, 2*most), results: make(chan result, 256)}
}

// free reports whether one more look may begin.
func (w *workers) free() bool { return w.busy < w.most }

// give begins a look. It does not block.
func (w *workers) give(j job) {
	w.busy++
	w.peak = max(w.peak, w.busy)
	if w.busy > w.all {
		w.all++
		go w.run(j)
		return
	}
	w.jobs <- j
}

// lose takes a worker that hangs out of the count, regain puts it back.
func (w *workers) lose()   { w.busy, w.all = w.busy-1, w.all-1 }
func (w *workers) regain() { w.all++ }

// trim dismisses those that were not needed since the last call.
func (w *workers) trim() {
	for n := min(w.all-w.peak, w.most); n > 0; n-- {
		w.jobs <- job{}
		w.all--
	}
	w.peak = w.busy
}

func (w *workers) run(j job) {
	for ; j.item != nil; j = <-w.jobs {
		w.results <- result{j.item, try(j)}
	}
}

// try calls a probe. A probe that panics has failed; the daemon, which may
// hold addresses that other checks vouch for, goes on.
func try(j job) (seen check.Seen) {
	defer func() {
		if x := recover(); x != nil {
			seen = check.Failed(fmt.Sprintf("an error in holdfast itself: %v", x))
		}
	}()
	return j.probe.Try(j.ctx)
}
