package run

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/holdfast-net/holdfast/internal/balance"
	"github.com/holdfast-net/holdfast/internal/balance/mirror"
)

// Options is what a Runner is made of. Its functions must not block.
type Options struct {
	Node   string
	Record func(group, code, reason string)
	// Synced hears whether a group has all flows that its holder has.
	Synced func(group string, in bool)
	// Follow hears the holder's view of a service, Lead that there is none.
	Follow func(service string, v balance.View)
	Lead   func(service string)
}

// Config is what there is to be told, and to whom.
type Config struct {
	Port     uint16 // where nodes hear each other, by TCP
	Services []mirror.Service
	Peers    []mirror.Peer
	Share    mirror.Share // of the ports of full NAT
	// Keys is the secrets of each key that services and peers name, the one to
	// call with first. A key without secrets signs nothing.
	Keys map[mirror.Print][][]byte
}

// CodeListen is that of a record of a port that cannot be had.
const CodeListen = "HF3026"

// Runner runs a machine. Its methods may be called from any goroutine, and only
// Report waits.
type Runner struct {
	opt  Options
	wake chan struct{}
	done chan struct{}

	mu     sync.Mutex
	inbox  []func()
	news   int  // changes in the inbox
	lost   bool // some had no room there
	closed bool
	config Config // as those need it who accept connections

	// Of the loop alone.
	ctx     context.Context
	machine *mirror.Machine
	want    Config
	held    map[netip.Addr]bool
	views   map[string]mirror.Viewed
	settled map[balance.Endpoint]bool
	ports   [2]uint16 // of full NAT, once they are known
	plane   balance.Mirror
	unwatch func()
	conns   map[mirror.Conn]*conn
	walks   map[mirror.Conn]*walk
	surveys map[mirror.Conn]*survey
	last    mirror.Conn
	port    *port
	worker  *worker
	acts    []mirror.Action
}

// mostNews is how many changes wait for the loop.
const mostNews = 1 << 17

// New makes a Runner that does nothing before it runs and is configured.
func New(opt Options) *Runner {
	return &Runner{
		opt: opt, wake: make(chan struct{}, 1), done: make(chan struct{}), machine: mirror.New(opt.Node),
		held: map[netip.Addr]bool{}, views: map[string]mirror.Viewed{}, settled: map[balance.Endpoint]bool{},
		conns: map[mirror.Conn]*conn{}, walks: map[mirror.Conn]*walk{}, surveys: map[mirror.Conn]*survey{},
	}
}

// Configure says what there is to be told, and to whom.
func (r *Runner) Configure(c Config) {
	r.post(func() {
		r.want = c
		r.configure()
	})
}

// Peers exchanges who is to be told.
func (r *Runner) Peers(peers []mirror.Peer) {
	r.post(func() {
		if !slices.Equal(peers, r.want.Peers) {
			r.want.Peers = peers
			r.configure()
		}
	})
}

// Holds says that an address answers here from now on, or does not any more.
func (r *Runner) Holds(a netip.Addr, held bool) {
	r.post(func() {
		r.held[a] = held
		r.step(mirror.Held{Addr: a, Held: held})
	})
}

// Viewed takes this node's view of a service, and its plan.
func (r *Runner) Viewed(service string, v balance.View, p *balance.Plan) {
	r.post(func() {
		ev := mirror.Viewed{Service: service, View: v, Plan: p}
		r.views[service] = ev
		r.step(ev)
	})
}

// Plane takes the plane whose flows there are; nil is that it is gone.
func (r *Runner) Plane(p balance.Mirror) {
	r.post(func() {
		if r.unwatch != nil {
			r.unwatch()
			r.unwatch = nil
		}
		if r.plane != nil {
			for l := range r.settled {
				r.settle([]balance.Endpoint{l}, false)
			}
			r.plane = nil
			r.restart()
		}
		if p == nil {
			return
		}
		r.plane = p
		for l := range r.settled {
			p.Settle(l, true)
		}
		r.share()
		stop, err := p.Watch(r.heard)
		if err != nil {
			r.opt.Record("", mirror.CodeWalk, "flows of this node cannot be told: "+err.Error())
			return
		}
		r.unwatch = stop
		r.worker.use(p)
		r.configure()
	})
}

// Report tells what is known of the others.
func (r *Runner) Report(ctx context.Context) (mirror.Report, error) {
	var out mirror.Report
	ran := make(chan struct{})
	r.post(func() {
		out = r.machine.Report(time.Now())
		close(ran)
	})
	select {
	case <-ran:
		return out, nil
	case <-r.done:
		return out, errors.New("cannot ask for the other nodes: the daemon is ending")
	case <-ctx.Done():
		return out, ctx.Err()
	}
}

// heard takes the plane's news. It never blocks.
func (r *Runner) heard(changes []balance.Change, lost bool) {
	r.mu.Lock()
	r.lost = r.lost || lost
	if r.news+len(changes) > mostNews {
		r.lost, changes = true, nil
	}
	r.news += len(changes)
	r.mu.Unlock()
	some := slices.Clone(changes)
	r.post(func() {
		r.mu.Lock()
		lost := r.lost
		r.lost = false
		r.news -= len(some)
		r.mu.Unlock()
		r.step(mirror.News{Changes: some, Lost: lost})
	})
}

// post has f run in the loop.
func (r *Runner) post(f func()) {
	r.mu.Lock()
	if !r.closed {
		r.inbox = append(r.inbox, f)
	}
	r.mu.Unlock()
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Run works until ctx ends.
func (r *Runner) Run(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	var wait sync.WaitGroup
	defer wait.Wait()
	defer cancel()
	r.ctx, r.worker = ctx, newWorker()
	r.port = &port{r: r}
	wait.Go(func() { r.worker.run(ctx) })
	defer r.end()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.wake:
		case <-timer.C:
		}
		for _, f := range r.take() {
			f()
		}
		if at := r.machine.Deadline(); !at.IsZero() && !at.After(time.Now()) {
			r.step(mirror.Reached{})
		}
		if at := r.machine.Deadline(); !at.IsZero() {
			timer.Reset(time.Until(at))
		} else {
			timer.Stop()
		}
	}
}

func (r *Runner) take() []func() {
	r.mu.Lock()
	defer r.mu.Unlock()
	q := r.inbox
	r.inbox = nil
	return q
}

func (r *Runner) end() {
	r.mu.Lock()
	r.inbox, r.closed = nil, true
	r.mu.Unlock()
	close(r.done)
	if r.unwatch != nil {
		r.unwatch()
	}
	r.drop()
	r.port.close()
}

// drop ends all connections.
func (r *Runner) drop() {
	for _, w := range r.walks {
		w.stop()
	}
	for _, c := range r.conns {
		c.close()
	}
	clear(r.walks)
	clear(r.surveys)
	clear(r.conns)
}

// restart forgets everything, as the plane is gone: a group is not in sync until
// another one is there and has been told.
func (r *Runner) restart() {
	r.drop()
	r.machine = mirror.New(r.opt.Node)
	for _, s := range r.want.Services {
		if s.Flows {
			r.opt.Synced(s.Group, false)
		}
	}
	r.configure()
}

// configure tells the machine what it has to know, once there is a plane to put
// flows into, where there are flows.
func (r *Runner) configure() {
	c := r.want
	if r.plane == nil && slices.ContainsFunc(c.Services, func(s mirror.Service) bool { return s.Flows }) {
		return
	}
	r.mu.Lock()
	r.config = c
	r.mu.Unlock()
	r.port.want(c)
	r.step(mirror.Configured{Services: c.Services, Peers: c.Peers, Share: c.Share})
	for a, held := range r.held {
		r.step(mirror.Held{Addr: a, Held: held})
	}
	for _, v := range r.views {
		if slices.ContainsFunc(c.Services, func(s mirror.Service) bool { return s.Name == v.Service }) {
			r.step(v)
		} else {
			delete(r.views, v.Service)
		}
	}
}

// step gives the machine an event, and does what it wants.
func (r *Runner) step(ev mirror.Event) {
	acts := r.machine.Step(time.Now(), ev, r.acts[:0])
	r.acts = nil // what is done may step again
	for i := range acts {
		r.perform(&acts[i])
	}
	clear(acts)
	r.acts = acts
}

func (r *Runner) perform(a *mirror.Action) {
	switch a.Kind {
	case mirror.ActionDial:
		r.dial(a.Peer)
	case mirror.ActionHangup:
		if c := r.conns[a.Conn]; c != nil {
			r.leave(c)
		}
	case mirror.ActionSend:
		if c := r.conns[a.Conn]; c != nil {
			c.send(a.Frame, a.Body)
		}
	case mirror.ActionWalk:
		w := r.newWalk(a.Conn, a.Bulk)
		r.walks[a.Conn] = w
		w.more()
	case mirror.ActionMore:
		if w := r.walks[a.Conn]; w != nil && w.bulk == a.Bulk {
			w.more()
		}
	case mirror.ActionStop:
		if w := r.walks[a.Conn]; w != nil && w.bulk == a.Bulk {
			delete(r.walks, a.Conn)
			w.stop()
		}
	case mirror.ActionInstall:
		r.install(*a)
	case mirror.ActionSurvey:
		r.survey(*a)
	case mirror.ActionSweep:
		r.sweep(*a)
	case mirror.ActionFollow:
		r.opt.Follow(a.Service, a.View)
	case mirror.ActionLead:
		r.opt.Lead(a.Service)
	case mirror.ActionSynced:
		r.opt.Synced(a.Group, a.In)
	case mirror.ActionShare:
		r.ports = a.Ports
		r.share()
	case mirror.ActionSettle:
		r.settle(a.Listens, a.In)
	case mirror.ActionRecord:
		r.opt.Record(a.Group, a.Code, a.Reason)
	}
}

// add gives a connection a number, and begins to read it.
func (r *Runner) add(c *conn) mirror.Conn {
	r.last++
	c.number = r.last
	r.conns[c.number] = c
	go c.write()
	go c.read(func(f mirror.Frame) {
		r.post(func() {
			c.due = f.Seq
			if r.conns[c.number] == c {
				r.step(mirror.Heard{Conn: c.number, Frame: f})
			}
			if c.due != 0 {
				c.done()
			}
		})
	}, func(err error) {
		r.post(func() {
			if r.conns[c.number] == c {
				r.leave(c)
				r.step(mirror.Closed{Conn: c.number, Err: err})
			}
		})
	})
	return c.number
}

// leave ends a connection.
func (r *Runner) leave(c *conn) {
	delete(r.conns, c.number)
	delete(r.surveys, c.number)
	c.close()
}

// dial connects to a peer, and says so.
func (r *Runner) dial(p mirror.Peer) {
	secrets, node := r.want.Keys[p.Key], r.opt.Node
	go func() {
		c, who, err := call(r.ctx, p.Addr, node, secrets)
		r.post(func() {
			if err != nil {
				r.step(mirror.Dialed{Peer: p, Err: err})
				return
			}
			r.step(mirror.Dialed{Peer: p, Conn: r.add(c), Node: who})
		})
		if r.ctx.Err() != nil && c != nil {
			c.close()
		}
	}()
}

// answer takes a connection that another node has made, if it may tell.
func (r *Runner) answer(n net.Conn) {
	r.mu.Lock()
	c := r.config
	r.mu.Unlock()
	conn, who, key, err := take(n, r.opt.Node, c)
	if err != nil {
		_ = n.Close() // nothing was written that could be lost
		return
	}
	r.post(func() { r.step(mirror.Accepted{Conn: r.add(conn), Node: who, Key: key}) })
	if r.ctx.Err() != nil {
		conn.close()
	}
}
