package run

import (
	"context"
	"encoding/binary"
	"errors"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/holdfast-net/holdfast/internal/balance"
)

var errNoPlane = errors.New("nothing forwards packets here")

// worker puts flows into the plane. It has lanes that work side by side; what is
// about one client is in one lane, and there it is done in order. What is about
// all flows has a part in every lane, and is done by the last one that comes to
// it, while the others wait.
type worker struct {
	mu    sync.Mutex
	plane balance.Mirror
	lanes []*lane
}

type lane struct {
	queue []func(balance.Mirror)
	wake  chan struct{}
	own   []balance.Change // what is being put there
}

// mostLanes is how many planes are known to have use for.
const mostLanes = 4

func newWorker() *worker {
	w := &worker{}
	for range min(mostLanes, runtime.NumCPU()) {
		w.lanes = append(w.lanes, &lane{wake: make(chan struct{}, 1)})
	}
	return w
}

func (w *worker) use(p balance.Mirror) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.plane = p
}

// each has every lane do its part of something.
func (w *worker) each(part func(lane int, p balance.Mirror)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, l := range w.lanes {
		l.queue = append(l.queue, func(p balance.Mirror) { part(i, p) })
		select {
		case l.wake <- struct{}{}:
		default:
		}
	}
}

// alone does something after all that was before it, and before all that comes
// after it.
func (w *worker) alone(ctx context.Context, f func(p balance.Mirror)) {
	var come atomic.Int32
	done := make(chan struct{})
	w.each(func(_ int, p balance.Mirror) {
		if int(come.Add(1)) == len(w.lanes) {
			f(p)
			close(done)
			return
		}
		select {
		case <-done:
		case <-ctx.Done():
		}
	})
}

// install puts changes there, and says how that went: what was given first is
// said first.
func (w *worker) install(changes []balance.Change, done func(refused int, err error)) {
	var mu sync.Mutex
	var failed error
	refused, left := 0, len(w.lanes)
	w.each(func(i int, p balance.Mirror) {
		n, err := put(p, w.own(i, changes))
		mu.Lock()
		refused += n
		if failed == nil {
			failed = err
		}
		left--
		last := left == 0
		mu.Unlock()
		if last {
			done(refused, failed)
		}
	})
}

func put(p balance.Mirror, changes []balance.Change) (refused int, err error) {
	switch {
	case len(changes) == 0:
		return 0, nil
	case p == nil:
		return len(changes), errNoPlane
	}
	return p.Install(changes)
}

// own are the changes of one lane: all of a client, of whatever service, since
// its flows may have the same way back.
func (w *worker) own(i int, changes []balance.Change) []balance.Change {
	if len(w.lanes) == 1 {
		return changes
	}
	l := w.lanes[i]
	l.own = l.own[:0]
	for j := range changes {
		if laneOf(changes[j].Client, len(w.lanes)) == i {
			l.own = append(l.own, changes[j])
		}
	}
	return l.own
}

func laneOf(client netip.AddrPort, lanes int) int {
	a := client.Addr().As16()
	x := binary.LittleEndian.Uint64(a[8:]) ^ binary.LittleEndian.Uint64(a[:8]) ^ uint64(client.Port())<<16
	return int(x * 0x9e3779b97f4a7c15 >> 33 % uint64(lanes))
}

// run works until ctx ends.
func (w *worker) run(ctx context.Context) {
	var wait sync.WaitGroup
	for _, l := range w.lanes {
		wait.Go(func() { w.work(ctx, l) })
	}
	wait.Wait()
}

func (w *worker) work(ctx context.Context, l *lane) {
	var pace pace
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.wake:
		}
		for ctx.Err() == nil {
			w.mu.Lock()
			if len(l.queue) == 0 {
				l.queue = nil
				w.mu.Unlock()
				break
			}
			f, p := l.queue[0], w.plane
			l.queue = l.queue[1:]
			w.mu.Unlock()
			pace.begin()
			f(p)
			pace.end()
		}
	}
}
