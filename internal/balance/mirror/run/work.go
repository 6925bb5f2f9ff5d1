package run

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/holdfast-net/holdfast/internal/balance"
	"github.com/holdfast-net/holdfast/internal/balance/mirror"
)

// worker puts flows into the plane, one thing after the other.
type worker struct {
	mu    sync.Mutex
	plane balance.Mirror
	queue []func(balance.Mirror)
	wake  chan struct{}
}

func newWorker() *worker { return &worker{wake: make(chan struct{}, 1)} }

func (w *worker) use(p balance.Mirror) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.plane = p
}

func (w *worker) do(f func(balance.Mirror)) {
	w.mu.Lock()
	w.queue = append(w.queue, f)
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *worker) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.wake:
		}
		for ctx.Err() == nil {
			w.mu.Lock()
			if len(w.queue) == 0 {
				w.queue = nil
				w.mu.Unlock()
				break
			}
			f, p := w.queue[0], w.plane
			w.queue = w.queue[1:]
			w.mu.Unlock()
			f(p)
		}
	}
}

var errNoPlane = errors.New("nothing forwards packets here")

// takeOver says who makes room on a connection when a frame is done.
func (r *Runner) takeOver(a *mirror.Action) func() {
	c := r.conns[a.Conn]
	if c == nil || c.due != a.Seq {
		return func() {}
	}
	c.due = 0
	return c.done
}

func (r *Runner) install(a mirror.Action) {
	done := r.takeOver(&a)
	r.worker.do(func(p balance.Mirror) {
		ev := mirror.Installed{Conn: a.Conn, Seq: a.Seq, Refused: len(a.Changes), Err: errNoPlane}
		if p != nil {
			ev.Refused, ev.Err = p.Install(a.Changes)
		}
		done()
		r.post(func() { r.step(ev) })
	})
}

// sweep takes away what the holder did not name.
func (r *Runner) sweep(a mirror.Action) {
	done := r.takeOver(&a)
	r.worker.do(func(p balance.Mirror) {
		ev := mirror.Swept{Conn: a.Conn, Seq: a.Seq}
		switch {
		case len(a.Listens) == 0:
		case p == nil:
			ev.Err = errNoPlane
		default:
			ev.Ended, ev.Err = unname(p, &a)
		}
		done()
		r.post(func() { r.step(ev) })
	})
}

func unname(p balance.Mirror, a *mirror.Action) (ended int, err error) {
	var gone []balance.Change
	err = p.Walk(func(flows []balance.Flow) bool {
		for i := range flows {
			f := &flows[i]
			if slices.Contains(a.Listens, f.Listen) && !a.Named.Has(f) {
				gone = append(gone, balance.Change{Flow: *f, Gone: true})
				gone[len(gone)-1].Idle = 0 // whatever this plane has seen of it
			}
		}
		return true
	})
	if err != nil || len(gone) == 0 {
		return 0, err
	}
	refused, err := p.Install(gone)
	return len(gone) - refused, err
}

// walk is a walk of the plane that goes on when it is told to.
type walk struct {
	bulk   uint32
	tokens chan struct{}
	ended  chan struct{}
	once   sync.Once
}

func (w *walk) more() {
	select {
	case w.tokens <- struct{}{}:
	default:
	}
}

func (w *walk) stop() { w.once.Do(func() { close(w.ended) }) }

func (r *Runner) newWalk(c mirror.Conn, bulk uint32) *walk {
	w := &walk{bulk: bulk, tokens: make(chan struct{}, 1), ended: make(chan struct{})}
	p := r.plane
	go func() {
		err := errNoPlane
		wait := func() bool {
			select {
			case <-w.tokens:
				return true
			case <-w.ended:
				return false
			}
		}
		if p != nil {
			err = p.Walk(func(flows []balance.Flow) bool {
				if !wait() {
					return false
				}
				ev := mirror.Walked{Conn: c, Bulk: bulk, Flows: slices.Clone(flows)}
				r.post(func() { r.step(ev) })
				return true
			})
		}
		if !wait() {
			return
		}
		r.post(func() {
			if r.walks[c] == w {
				delete(r.walks, c)
			}
			r.step(mirror.WalkEnded{Conn: c, Bulk: bulk, Err: err})
		})
	}()
	return w
}
