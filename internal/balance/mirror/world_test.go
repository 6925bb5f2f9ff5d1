package mirror

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/balance"
)

// world is some nodes, their planes and the network between them, in virtual
// time.
type world struct {
	*testing.T
	rand  *rand.Rand
	now   time.Time
	todo  []*todo
	count int
	nodes []*node
	conns map[Conn]*conn
	next  Conn
	key   Print
	cut   map[[2]int]bool // pairs that cannot reach each other
}

// todo is something that happens at a time.
type todo struct {
	at  time.Time
	nth int
	do  func()
}

// node is a machine and its plane.
type node struct {
	*world
	index   int
	life    int // grows with every crash: what was begun before is void
	m       *Machine
	plane   plane
	walks   map[Conn]*walk
	surveys map[Conn]*survey
	work    []func() // what the installer has to do, in order
	working bool
	wake    time.Time
	synced  map[string]bool
	settled map[balance.Endpoint]time.Time // since when
	ports   [2]uint16
	late    []id // flows that came when none was to come any more
	follows map[string]balance.View
	records []string
	held    bool
	older   bool
	covered int // sweeps that the survey made needless
}

type conn struct {
	id     [2]Conn // as the caller and as the answerer know it
	ends   [2]*node
	lives  [2]int
	seq    [2]uint64
	last   [2]time.Time // when the last frame arrives: frames do not overtake
	broken bool
	dead   bool // nothing arrives, and nobody knows: frames are not lost singly
}

// plane is flows, and news of them that nobody has read yet.
type plane struct {
	flows map[id]*entry
	ring  []balance.Change
	lost  bool
	full  bool // refuses
}

type entry struct {
	balance.Flow
	seen time.Time
}

type walk struct {
	number uint32
	keys   []id
	read   []balance.Flow // read, and not told yet
}

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

var (
	vip  = netip.MustParseAddr("192.0.2.10")
	web  = balance.Endpoint{AddrPort: netip.AddrPortFrom(vip, 80), Proto: balance.TCP}
	mail = balance.Endpoint{AddrPort: netip.AddrPortFrom(vip, 25), Proto: balance.TCP}
)

func newWorld(t *testing.T, seed uint64, nodes int) *world {
	w := &world{T: t, rand: rand.New(rand.NewPCG(seed, 1)), now: epoch, conns: map[Conn]*conn{}, key: Print{1}, cut: map[[2]int]bool{}}
	for i := range nodes {
		w.nodes = append(w.nodes, &node{world: w, index: i, plane: plane{flows: map[id]*entry{}}})
	}
	for _, n := range w.nodes {
		n.start()
	}
	return w
}

func (n *node) name() string { return fmt.Sprintf("lb%d", n.index+1) }

func addrOf(i int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)}), 9112)
}

// start begins a life of a node.
func (n *node) start() {
	n.life++
	n.m, n.walks, n.surveys, n.work, n.working, n.synced = New(n.name()), map[Conn]*walk{}, map[Conn]*survey{}, nil, false, map[string]bool{}
	n.settled = map[balance.Endpoint]time.Time{}
	n.follows, n.wake = map[string]balance.View{}, time.Time{}
	n.configure()
	if n.held {
		n.step(Held{Addr: vip, Held: true})
	}
	// A walk is how a new process learns of flows that were there before.
	n.plane.ring, n.plane.lost = nil, false
}

// configure has a node know its services: where its file is older, one of them
// is not there.
func (n *node) configure() {
	e := Configured{Services: []Service{{Name: "web", Group: "g", Key: n.key, Listen: []balance.Endpoint{web}, Flows: true}}}
	if !n.older {
		e.Services = append(e.Services, Service{Name: "mail", Group: "g", Key: n.key, Listen: []balance.Endpoint{mail}, Flows: true})
	}
	for _, p := range n.nodes {
		e.Peers = append(e.Peers, Peer{Addr: addrOf(p.index), Key: n.key})
	}
	n.step(e)
}

// in has something done later, in this life of the node.
func (n *node) in(d time.Duration, do func()) {
	life := n.life
	n.after(d, func() {
		if n.life == life {
			do()
		}
	})
}

func (w *world) after(d time.Duration, do func()) {
	w.count++
	w.todo = append(w.todo, &todo{w.now.Add(d), w.count, do})
}

func (w *world) some(most time.Duration) time.Duration {
	return time.Duration(w.rand.Int64N(int64(most)))
}

// run lets time pass.
func (w *world) run(d time.Duration) {
	w.Helper()
	end := w.now.Add(d)
	for steps := 0; ; steps++ {
		if steps > 3_000_000 {
			w.Fatal("it never comes to rest")
		}
		i := -1
		for j, x := range w.todo {
			if i < 0 || cmp.Or(x.at.Compare(w.todo[i].at), cmp.Compare(x.nth, w.todo[i].nth)) < 0 {
				i = j
			}
		}
		if i < 0 || w.todo[i].at.After(end) {
			w.now = end
			return
		}
		x := w.todo[i]
		w.todo = slices.Delete(w.todo, i, i+1)
		w.now = x.at
		x.do()
	}
}

// step gives a machine an event, and does what it wants.
func (n *node) step(ev Event) {
	for _, a := range n.m.Step(n.now, ev, nil) {
		n.perform(a)
	}
	if at := n.m.Deadline(); !at.IsZero() && (n.wake.Before(n.now) || at.Before(n.wake)) {
		n.wake = at
		n.in(max(at.Sub(n.now), 0), func() {
			n.wake = time.Time{}
			n.step(Reached{})
		})
	}
}

func (n *node) perform(a Action) {
	switch a.Kind {
	case ActionDial:
		n.in(n.some(5*time.Millisecond), func() { n.dial(a.Peer) })
	case ActionHangup:
		n.hangup(a.Conn)
	case ActionSend:
		n.send(a)
	case ActionWalk:
		x := &walk{number: a.Bulk}
		n.walks[a.Conn] = x
		for k := range n.plane.flows {
			x.keys = append(x.keys, k)
		}
		slices.SortFunc(x.keys, compareIDs)
		n.more(a.Conn, x)
	case ActionMore:
		if x := n.walks[a.Conn]; x != nil && x.number == a.Bulk {
			n.more(a.Conn, x)
		}
	case ActionStop:
		delete(n.walks, a.Conn)
	case ActionInstall:
		n.queue(func() {
			refused, err := n.install(a.Changes)
			n.step(Installed{a.Conn, a.Seq, refused, err})
		})
	case ActionSurvey:
		x := &survey{number: a.Bulk}
		n.surveys[a.Conn] = x
		n.queue(func() { n.survey(a, x) })
	case ActionSweep:
		n.queue(func() { n.step(Swept{Conn: a.Conn, Seq: a.Seq, Ended: n.sweep(a)}) })
	case ActionFollow:
		n.follows[a.Service] = a.View
	case ActionLead:
		delete(n.follows, a.Service)
	case ActionSynced:
		n.synced[a.Group] = a.In
	case ActionShare:
		n.ports = a.Ports
	case ActionSettle:
		for _, l := range a.Listens {
			if delete(n.settled, l); a.In {
				n.settled[l] = n.now
			}
		}
	case ActionRecord:
		n.records = append(n.records, a.Code+" "+a.Reason)
	}
}

// queue gives the installer something to do, after what it has.
func (n *node) queue(f func()) {
	n.work = append(n.work, f)
	if !n.working {
		n.working = true
		n.in(n.some(3*time.Millisecond), n.labour)
	}
}

func (n *node) labour() {
	f := n.work[0]
	n.work = n.work[1:]
	f()
	if n.working = len(n.work) > 0; n.working {
		n.in(n.some(3*time.Millisecond), n.labour)
	}
}

// dial connects two nodes.
func (n *node) dial(p Peer) {
	to := n.nodes[int(p.Addr.Addr().As4()[3])-1]
	if n.cut[pair(n.index, to.index)] {
		n.in(n.some(100*time.Millisecond), func() { n.step(Dialed{Peer: p, Err: errors.New("nobody is there")}) })
		return
	}
	n.next += 2
	c := &conn{id: [2]Conn{n.next - 1, n.next}, ends: [2]*node{n, to}, lives: [2]int{n.life, to.life}}
	n.conns[c.id[0]], n.conns[c.id[1]] = c, c
	if to != n {
		to.step(Accepted{Conn: c.id[1], Node: n.name(), Key: n.key})
	}
	n.step(Dialed{Peer: p, Conn: c.id[0], Node: to.name()})
}

func pair(a, b int) [2]int { return [2]int{min(a, b), max(a, b)} }

// hangup ends a connection from one side.
func (n *node) hangup(id Conn) {
	c := n.conns[id]
	if c == nil || c.broken {
		return
	}
	c.broken = true
	for side, end := range c.ends {
		if c.id[side] != id && end != n {
			id := c.id[side]
			end.in(n.some(10*time.Millisecond), func() { end.step(Closed{Conn: id}) })
		}
	}
}

// breakConn ends a connection, and each side finds out when it does.
func (w *world) breakConn(c *conn) {
	if c.broken {
		return
	}
	c.broken = true
	for side, end := range c.ends {
		if end.life == c.lives[side] {
			end.in(w.some(50*time.Millisecond), func() { end.step(Closed{Conn: c.id[side], Err: errors.New("it broke")}) })
		}
	}
}

func (w *world) breakAll(which func(*conn) bool) {
	for _, number := range slices.Sorted(maps.Keys(w.conns)) {
		if c := w.conns[number]; which(c) {
			w.breakConn(c)
		}
	}
}

// send carries a frame. One that is on its way when a connection breaks is lost.
func (n *node) send(a Action) {
	c := n.conns[a.Conn]
	if c == nil {
		n.Fatalf("%s sends on a connection that never was", n.name())
	}
	from := 0
	if c.id[1] == a.Conn {
		from = 1
	}
	to := 1 - from
	c.seq[from]++
	f := Frame{Seq: c.seq[from], Kind: a.Frame, Body: slices.Clone(a.Body)}
	at := n.now.Add(n.some(4 * time.Millisecond))
	if at.Before(c.last[to]) {
		at = c.last[to]
	}
	c.last[to] = at
	n.after(at.Sub(n.now), func() {
		c.dead = c.dead || n.cut[pair(c.ends[0].index, c.ends[1].index)]
		if !c.broken && !c.dead && c.ends[to].life == c.lives[to] {
			c.ends[to].step(Heard{Conn: c.id[to], Frame: f})
		}
	})
}

// take moves the address to a node; -1 is to nobody.
func (w *world) take(to int) {
	for _, n := range w.nodes {
		if n.held && n.index != to {
			n.held = false
			n.step(Held{Addr: vip})
		}
	}
	if to >= 0 && !w.nodes[to].held {
		w.nodes[to].held = true
		w.nodes[to].step(Held{Addr: vip, Held: true})
	}
}

// crash ends a node's process. Its plane is in the kernel and stays, unless the
// machine is gone, too.
func (w *world) crash(n *node, machine bool) {
	w.breakAll(func(c *conn) bool { return c.ends[0] == n || c.ends[1] == n })
	if machine {
		n.plane.flows = map[id]*entry{}
	}
	n.start()
}

// same says how a follower's flows differ from the holder's.
func (w *world) same(holder int) error {
	want := w.nodes[holder].plane.flows
	for _, n := range w.nodes {
		for k, e := range n.plane.flows {
			o := want[k]
			if o == nil {
				return fmt.Errorf("%s has %v, which has ended", n.name(), k)
			}
			if o.Backend != e.Backend {
				return fmt.Errorf("%s has %v at %s, and it is at %s", n.name(), k, e.Backend, o.Backend)
			}
		}
		for k := range want {
			if n.plane.flows[k] == nil {
				return fmt.Errorf("%s does not have %v", n.name(), k)
			}
		}
	}
	return nil
}
