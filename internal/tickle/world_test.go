package tickle

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/peer"
)

// node is a machine with what it would do, in a world without a kernel.
type node struct {
	t       *testing.T
	m       *Machine
	now     time.Time
	conns   []Connection // that listing finds
	slow    time.Duration
	sent    [][]byte
	lists   int
	poked   []Connection
	reset   map[Connection]uint32
	ended   []netip.Addr
	watched map[string]bool
	records []string
	deaf    bool // it answers no list
}

func newNode(t *testing.T, name string, k peer.Key, addrs ...netip.Addr) *node {
	n := &node{t: t, m: New(Config{Node: name, Seed: 1}), now: noon, reset: map[Connection]uint32{}, watched: map[string]bool{}}
	var all []Address
	for _, a := range addrs {
		all = append(all, Address{Addr: a, Group: "web", Interface: "eth0", Key: k})
	}
	n.perform(n.m.Configure(n.now, all, nil))
	return n
}

func (n *node) step(ev Event) { n.perform(n.m.Step(n.now, ev, nil)) }

func (n *node) perform(acts []Action) {
	for _, a := range acts {
		switch a.Kind {
		case ActionList:
			n.lists++
			if !n.deaf {
				n.step(Listed(n.conns, n.slow, nil))
			}
		case ActionSend:
			n.sent = append(n.sent, a.Data)
		case ActionPoke:
			n.poked = append(n.poked, a.Conns...)
		case ActionReset:
			n.reset[a.Conns[0]] = a.Seq
		case ActionWatch:
			n.watched[a.Interface] = true
		case ActionUnwatch:
			delete(n.watched, a.Interface)
		case ActionEnd:
			n.ended = append(n.ended, a.Addr)
			n.step(Ended(a.Addr, 3, nil))
		case ActionRecord:
			n.records = append(n.records, a.Code+" "+a.Reason)
		}
	}
}

// run lets time pass. The machine must not be awake all the time.
func (n *node) run(d time.Duration) {
	n.t.Helper()
	end := n.now.Add(d)
	for steps := 0; ; steps++ {
		at := n.m.Deadline()
		if at.IsZero() || at.After(end) {
			n.now = end
			return
		}
		if steps > 1000*int(d/time.Second+1) {
			n.t.Fatalf("it wants to be awake all the time, now at %v", at.Sub(noon))
		}
		if at.After(n.now) {
			n.now = at
		}
		n.step(Tick())
	}
}

// take gives what was sent, and forgets it.
func (n *node) take() [][]byte {
	s := n.sent
	n.sent = nil
	return s
}

// hears gives the machine what another one sent.
func (n *node) hears(datagrams [][]byte) {
	for _, b := range datagrams {
		n.step(Heard("eth0", b))
	}
}

// knows is all that it would tell clients of.
func (n *node) knows(a netip.Addr) map[Connection]bool {
	out := map[Connection]bool{}
	for _, c := range n.m.places[a].rosters.known() {
		out[c] = true
	}
	return out
}

func (n *node) same(a netip.Addr, want []Connection) {
	n.t.Helper()
	set := map[Connection]bool{}
	for _, c := range want {
		set[c] = true
	}
	if got := n.knows(a); !maps.Equal(got, set) {
		n.t.Errorf("it knows %d connections, want %d", len(got), len(set))
	}
}

// What the holder has is known to the others, soon, whatever its size; and what
// changes is known without telling all of it again.
func TestMachine_Shares(t *testing.T) {
	for _, a := range []netip.Addr{vip, vip6} {
		for _, count := range []int{0, 1, 100, 10_000, 65_536} {
			if a.Is6() && count > 10_000 {
				continue // as much work as with IPv4, and no other
			}
			t.Run(fmt.Sprint(a, " ", count), func(t *testing.T) {
				x, y := newNode(t, "x", key, a), newNode(t, "y", key, a)
				x.conns = clients(a, count)
				x.step(Held(a))
				x.run(4 * time.Second)
				told := x.take()
				y.hears(told)
				y.same(a, x.conns)
				for _, b := range told {
					if len(b) > maxSize {
						t.Fatalf("a datagram of %d bytes", len(b))
					}
				}
				y.now = x.now

				x.conns = append(x.conns[:len(x.conns)/2:len(x.conns)/2], client(a, 70_000))
				x.run(listEvery)
				if news := x.take(); count == 100 && len(news) > len(told) {
					t.Errorf("%d datagrams of news, and %d of all", len(news), len(told))
				}
			})
		}
	}
}

// A client that comes costs a datagram or two, not the whole list.
func TestMachine_TellsWhatChanged(t *testing.T) {
	x := newNode(t, "x", key, vip)
	x.conns = clients(vip, 10_000)
	x.step(Held(vip))
	x.run(4 * time.Second)
	all := len(x.m.places[vip].share.want)
	x.take()
	x.run(again)
	if n := len(x.take()); n < all-2 || n > all+2 {
		t.Errorf("all of it takes %d datagrams, and %d were sent in the time in which it is told once", all, n)
	}
	x.conns = append(slices.Clone(x.conns), client(vip, 70_000))
	x.run(listEvery)
	if n := len(x.take()); n > all/int(again/listEvery)+3 {
		t.Errorf("a client that comes costs %d datagrams", n)
	}
	if x.lists < 30 {
		t.Errorf("it listed %d times in 9 s", x.lists)
	}
}

// What gets lost on the way is made up for.
func TestMachine_MendsLosses(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	x, y := newNode(t, "x", peer.Key{}, vip), newNode(t, "y", peer.Key{}, vip)
	x.conns = clients(vip, 3000)
	x.step(Held(vip))
	for round := range 600 {
		x.run(100 * time.Millisecond)
		y.now = x.now
		if round < 100 { // clients come and go
			x.conns = slices.Clone(x.conns[10:])
			for i := range 10 {
				x.conns = append(x.conns, client(vip, 100_000+10*round+i))
			}
		}
		for _, b := range x.take() {
			if r.IntN(3) > 0 {
				y.hears([][]byte{b})
			}
		}
	}
	missing := 0
	got := y.knows(vip)
	for _, c := range x.conns {
		if !got[c] {
			missing++
		}
	}
	if missing > 0 || len(got) != len(x.conns) {
		t.Errorf("after 50 s without news, with a third lost: %d are missing, and %d are known of %d", missing, len(got), len(x.conns))
	}
}

// A new holder tells each client, resets who answers with the number that it
// said, and leaves a connection alone that a client opened anew.
func TestMachine_ResetsClients(t *testing.T) {
	x, y := newNode(t, "x", key, vip, vip6), newNode(t, "y", key, vip, vip6)
	x.conns = append(clients(vip, 3000), clients(vip6, 10)...)
	x.step(Held(vip))
	x.step(Held(vip6))
	x.run(3 * time.Second)
	y.hears(x.take())
	if y.m.Deadline() != (time.Time{}) {
		t.Error("a backup has something to do")
	}
	y.step(Held(vip))
	if !y.watched["eth0"] || len(y.poked) > 0 {
		t.Errorf("watched %v, %d poked before hosts could hear of the move", y.watched, len(y.poked))
	}
	y.run(90 * time.Millisecond)
	if len(y.poked) != 3000 {
		t.Fatalf("%d were told", len(y.poked))
	}
	var answers []Answer
	for i, c := range clients(vip, 2990) { // ten are gone
		answers = append(answers, Answer{Connection: c, Ack: uint32(i), New: i == 0})
	}
	answers = append(answers, Answer{Connection: client(vip, 5000), Ack: 1}, Answer{Connection: client(vip6, 1), Ack: 1})
	y.step(Answered(answers))
	y.step(Answered(answers)) // once is enough
	if _, wrong := y.reset[client(vip, 0)]; wrong || len(y.reset) != 2989 || y.reset[client(vip, 77)] != 77 {
		t.Errorf("%d were reset; the new connection: %t", len(y.reset), wrong)
	}
	y.poked = nil
	y.run(10 * time.Second)
	if len(y.poked) != 10*(len(rounds)-1) {
		t.Errorf("%d more were told, want the ten that did not answer, five times", len(y.poked))
	}
	if y.watched["eth0"] {
		t.Error("it is still listening")
	}
	if len(y.records) != 1 || !strings.Contains(y.records[0], "2989 connections with x at 192.0.2.10 were reset") || !strings.Contains(y.records[0], "for 10 there was no answer") {
		t.Errorf("records: %q", y.records)
	}
	v := y.m.View()
	if v[0].Told != 3000 || v[0].Answered != 2989 || v[0].From != "x" || v[1].Clients != 10 || v[1].Node != "x" {
		t.Errorf("view: %+v", v)
	}
	// And now these are its own: who takes over next does not tell the old ones.
	z := newNode(t, "z", key, vip, vip6)
	z.now = y.now
	z.hears(y.take())
	z.same(vip, nil)
}

// A third node has the list of the holder that died, and hears the next one.
func TestMachine_ForgetsWhoHeldBefore(t *testing.T) {
	x, y, z := newNode(t, "x", key, vip), newNode(t, "y", key, vip), newNode(t, "z", key, vip)
	x.conns, y.conns = clients(vip, 500), []Connection{client(vip, 1000)}
	x.step(Held(vip))
	x.run(2 * time.Second)
	y.now, z.now = x.now, x.now
	z.hears(x.take())
	y.step(Held(vip))
	y.run(time.Second)
	z.now = y.now
	z.hears(y.take())
	z.same(vip, append(clients(vip, 500), client(vip, 1000))) // y may die before it has told them
	y.run(2 * quiet)
	z.now = y.now
	z.hears(y.take())
	z.same(vip, y.conns)
}

// Stale connections are ended once another node says that it holds; or after a
// while; and not where the address comes back first.
func TestMachine_EndsItsOwn(t *testing.T) {
	hold := func() (x, y *node) {
		x, y = newNode(t, "x", key, vip), newNode(t, "y", key, vip)
		x.step(Held(vip))
		x.run(time.Second)
		x.step(Left(vip))
		return x, y
	}
	x, y := hold()
	x.run(regain / 2)
	if len(x.ended) != 0 {
		t.Error("ended before anybody else holds")
	}
	y.now = x.now
	y.step(Held(vip)) // without a client
	x.hears(y.take())
	if len(x.ended) != 1 || len(x.records) != 1 || !strings.Contains(x.records[0], CodeEnded) {
		t.Errorf("ended %v, records %q", x.ended, x.records)
	}
	y.run(time.Minute)
	x.now = y.now
	x.hears(y.take())
	x.run(time.Minute)
	if len(x.ended) != 1 {
		t.Error("ended again")
	}

	// It asks, as it may have heard nothing when the other one took over.
	x, y = hold()
	y.step(Held(vip))
	y.run(time.Second)
	y.take()
	x.run(askEvery)
	y.hears(x.take()[1:])
	y.run(2 * pause)
	x.hears(y.take())
	if len(x.ended) != 1 {
		t.Error("nobody answered who holds")
	}

	x, _ = hold()
	x.run(regain)
	if len(x.ended) != 1 {
		t.Error("not ended when nobody had said a word")
	}
	x, _ = hold()
	x.run(regain / 2)
	x.step(Held(vip))
	x.run(2 * regain)
	if len(x.ended) != 0 {
		t.Error("ended although the address came back")
	}
	x, _ = hold()
	x.step(Stopping())
	if len(x.ended) != 1 {
		t.Error("not ended when the daemon stops")
	}
}

// Lists of others are heard only where they belong, and are bounded.
func TestMachine_HeedsNoForgery(t *testing.T) {
	y := newNode(t, "y", key, vip)
	m := Message{From: "x", Addr: vip, Sent: noon, List: noon, Buckets: 1, Clients: clients(vip, 5)}
	other := m
	other.From = "y"
	y.hears([][]byte{m.Append(nil, peer.Key{}), other.Append(nil, key)})
	y.step(Heard("eth1", m.Append(nil, key)))
	y.same(vip, nil)
	late := m.Append(nil, key)
	y.hears([][]byte{late})
	y.same(vip, m.Clients)
	m.Sent, m.Clients = noon.Add(time.Second), nil
	y.hears([][]byte{m.Append(nil, key), late}) // repeated by somebody
	y.same(vip, nil)

	// Without a key: a flood of lists under invented names.
	y = newNode(t, "y", peer.Key{}, vip)
	for i := range 4000 {
		m := Message{From: fmt.Sprint("x", i%100), Addr: vip, Sent: noon.Add(time.Duration(i)), List: noon, Buckets: maxBuckets, Bucket: i, Clients: clients(vip, 100)}
		y.hears([][]byte{m.Append(nil, peer.Key{})})
	}
	if n := len(y.m.places[vip].rosters.all); n > maxRosters {
		t.Errorf("%d lists are kept", n)
	}
	if n := y.m.size(); n > maxKnown {
		t.Errorf("%d connections are kept", n)
	}
	y = newNode(t, "y", peer.Key{}, vip)
	for i := range maxBuckets {
		m := Message{From: "x", Addr: vip, Sent: noon, List: noon, Buckets: maxBuckets, Bucket: i, Clients: clients(vip, 150)}
		y.hears([][]byte{m.Append(nil, peer.Key{})})
	}
	if n := y.m.size(); n > maxKnown {
		t.Errorf("%d connections are kept", n)
	}
}

// Listing that takes long is done less often, and one that fails is told once.
func TestMachine_Listing(t *testing.T) {
	x := newNode(t, "x", key, vip)
	x.slow = 20 * time.Millisecond
	x.step(Held(vip))
	x.run(20 * time.Second)
	if x.lists < 9 || x.lists > 11 {
		t.Errorf("listed %d times in 20 s, at 20 ms each", x.lists)
	}
	x.deaf = true
	x.run(5 * time.Second)
	for range 2 {
		x.step(Listed(nil, 0, errors.New("not permitted")))
	}
	if len(x.records) != 1 || !strings.Contains(x.records[0], "not permitted") {
		t.Errorf("records: %q", x.records)
	}
	// More than there is room for.
	x.deaf, x.conns = false, append(clients(vip, 65_536), client(vip, 70_000), client(vip, 70_001))
	x.run(10 * time.Second)
	if v := x.m.View()[0]; v.Clients != maxClients || v.LeftOut != 2 || len(x.records) != 2 {
		t.Errorf("view %+v, records %q", v, x.records)
	}
}

// An address that comes into the file while it is held is held.
func TestMachine_Configure(t *testing.T) {
	x := newNode(t, "x", key)
	x.step(Held(vip))
	x.conns = clients(vip, 3)
	x.perform(x.m.Configure(x.now, []Address{{Addr: vip, Group: "web", Interface: "eth0"}}, nil))
	if v := x.m.View(); len(v) != 1 || v[0].Clients != 3 {
		t.Errorf("view %+v", v)
	}
	x.perform(x.m.Configure(x.now, nil, nil))
	x.run(time.Minute)
	if x.m.Deadline() != (time.Time{}) {
		t.Error("it has something to do without an address")
	}
}
