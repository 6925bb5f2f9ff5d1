package mirror

import (
	"flag"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/holdfast-net/holdfast/internal/balance"
)

var seeds = flag.Int("seeds", 60, "how many simulations are run")

func client(i int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{203, 0, 113, byte(i >> 4)}), uint16(40000+i&15))
}

func TestMachine_TellsWhatIsThereAndWhatHappens(t *testing.T) {
	w := newWorld(t, 1, 3)
	a := w.nodes[0]
	for i := range 100 {
		a.begin(web, client(i), i%4)
	}
	w.take(0)
	w.run(6 * time.Second)
	if err := w.same(0); err != nil {
		t.Fatal(err)
	}
	for _, n := range w.nodes {
		if !n.synced["g"] {
			t.Errorf("%s is not in sync", n.name())
		}
	}
	a.begin(mail, client(7), 1)
	a.finish(id{web, client(3)})
	a.finish(id{web, client(4)})
	a.begin(web, client(4), 2) // the same client port at another backend
	w.run(50 * time.Millisecond)
	if err := w.same(0); err != nil {
		t.Errorf("50 ms later: %v", err)
	}
	for _, n := range w.nodes[1:] {
		if !slices.ContainsFunc(n.records, func(r string) bool { return strings.HasPrefix(r, CodeSynced) }) {
			t.Errorf("%s records %q", n.name(), n.records)
		}
	}
}

// A flow that ends while the walk is on its way does not come back, nor does
// one that was there twice come back as the first.
func TestMachine_WhatEndsDuringAWalkStaysAway(t *testing.T) {
	for seed := range uint64(20) {
		w := newWorld(t, seed, 2)
		a := w.nodes[0]
		for i := range 200 {
			a.begin(web, client(i), 1)
		}
		w.take(0)
		for i := range 400 {
			a.in(settled+time.Duration(i)*time.Millisecond, func() {
				k := w.rand.IntN(200)
				a.finish(id{web, client(k)})
				if w.rand.IntN(2) == 0 {
					a.begin(web, client(k), 2)
				}
			})
		}
		w.run(6 * time.Second) // and no second walk
		if err := w.same(0); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
}

// Where the survey shows that nothing is to be taken away, nobody looks at all
// flows at the end of a walk, whatever began or ended meanwhile.
func TestMachine_LooksForWhatEndedOnlyWhereItMay(t *testing.T) {
	w := newWorld(t, 9, 2)
	a, b := w.nodes[0], w.nodes[1]
	for i := range 100 {
		a.begin(web, client(i), 1)
	}
	w.take(0)
	w.run(6 * time.Second)
	if b.covered != 1 {
		t.Fatalf("%d sweeps of an empty table were needless, want 1", b.covered)
	}
	var churn func()
	churn = func() {
		k := w.rand.IntN(200)
		a.finish(id{web, client(k)})
		a.begin(web, client(k), 2)
		a.in(400*time.Millisecond, churn)
	}
	churn()
	w.run(2*refresh + refresh/2)
	if err := w.same(0); err != nil || b.covered != 3 {
		t.Errorf("%d sweeps were needless, want 3: %v", b.covered, err)
	}
	// What the holder does not have goes, though nobody told of its end.
	f := balance.Flow{Listen: web, Client: client(999), Backend: client(1)}
	b.plane.flows[idOf(&f)] = &entry{f, w.now}
	w.run(refresh)
	if err := w.same(0); err != nil || b.covered != 3 {
		t.Errorf("%d sweeps were needless, want 3: %v", b.covered, err)
	}
}

func TestMachine_Survives(t *testing.T) {
	for seed := range uint64(*seeds) {
		w := newWorld(t, seed, 2+int(seed%2))
		w.take(0)
		for range 40 {
			w.chaos()
			w.run(w.some(1500 * time.Millisecond))
		}
		clear(w.cut)
		for _, n := range w.nodes {
			n.older = false
			n.configure()
		}
		holder := w.rand.IntN(len(w.nodes))
		w.take(holder)
		w.run(3 * refresh)
		if err := w.same(holder); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		for _, n := range w.nodes {
			if !n.synced["g"] {
				t.Fatalf("seed %d: %s is not in sync", seed, n.name())
			}
		}
	}
}

// chaos does one thing that may happen.
func (w *world) chaos() {
	n := w.nodes[w.rand.IntN(len(w.nodes))]
	switch w.rand.IntN(13) {
	case 12:
		n.older = !n.older
		n.configure()
	case 0:
		w.crash(n, false)
	case 1:
		w.crash(n, true)
	case 2:
		w.breakAll(func(*conn) bool { return true })
	case 3:
		w.take(w.rand.IntN(len(w.nodes)+1) - 1)
	case 4:
		w.cut[pair(0, 1)] = !w.cut[pair(0, 1)]
	case 5: // more than the ring has room for
		for i := range 60 {
			n.begin(mail, client(i), w.rand.IntN(4))
		}
	default:
		for range 30 {
			for _, x := range w.nodes {
				if x.held || w.rand.IntN(20) == 0 {
					i := w.rand.IntN(300)
					x.finish(id{web, client(i)})
					if w.rand.IntN(3) > 0 {
						x.begin(web, client(i), w.rand.IntN(4))
					}
				}
			}
		}
	}
}

func TestMachine_SlowPeerIsToldAnew(t *testing.T) {
	w := newWorld(t, 3, 2)
	a, b := w.nodes[0], w.nodes[1]
	w.take(0)
	w.run(5 * time.Second)
	// Nothing arrives for a while, and far more happens than waits for a peer.
	b.working = true // its installer is busy with something else
	var news []balance.Change
	for i := range 3 * queue {
		f := balance.Flow{Listen: web, Client: netip.AddrPortFrom(netip.AddrFrom4([4]byte{203, 1, byte(i >> 8), byte(i)}), uint16(1000+i>>16)), Backend: client(1)}
		a.plane.flows[idOf(&f)] = &entry{f, w.now}
		if news = append(news, balance.Change{Flow: f}); len(news) == 1000 {
			a.step(News{Changes: news})
			news = nil
		}
	}
	if r := a.m.Report(w.now); len(r.Peers) != 1 || r.Peers[0].Overruns == 0 {
		t.Fatalf("%+v", r.Peers)
	}
	if n := len(a.m.tellers[0].pending); n > queue {
		t.Errorf("%d changes wait", n)
	}
}

func TestMachine_RefusalsAreTold(t *testing.T) {
	w := newWorld(t, 4, 2)
	a, b := w.nodes[0], w.nodes[1]
	b.plane.full = true
	for i := range 10 {
		a.begin(web, client(i), 1)
	}
	w.take(0)
	w.run(6 * time.Second)
	if n := len(slices.DeleteFunc(slices.Clone(b.records), func(r string) bool { return !strings.HasPrefix(r, CodeRefused) })); n != 1 {
		t.Errorf("recorded %q", b.records)
	}
	if r := a.m.Report(w.now); r.Peers[0].Refused != 30 { // as news, in the walk, and when they were asked for
		t.Errorf("the holder knows of %d", r.Peers[0].Refused)
	}
}

// A node whose file gets a service later than the holder's has its flows soon
// after, and does not believe to have them before.
func TestMachine_AServiceThatIsNewIsAskedFor(t *testing.T) {
	w := newWorld(t, 6, 2)
	a, b := w.nodes[0], w.nodes[1]
	b.older = true
	b.configure()
	for i := range 30 {
		a.begin(web, client(i), 1)
		a.begin(mail, client(i), 2)
	}
	w.take(0)
	w.run(6 * time.Second)
	if w.same(0) == nil || !b.synced["g"] {
		t.Fatal("it has flows of a service that it does not know, or lacks those of one that it knows")
	}
	b.older = false
	b.configure()
	if b.synced["g"] {
		t.Error("it believes to have everything")
	}
	w.run(3 * time.Second)
	if err := w.same(0); err != nil || !b.synced["g"] {
		t.Errorf("3 s later: in sync %t, %v", b.synced["g"], err)
	}
	// A backend that it did not know: its plane refused some, and does not any more.
	b.plane.full = true
	a.begin(web, client(77), 3)
	w.run(time.Second / 2)
	b.plane.full = false
	w.run(3 * time.Second)
	if err := w.same(0); err != nil {
		t.Errorf("3 s after a flow was refused: %v", err)
	}
}

func TestMachine_OneView(t *testing.T) {
	w := newWorld(t, 5, 3)
	of := func(share uint32) balance.View {
		return balance.View{Backends: []balance.Standing{{Addr: netip.MustParseAddrPort("10.1.0.1:80"), Share: share, Why: "as it is"}}}
	}
	for i, n := range w.nodes {
		n.step(Viewed{Service: "web", View: of(uint32(i + 1))})
	}
	w.take(0)
	w.run(time.Second)
	share := func(n int) uint32 {
		v, follows := w.nodes[n].follows["web"]
		if !follows {
			return 0
		}
		return v.Backends[0].Share
	}
	shares := func() [3]uint32 { return [3]uint32{share(0), share(1), share(2)} }
	if got := shares(); got != [3]uint32{0, 1, 1} {
		t.Errorf("views %v", got)
	}
	w.nodes[0].step(Viewed{Service: "web", View: of(50)})
	w.run(100 * time.Millisecond)
	if got := shares(); got != [3]uint32{0, 50, 50} {
		t.Errorf("views %v after it changed", got)
	}
	// A follower's own plan is no view that anybody is told.
	w.nodes[1].step(Viewed{Service: "web", View: of(60)})
	w.take(1)
	w.nodes[1].step(Viewed{Service: "web", View: of(61)})
	w.run(time.Second)
	if got := shares(); got != [3]uint32{61, 0, 61} {
		t.Errorf("views %v after the address moved", got)
	}
	// A node that hears no holder goes by itself, after a while.
	w.crash(w.nodes[1], true)
	w.nodes[1].held = false
	w.nodes[1].step(Held{Addr: vip})
	w.run(2 * time.Second)
	if got := shares(); got != [3]uint32{61, 0, 61} {
		t.Errorf("views %v soon after the holder was lost", got)
	}
	w.run(patience)
	if got := shares(); got != [3]uint32{} {
		t.Errorf("views %v long after it was", got)
	}
}

// Of a table of hashes only those flows are told that it would send elsewhere,
// and when the table changes, those that it would from now on.
func TestMachine_TellsExceptions(t *testing.T) {
	backends := []balance.Backend{
		{Addr: netip.MustParseAddrPort("10.1.0.1:80"), Weight: 1}, {Addr: netip.MustParseAddrPort("10.1.0.2:80"), Weight: 1}, {Addr: netip.MustParseAddrPort("10.1.0.3:80"), Weight: 1},
	}
	planOf := func(b []balance.Backend) *balance.Plan {
		p := balance.NewPool(balance.Config{Service: &balance.Service{Name: "web", Listen: []balance.Endpoint{web}, Scheduler: balance.Maglev, Forward: balance.DSR, TableSize: 251, Backends: b}})
		p.Step(epoch, balance.Started{}, nil)
		return p.Plan()
	}
	m := New("lb1")
	at := epoch
	key := Print{1}
	peer := Peer{Addr: addrOf(1), Key: key}
	told := map[netip.AddrPort]bool{}
	step := func(ev Event) (walks []Action) {
		for _, a := range m.Step(at, ev, nil) {
			switch a.Kind {
			case ActionSend:
				if a.Frame == FrameChanges || a.Frame == FrameFlows {
					changes, err := parseChanges(a.Body)
					if err != nil {
						t.Fatal(err)
					}
					for _, c := range changes {
						told[c.Client] = true
					}
				}
			case ActionWalk:
				walks = append(walks, a)
			}
		}
		return walks
	}
	all, fewer := planOf(backends), planOf(backends[:2])
	step(Configured{Services: []Service{{Name: "web", Group: "g", Key: key, Listen: []balance.Endpoint{web}, Flows: true, Exceptions: true}}, Peers: []Peer{peer}})
	step(Dialed{Peer: peer, Conn: 1, Node: "lb2"})
	step(Held{Addr: vip, Held: true})
	step(Viewed{Service: "web", Plan: all})
	at = at.Add(settled)
	walks := step(Reached{})
	if len(walks) != 1 {
		t.Fatalf("%d walks", len(walks))
	}
	step(WalkEnded{Conn: 1, Bulk: walks[0].Bulk})
	var flows []balance.Flow
	var news []balance.Change
	want := map[netip.AddrPort]bool{}
	for i := range 300 {
		f := balance.Flow{Listen: web, Client: client(i)}
		place := func(p *balance.Plan) netip.AddrPort {
			return p.Targets[p.Pick(balance.Question{Source: f.Client, Listen: web, Except: balance.NoPlace}).Place].Addr
		}
		f.Backend = place(all)
		if place(fewer) != f.Backend {
			want[f.Client] = true
		}
		flows = append(flows, f)
		news = append(news, balance.Change{Flow: f})
	}
	step(News{Changes: news})
	at = at.Add(time.Second)
	step(Reached{})
	if len(told) != 0 {
		t.Errorf("told of %d flows that the table knows", len(told))
	}
	walks = step(Viewed{Service: "web", Plan: fewer})
	if len(walks) != 1 {
		t.Fatalf("%d walks after the table has changed", len(walks))
	}
	step(Walked{Conn: 1, Bulk: walks[0].Bulk, Flows: flows})
	if diff := cmp.Diff(want, told); diff != "" || len(want) < 50 {
		t.Errorf("told of others than the %d that are elsewhere:\n%s", len(want), diff)
	}
}
