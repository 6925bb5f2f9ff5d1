package run

import (
	"context"
	"time"

	"github.com/holdfast-net/holdfast/internal/check"
)

// trimEvery is how often workers that are not needed are dismissed.
const trimEvery = 10 * time.Second

// stall is how late the loop may be before it takes a look that is over its
// time for one that was starved with it.
const stall = 100 * time.Millisecond

// Run looks until ctx ends. It returns when no look is under way any more,
// but for those that hang. A runner runs once.
func (r *Runner) Run(ctx context.Context) {
	looks, cancel := context.WithCancel(ctx)
	defer cancel()
	r.mu.Lock()
	r.ctx = looks
	r.mu.Unlock()
	timer := time.NewTimer(0)
	defer timer.Stop()
	trim := time.NewTicker(trimEvery)
	defer trim.Stop()
	for {
		select {
		case <-ctx.Done():
			r.end()
			return
		case <-timer.C:
		case <-r.wake:
		case <-trim.C:
			r.mu.Lock()
			r.work.trim()
			r.mu.Unlock()
		case res := <-r.work.results:
			r.finished(res)
		}
		timer.Reset(r.round())
	}
}

// round steps what is due and says how long there is nothing to do.
func (r *Runner) round() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	r.gather(now) // before anything is said to hang
	next := now.Add(time.Hour)
	for e := r.pending.first(); e != nil; e = r.pending.first() {
		if now.Before(e.at) {
			next = e.at
			break
		}
		if now.Sub(e.at) > stall {
			// This process stood still, and so did the look.
			r.pending.set(e, now.Add(check.Grace))
			continue
		}
		r.step(now, e.item, check.Event{Kind: check.EventTick})
	}
	for e := r.due.first(); e != nil && r.work.free(); e = r.due.first() {
		if now.Before(e.at) {
			if e.at.Before(next) {
				next = e.at
			}
			break
		}
		r.figures.late(now.Sub(e.at))
		r.step(now, e.item, check.Event{Kind: check.EventTick})
	}
	return next.Sub(now)
}

// look begins a look. The timeout counts from here: workers are free.
func (r *Runner) look(it *item) {
	ctx, cancel := context.WithTimeout(r.ctx, it.spec.Timeout)
	it.cancel, it.begun = cancel, time.Now()
	r.work.give(job{it, ctx, it.probe})
}

// giveUp counts a look that hangs.
func (r *Runner) giveUp(it *item) {
	it.lost = true
	it.cancel()
	r.work.lose()
	r.figures.Hung++
	r.figures.Hanging++
}

// finished takes a result.
func (r *Runner) finished(res result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.finish(time.Now(), res)
}

// gather takes the results that have come in.
func (r *Runner) gather(now time.Time) {
	for {
		select {
		case res := <-r.work.results:
			r.finish(now, res)
		default:
			return
		}
	}
}

func (r *Runner) finish(now time.Time, res result) {
	it := res.item
	it.cancel()
	it.cancel = nil
	if it.lost {
		it.lost = false
		r.figures.Hanging--
		r.work.regain()
	} else {
		r.work.busy--
	}
	if it.gone {
		r.pending.remove(&it.entry)
		it.close()
		return
	}
	if r.opt.Looked != nil {
		r.opt.Looked(it.spec.Name, res.seen, it.begun)
	}
	r.step(now, it, check.Event{Kind: check.EventSeen, Seen: res.seen})
}

// end waits for the looks under way, whose context has ended, and releases
// what the probes keep.
func (r *Runner) end() {
	bound := time.After(check.Grace)
	for r.busy() > 0 {
		select {
		case res := <-r.work.results:
			r.mu.Lock()
			res.item.gone = true // what it saw is the end of its context
			r.finish(time.Now(), res)
			r.mu.Unlock()
			continue
		case <-bound:
		}
		break
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, it := range r.items {
		if it.cancel == nil && !it.gone {
			it.close()
		}
	}
	close(r.work.jobs)
}

func (r *Runner) busy() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.work.busy
}
