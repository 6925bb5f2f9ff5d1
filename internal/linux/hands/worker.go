package hands

import (
	"runtime"
	"sync"
	"time"

	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/vrrp"
)

// worker carries out the orders for one interface.
type worker struct {
	hands  *Hands
	ifname string
	wake   chan struct{} // has a value when queue or done changed

	mu    sync.Mutex
	queue []engine.Op
	mend  bool
	done  bool
}

func newWorker(ifname string, h *Hands) *worker {
	return &worker{hands: h, ifname: ifname, wake: make(chan struct{}, 1)}
}

func (w *worker) submit(op engine.Op) {
	w.mu.Lock()
	w.queue = append(w.queue, op)
	w.mu.Unlock()
	w.signal()
}

// askToMend makes the worker look after the settings of its interface.
func (w *worker) askToMend() {
	w.mu.Lock()
	w.mend = true
	w.mu.Unlock()
	w.signal()
}

func (w *worker) stop() {
	w.mu.Lock()
	w.done = true
	w.mu.Unlock()
	w.signal()
}

func (w *worker) signal() {
	select {
	case w.wake <- struct{}{}:
	default: // it will look anyway
	}
}

func (w *worker) backlog() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.queue)
}

// take takes all orders there are, and leaves spare for the next ones.
func (w *worker) take(spare []engine.Op) (ops []engine.Op, mend, done bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	ops, mend = w.queue, w.mend
	w.queue, w.mend = spare[:0], false
	return ops, mend, w.done
}

func (w *worker) run() {
	// Never unlocked: what Thread did to the thread ends with it.
	runtime.LockOSThread()
	w.hands.cfg.Thread()
	h := newHand(w.ifname, w.hands, w.askToMend)
	defer h.close()
	var spare []engine.Op
	for {
		ops, mend, done := w.take(spare)
		if mend {
			h.mend()
		}
		switch {
		case len(ops) > 0:
			w.carryOut(h, ops)
		case done && !h.doChore():
			return
		case !done:
			w.idle(h)
		}
		clear(ops)
		if spare = ops; cap(spare) > maxSpare {
			spare = nil // a storm that is over
		}
	}
}

// maxSpare is how long a queue is kept for its memory.
const maxSpare = 64

// carryOut delivers the results before it does what can be done later.
func (w *worker) carryOut(h *hand, ops []engine.Op) {
	for len(ops) > 0 {
		n := together(ops)
		for _, r := range h.do(ops[:n]) {
			w.hands.cfg.Deliver(r)
		}
		if ops[0].Kind == engine.OpInstall {
			h.unstick()
		}
		ops = ops[n:]
	}
}

// calm is how long no order must have come before the worker does chores.
const calm = 100 * time.Millisecond

// idle waits for the next order, and does chores when none comes.
func (w *worker) idle(h *hand) {
	if len(h.chores) == 0 {
		<-w.wake
		return
	}
	timer := time.NewTimer(calm)
	defer timer.Stop()
	select {
	case <-w.wake:
		return
	case <-timer.C:
	}
	for h.doChore() {
		select {
		case <-w.wake:
			return
		default:
		}
	}
}

// maxInstalls bounds how many installs are carried out as one: the first of
// many groups should not wait for the last before it may say that it is
// active. For other orders only the end of all of them counts.
const maxInstalls = 32

// together is the number of orders at the head of the queue that can be
// carried out as one: of one kind, and for different routers.
func together(ops []engine.Op) int {
	var seen [2][256]bool
	for i, op := range ops {
		one := &seen[0][op.VRID]
		if op.Family == vrrp.IPv6 {
			one = &seen[1][op.VRID]
		}
		if i == maxInstalls && op.Kind == engine.OpInstall || op.Kind != ops[0].Kind || *one {
			return i
		}
		*one = true
	}
	return len(ops)
}
