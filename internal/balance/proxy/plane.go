package proxy

import (
	"errors"
	"fmt"
	"runtime"
	"sync"

	"github.com/holdfast-net/holdfast/internal/balance"
)

// Plane is the proxies of a node. It is a [balance.Plane].
type Plane struct {
	loops    []*loop
	mu       sync.Mutex
	services map[string]*served
	sessions *sessions

	unwatch, watched chan struct{} // that somebody looks for addresses that have left
}

// served is a service with the addresses that it is served at.
type served struct {
	*service
	at map[balance.Endpoint]bool
}

// New starts a loop for each CPU that Go may use.
func New() (*Plane, error) {
	p := &Plane{
		services: map[string]*served{}, sessions: newSessions(),
		unwatch: make(chan struct{}), watched: make(chan struct{}),
	}
	for range runtime.GOMAXPROCS(0) {
		l, err := newLoop(p.sessions)
		if err != nil {
			for _, l := range p.loops {
				l.release()
			}
			return nil, err
		}
		p.loops = append(p.loops, l)
	}
	for _, l := range p.loops {
		go l.run()
	}
	go p.watchAddresses()
	return p, nil
}

// Apply implements [balance.Plane].
func (p *Plane) Apply(plans []*balance.Plan) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	wanted := map[string]*balance.Plan{}
	for _, plan := range plans {
		wanted[plan.Service.Name] = plan
	}
	for name, s := range p.services {
		if plan := wanted[name]; plan == nil {
			p.end(s)
			delete(p.services, name)
		} else {
			p.stop(s, plan)
		}
	}
	var errs []error
	for _, plan := range plans {
		if err := p.serve(plan); err != nil {
			errs = append(errs, fmt.Errorf("cannot serve %s: %w", plan.Service.Name, err))
		}
	}
	return errors.Join(errs...)
}

// serve brings one service to its plan. Addresses that it loses were closed.
func (p *Plane) serve(plan *balance.Plan) error {
	s := p.services[plan.Service.Name]
	if s == nil {
		s = &served{service: &service{loops: p.loops}, at: map[balance.Endpoint]bool{}}
		p.services[plan.Service.Name] = s
	}
	before := s.view.Load()
	v := viewOf(plan, before)
	s.view.Store(v)
	if before != nil {
		gone := v.abandoned(before)
		p.each(func(l *loop) {
			l.abandon(gone)
			l.serve(s.service)
		})
	}
	for _, at := range plan.Service.Listen {
		if s.at[at] {
			continue
		}
		fds := make([]int32, 0, len(p.loops))
		for range p.loops {
			fd, err := open(at)
			if err != nil {
				for _, fd := range fds {
					closeFd(fd)
				}
				return err
			}
			fds = append(fds, fd)
		}
		for i, l := range p.loops {
			l.do(func() {
				if at.Proto == balance.UDP {
					l.listenDatagrams(s.service, fds[i], at.AddrPort)
				} else {
					l.listen(s.service, fds[i], at.AddrPort)
				}
			})
		}
		s.at[at] = true
	}
	return nil
}

// stop closes the addresses that a plan does not name any more. Connections
// through them go on.
func (p *Plane) stop(s *served, plan *balance.Plan) {
	named := map[balance.Endpoint]bool{}
	for _, at := range plan.Service.Listen {
		named[at] = true
	}
	for at := range s.at {
		if !named[at] {
			delete(s.at, at)
			p.each(func(l *loop) { l.unlisten(s.service, at) })
		}
	}
}

// end closes a service and all of its connections.
func (p *Plane) end(s *served) {
	p.each(func(l *loop) {
		for at := range s.at {
			l.unlisten(s.service, at)
		}
		l.dismiss(s.service)
	})
}

// each has f run on every loop, one after the other.
func (p *Plane) each(f func(*loop)) {
	for _, l := range p.loops {
		l.do(func() { f(l) })
	}
}

// Usage implements [balance.Plane]. Target 0 is nobody.
func (p *Plane) Usage(name string) (map[uint32]balance.Usage, error) {
	p.mu.Lock()
	s := p.services[name]
	listens := s != nil && len(s.at) > 0
	p.mu.Unlock()
	switch {
	case s == nil:
		return nil, fmt.Errorf("cannot count flows of %s: it is not served here", name)
	case !listens:
		return nil, fmt.Errorf("cannot count flows of %s: it listens nowhere", name)
	}
	nobody := balance.Usage{Flows: uint64(max(s.flows.Load(), 0)), Refused: s.refused.Load(), Limited: s.limited.Load()}
	nobody.Drops = drops(nobody)
	for why, n := range map[string]uint64{"no room": s.crowded.Load(), "made room": s.displaced.Load()} {
		if n > 0 {
			nobody.Drops[why] = n
		}
	}
	out := map[uint32]balance.Usage{0: nobody}
	for _, t := range s.view.Load().targets {
		u := balance.Usage{
			Flows: uint64(t.flows.Load()), New: t.connections.Load(), BytesIn: t.in.Load(), BytesOut: t.out.Load(),
			PacketsIn: t.packets[client].Load(), PacketsOut: t.packets[server].Load(), Dropped: t.failures.Load(),
		}
		u.Drops = drops(u)
		out[t.id] = u
	}
	return out, nil
}

// drops is what was not served, by reason.
func drops(u balance.Usage) map[string]uint64 {
	out := map[string]uint64{}
	for why, n := range map[string]uint64{"refused": u.Refused, "limited": u.Limited, "failed": u.Dropped} {
		if n > 0 {
			out[why] = n
		}
	}
	return out
}

// Close ends all connections: they live in this process, so none can be kept.
func (p *Plane) Close(bool) error {
	close(p.unwatch)
	<-p.watched
	err := p.Apply(nil)
	for _, l := range p.loops {
		l.post(func() { l.stop = true })
		<-l.done
	}
	return err
}
