package proxy

import "github.com/holdfast-net/holdfast/internal/balance"

// queue is the connections of one service that wait on a loop until a target
// has room, in the order in which they came.
type queue struct {
	conns []*conn
	head  int
}

// enqueue has a connection wait, unless nobody may, or too many do.
func (l *loop) enqueue(c *conn, p balance.Proxying) bool {
	if p.Queue <= 0 {
		return false
	}
	if n := c.service.queued.Add(1); p.MaxQueue > 0 && n > int64(p.MaxQueue) {
		c.service.queued.Add(-1)
		return false
	}
	q := l.waiting[c.service]
	if q == nil {
		q = &queue{}
		l.waiting[c.service] = q
	}
	if q.head > len(q.conns)/2 {
		q.conns = q.conns[:copy(q.conns, q.conns[q.head:])]
		q.head = 0
	}
	q.conns = append(q.conns, c)
	c.stage, c.since = queued, l.now
	c.lists++
	return true
}

// serve gives those who wait what places there are, and sends away who has
// waited for too long: those are always the first.
func (l *loop) serve(s *service) {
	q := l.waiting[s]
	if q == nil {
		return
	}
	v := s.view.Load()
	longest := int64(v.plan.Service.Proxying.Queue)
	for q.head < len(q.conns) {
		c := q.conns[q.head]
		if c.stage == queued {
			if l.now-c.since >= longest {
				s.limited.Add(1)
				c.abort()
			} else {
				t, full := l.pick(s, v, balance.TCP, c.from, c.to, c.failed)
				if full {
					return
				}
				if t == nil {
					s.refused.Add(1)
					c.abort()
				} else {
					s.queued.Add(-1)
					c.connect(t)
				}
			}
		}
		q.conns[q.head] = nil
		q.head++
		c.unlist()
	}
	delete(l.waiting, s)
}

// part takes a flow off a target, and has one that waits take its place.
func (l *loop) part(s *service, t *target) {
	t.flows.Add(-1)
	if s.queued.Load() > 0 && s.poked.CompareAndSwap(false, true) {
		for _, other := range s.loops {
			other.post(func() {
				s.poked.Store(false)
				other.serve(s)
			})
		}
	}
}
