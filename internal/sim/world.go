package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// World is one run.
type World struct {
	cfg       Config
	rng       *rand.Rand
	now       time.Duration
	queue     queue
	lans      []*lan
	nodes     []*node
	clients   []*client // one for each LAN
	vrs       []virtualRouter
	story     Story
	judge     *Judge
	instantly time.Duration // the last instant in which something happened,
	same      int           // and how much
	broken    []string      // what should be impossible in the simulation itself
}

// New makes a world in which all machines are off.
func New(cfg Config, seed uint64, story Story) *World {
	cfg.LANs = max(cfg.LANs, 1)
	w := &World{
		cfg: cfg, rng: rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15)), vrs: routersOf(cfg.Sets), story: story,
		now: time.Millisecond, // so that 0 can mean never
	}
	w.judge = newJudge(w)
	for range cfg.LANs {
		w.lans = append(w.lans, newLAN(len(cfg.Nodes)+1, cfg.Path))
	}
	for i, c := range cfg.Nodes {
		w.nodes = append(w.nodes, &node{
			index: i, name: c.Name, plain: c.Plain, sets: cloneSets(cfg.Sets), settings: slices.Clone(c.Sets),
			kernel: kernel{slots: make([]slot, len(w.vrs)), busy: make([]time.Duration, cfg.LANs)},
			checks: map[string]string{},
		})
	}
	if cfg.Probe > 0 {
		w.addClients()
	}
	return w
}

func (w *World) addClients() {
	for l := range w.lans {
		c := &client{lan: l, index: len(w.cfg.Nodes)}
		for vr := range w.vrs {
			if v := &w.vrs[vr]; v.lan == l {
				g := &w.cfg.Sets[v.set].Groups[v.group]
				c.targets = append(c.targets, &target{vr: vr, addr: g.probed(v.family), family: v.family, last: -1})
			}
		}
		w.clients = append(w.clients, c)
		// Not in step with the nodes' timers.
		w.queue.push(event{at: w.now + w.cfg.Probe/3, kind: probe, index: uint16(l)})
	}
}

// mostAtOnce is more than what can happen in one instant.
const mostAtOnce = 50_000

// Run lets the world go on for d.
func (w *World) Run(d time.Duration) {
	until := w.now + d
	for !w.queue.empty() && w.queue.next() <= until {
		e := w.queue.pop()
		if w.now = max(w.now, e.at); w.now != w.instantly {
			w.instantly, w.same = w.now, 0
		}
		if w.same++; w.same == mostAtOnce {
			w.fail("%d things happen at the same time: a process is busy", mostAtOnce)
			w.now = until
			return
		}
		w.happen(&e)
	}
	w.now = until
}

// at plans something.
func (w *World) at(t time.Duration, f func()) {
	w.queue.push(event{at: t, kind: posted, post: f})
}

// after plans something that the present life of a process will do.
func (w *World) after(n *node, d time.Duration, f func()) {
	life := n.life
	w.at(w.now+d, func() {
		if n.life == life {
			n.post(f)
		}
	})
}

// due reports whether a timer is, of which several may be in the queue: where
// one was set earlier than the one before, both are. Only the first one counts
// that comes when it is due, or each would set another for ever.
func (w *World) due(at time.Duration) bool { return at != 0 && at <= w.now }

func (w *World) happen(e *event) {
	n := w.nodes[e.node]
	current := n.running && n.life == e.life && !n.paused
	switch e.kind {
	case atSwitch:
		w.forward(int(e.lan), int(e.port), e.frame)
	case atPort:
		w.arrive(int(e.lan), int(e.port), e.frame)
	case carried:
		w.carry(n, e.life, e.order)
	case posted:
		e.post()
	case probe:
		w.probeAll(w.clients[e.index])
	case boot:
		if n.running && n.life == e.life {
			n.post(func() { w.prepared(n) })
		}
	case wakeSet:
		if current && int(e.index) < len(n.units) && w.due(n.units[e.index].wakeAt) {
			w.wake(n, n.units[e.index])
		}
	case wakePlain:
		if current && w.due(n.plains[e.index].wakeAt) {
			w.wakePlain(n, int(e.index))
		}
	case wakeSights:
		if current && w.due(n.sights.wakeAt) {
			w.watch(n)
		}
	case talk:
		if n.running && n.life == e.life {
			w.talk(n)
		}
	}
}

// arrive is a frame at a station.
func (w *World) arrive(lan, port int, f *frame) {
	if port == len(w.nodes) {
		if c := w.clients; len(c) > 0 && (f.dst.group() || f.dst == c[lan].mac()) {
			w.clientHears(c[lan], f)
		}
		return
	}
	n := w.nodes[port]
	if !n.powered || !w.lans[lan].ports[port].up || !w.accepts(n, lan, f.dst) {
		return
	}
	switch f.content {
	case advert, message, control:
		w.processHears(n, lan, f)
	case question, ping:
		w.kernelHears(n, lan, f)
	}
}

// upTo is a random duration from 0 to d.
func (w *World) upTo(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return time.Duration(w.rng.Int64N(int64(d) + 1))
}

func (w *World) fail(format string, a ...any) {
	w.broken = append(w.broken, fmt.Sprintf("%s ", show(w.now))+fmt.Sprintf(format, a...))
}
