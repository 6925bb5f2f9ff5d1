package engine

import (
	"context"
	"sync"
	"time"
)

// inbox hands functions from other goroutines to the loop.
type inbox struct {
	mu    sync.Mutex
	posts []func(now time.Time)
	spare []func(now time.Time)
}

// Post lets the loop call f soon. It never blocks and may be called from any
// goroutine; posts are called in order.
func (e *Engine) Post(f func(now time.Time)) {
	e.inbox.mu.Lock()
	e.inbox.posts = append(e.inbox.posts, f)
	e.inbox.mu.Unlock()
	e.opt.Wire.Wake()
}

// take empties the inbox. What it returns is valid until the next take.
func (b *inbox) take() []func(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	got := b.posts
	b.posts = b.spare[:0]
	b.spare = got
	return got
}

// Ask posts f and waits until it has called answer, or for ctx.
func Ask[T any](ctx context.Context, e *Engine, f func(now time.Time, answer func(T))) (T, error) {
	ch := make(chan T, 1)
	e.Post(func(now time.Time) {
		f(now, func(v T) {
			select {
			case ch <- v:
			default: // only the first answer counts
			}
		})
	})
	select {
	case v := <-ch:
		return v, nil
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}
