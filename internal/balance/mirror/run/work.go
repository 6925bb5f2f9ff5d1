package run

import (
	"cmp"
	"slices"
	"sync"

	"github.com/holdfast-net/holdfast/internal/balance"
	"github.com/holdfast-net/holdfast/internal/balance/mirror"
)

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
	r.worker.install(a.Changes, func(refused int, err error) {
		done()
		r.post(func() { r.step(mirror.Installed{Conn: a.Conn, Seq: a.Seq, Refused: refused, Err: err}) })
	})
}

// survey is what was here when a walk of another node began.
type survey struct {
	bulk uint32
	had  mirror.Names
	err  error
	done chan struct{}
}

// survey looks what is here, while flows of the walk are put beside it already.
func (r *Runner) survey(a mirror.Action) {
	s := &survey{bulk: a.Bulk, done: make(chan struct{})}
	r.surveys[a.Conn] = s
	r.worker.alone(r.ctx, func(p balance.Mirror) {
		go func() {
			defer close(s.done)
			if s.err = errNoPlane; p == nil {
				return
			}
			s.err = walkAtPace(p, func(flows []balance.Flow) bool {
				for i := range flows {
					if slices.Contains(a.Listens, flows[i].Listen) {
						s.had.Add(&flows[i])
					}
				}
				return r.ctx.Err() == nil
			})
		}()
	})
}

// sweep takes away what the holder did not name. Most often there is nothing,
// and the survey shows that: news need not wait for another look at all flows.
func (r *Runner) sweep(a mirror.Action) {
	done := r.takeOver(&a)
	s := r.surveys[a.Conn]
	delete(r.surveys, a.Conn)
	r.worker.alone(r.ctx, func(p balance.Mirror) {
		ev := mirror.Swept{Conn: a.Conn, Seq: a.Seq}
		if s != nil && s.bulk == a.Bulk {
			<-s.done
		}
		switch {
		case len(a.Listens) == 0:
		case p == nil:
			ev.Err = errNoPlane
		case s != nil && s.bulk == a.Bulk && s.err == nil && a.Named.Covers(&s.had):
		default:
			ev.Ended, ev.Err = unname(p, &a)
		}
		done()
		r.post(func() { r.step(ev) })
	})
}

func unname(p balance.Mirror, a *mirror.Action) (ended int, err error) {
	var gone []balance.Change
	err = walkAtPace(p, func(flows []balance.Flow) bool {
		for i := range flows {
			f := &flows[i]
			if slices.Contains(a.Listens, f.Listen) && !a.Named.Has(f) {
				gone = append(gone, balance.Change{Flow: *f, Gone: true})
				gone[len(gone)-1].Idle = 0 // whatever this plane has seen of it
			}
		}
		return true
	})
	if err != nil {
		return 0, err
	}
	var pace pace
	for some := range slices.Chunk(gone, 1000) {
		pace.begin()
		refused, failed := p.Install(some)
		pace.end()
		ended += len(some) - refused
		err = cmp.Or(err, failed)
	}
	return ended, err
}

// walkAtPace is a walk of which nobody else notices much.
func walkAtPace(p balance.Mirror, some func(flows []balance.Flow) bool) error {
	var pace pace
	pace.begin()
	return p.Walk(func(flows []balance.Flow) bool {
		pace.end()
		goOn := some(flows)
		pace.begin()
		return goOn
	})
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
			err = walkAtPace(p, func(flows []balance.Flow) bool {
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
