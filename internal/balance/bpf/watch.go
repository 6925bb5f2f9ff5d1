package bpf

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/cilium/ebpf/ringbuf"

	"github.com/holdfast-net/holdfast/internal/balance"
)

// watch is struct watch of bpf/news.h, shared with the kernel.
type watch struct {
	on   atomic.Uint64
	lost atomic.Uint64
	_, _ uint64 // the program's own
}

// together is for how long news is let come together: the program wakes nobody
// meanwhile.
const together = time.Millisecond

// maxBatch is how many changes are delivered at once, but for those of a sweep.
const maxBatch = 4096

// watcher reads what the program tells.
type watcher struct {
	plane *Plane
	news  func(changes []balance.Change, lost bool)
	ring  *ringbuf.Reader
	done  chan struct{}
	lost  uint64 // as it was when the last were delivered

	mu    sync.Mutex
	swept []told // what a sweep has found
}

// Watch is balance.Mirror's. There is one watcher at a time, and news may not
// stop it.
func (p *Plane) Watch(news func(changes []balance.Change, lost bool)) (stop func(), err error) {
	p.alive.RLock()
	defer p.alive.RUnlock()
	if p.watch == nil {
		return nil, fmt.Errorf("cannot watch flows: %w", balance.ErrGone)
	}
	ring, err := ringbuf.NewReader(p.objs.HfNews)
	if err != nil {
		return nil, fmt.Errorf("cannot watch flows: %w", err)
	}
	w := &watcher{plane: p, news: news, ring: ring, done: make(chan struct{})}
	if !p.watcher.CompareAndSwap(nil, w) {
		return nil, errors.Join(errors.New("cannot watch flows: somebody does already"), ring.Close())
	}
	// What an earlier process has not read is old: who watches begins with a Walk.
	for batch := make([]told, maxBatch); len(batch) == maxBatch; {
		if batch, err = w.drain(batch[:0]); err != nil {
			p.watcher.Store(nil)
			return nil, errors.Join(fmt.Errorf("cannot watch flows: %w", err), ring.Close())
		}
	}
	w.lost = p.watch.lost.Load()
	p.watch.on.Store(1)
	go w.run()
	return w.stop, nil
}

func (w *watcher) stop() {
	w.plane.alive.RLock()
	if w.plane.watch != nil {
		w.plane.watch.on.Store(0)
	}
	w.plane.alive.RUnlock()
	_ = w.ring.Close() // run sees it
	<-w.done
	w.plane.watcher.CompareAndSwap(w, nil)
}

// run delivers until the ring is closed. After the first news it waits a
// little: the program wakes only who has read all there was.
func (w *watcher) run() {
	defer close(w.done)
	var first ringbuf.Record
	var batch []told
	var changes []balance.Change
	for {
		w.ring.SetDeadline(time.Time{})
		err := w.ring.ReadInto(&first)
		batch = batch[:0]
		switch {
		case errors.Is(err, ringbuf.ErrClosed):
			return
		case err == nil:
			batch = append(batch, read(first))
			time.Sleep(together)
		}
		for more := true; more; batch = batch[:0] {
			if batch, err = w.drain(batch); err != nil {
				return
			}
			more = len(batch) >= maxBatch
			changes = w.deliver(batch, changes[:0])
		}
	}
}

// drain adds what is in the ring, up to maxBatch.
func (w *watcher) drain(batch []told) ([]told, error) {
	var r ringbuf.Record
	w.ring.SetDeadline(time.Unix(1, 0))
	for len(batch) < maxBatch {
		err := w.ring.ReadInto(&r)
		switch {
		case err == nil:
			batch = append(batch, read(r))
		case errors.Is(err, ringbuf.ErrFlushed):
		case errors.Is(err, os.ErrDeadlineExceeded):
			return batch, nil
		default:
			return batch, err
		}
	}
	return batch, nil
}

func read(r ringbuf.Record) (n told) {
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&n)), unsafe.Sizeof(n)), r.RawSample)
	return n
}

func (w *watcher) deliver(batch []told, changes []balance.Change) []balance.Change {
	w.mu.Lock()
	swept := w.swept
	w.swept = nil
	w.mu.Unlock()
	now, names := monotonic(), w.plane.names.Load()
	for _, from := range [][]told{swept, batch} {
		for _, t := range from {
			if c, ok := names.change(t, now); ok {
				changes = append(changes, c)
			}
		}
	}
	lost := w.plane.watch.lost.Load()
	if len(changes) > 0 || lost != w.lost {
		w.news(changes, lost != w.lost)
	}
	w.lost = lost
	return changes
}

// tell is for what a sweep finds.
func (w *watcher) tell(k flowKey, f flow, what uint32) {
	w.mu.Lock()
	w.swept = append(w.swept, told{Key: k, Flow: f, What: what})
	w.mu.Unlock()
}

// wake has what was found delivered.
func (w *watcher) wake() {
	w.mu.Lock()
	found := len(w.swept) > 0
	w.mu.Unlock()
	if found {
		_ = w.ring.Flush() // it fails where the ring is closed, and nobody reads on
	}
}
