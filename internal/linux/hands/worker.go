package hands

import (
	"runtime"
	"sync"

	"github.com/holdfast-net/holdfast/internal/engine"
)

// worker carries out the orders for one interface.
type worker struct {
	hands  *Hands
	ifname string

	mu    sync.Mutex
	ready *sync.Cond // signalled when queue or done changed
	queue []engine.Op
	done  bool
}

func newWorker(ifname string, h *Hands) *worker {
	w := &worker{hands: h, ifname: ifname}
	w.ready = sync.NewCond(&w.mu)
	return w
}

func (w *worker) submit(op engine.Op) {
	w.mu.Lock()
	w.queue = append(w.queue, op)
	w.mu.Unlock()
	w.ready.Signal()
}

func (w *worker) stop() {
	w.mu.Lock()
	w.done = true
	w.mu.Unlock()
	w.ready.Signal()
}

func (w *worker) backlog() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.queue)
}

// take takes all orders there are. With none it says so at once when the
// worker has something else to do, and else waits; no orders then
// mean the end.
func (w *worker) take(spare []engine.Op, busy bool) (ops []engine.Op, end bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.queue) == 0 && !w.done && !busy {
		w.ready.Wait()
	}
	ops = w.queue
	w.queue = spare[:0]
	return ops, len(ops) == 0 && w.done && !busy
}

func (w *worker) run() {
	// Never unlocked: what Thread did to the thread ends with it.
	runtime.LockOSThread()
	w.hands.cfg.Thread()
	h := newHand(w.ifname, w.hands)
	defer h.close()
	var spare []engine.Op
	busy := false
	for {
		ops, end := w.take(spare, busy)
		if end {
			return
		}
		for rest := ops; len(rest) > 0; {
			n := together(rest)
			for _, r := range h.do(rest[:n]) {
				w.hands.cfg.Deliver(r)
			}
			rest = rest[n:]
		}
		clear(ops)
		spare = ops
		busy = len(h.chores) > 0
		if len(ops) == 0 {
			busy = h.doChore()
		}
	}
}

// maxTogether bounds what is carried out as one: the first of many groups
// should not wait for the last before it may say that it is active.
const maxTogether = 32

// together is the number of orders at the head of the queue that can be
// carried out as one: of one kind, and for different routers.
func together(ops []engine.Op) int {
	seen := map[routerID]bool{}
	for i, op := range ops {
		if i == maxTogether || op.Kind != ops[0].Kind || seen[idOf(op)] {
			return i
		}
		seen[idOf(op)] = true
	}
	return len(ops)
}
