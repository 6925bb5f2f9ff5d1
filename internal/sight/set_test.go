package sight

import (
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/bfd"
	"github.com/holdfast-net/holdfast/internal/hold"
)

const ms = time.Millisecond

var (
	begin = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	addrs = [2]netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")}
	paths = [2]Path{{7, addrs[1]}, {7, addrs[0]}} // of each node to the other
)

// lan is two nodes whose packets arrive at once.
type lan struct {
	t    *testing.T
	now  time.Time
	sets [2]*Set
	dead [2]bool
	deaf [2]bool
	news [2][]string
	sent [2]int
	// held is until when each node's claim lasts, kept as Limits wants it; lost
	// is when each was missed.
	held [2]hold.Instant
	lost [2]hold.Instant
}

func (l *lan) instant() hold.Instant { return hold.Instant(l.now.UnixNano()) }

// bound is the one limit of a set; 0: none.
func bound(s *Set) hold.Instant {
	for _, l := range s.Limits(nil) {
		return l.Until
	}
	return 0
}

// keep cuts a claim before packets are sent.
func (l *lan) keep(i int) {
	if b := bound(l.sets[i]); b != 0 && b < l.held[i] {
		l.held[i] = b
	}
}

func newLAN(t *testing.T) *lan {
	l := &lan{t: t, now: begin}
	for i := range l.sets {
		l.sets[i] = New(rand.New(rand.NewPCG(uint64(i), 1)))
	}
	return l
}

func (l *lan) want(i int, who uint64, w Wish) {
	l.t.Helper()
	w.Local = addrs[i]
	acts, err := l.sets[i].Want(l.now, who, paths[i], w, nil)
	if err != nil {
		l.t.Fatal(err)
	}
	l.carry(i, acts)
}

func (l *lan) leave(i int, who uint64) {
	l.carry(i, l.sets[i].Leave(l.now, who, paths[i], nil))
}

func (l *lan) carry(i int, acts []Action) {
	l.keep(i)
	for _, a := range acts {
		if a.Path != paths[i] || a.Local != addrs[i] {
			l.t.Fatalf("node %d: %+v", i, a)
		}
		if a.Kind == bfd.ActionTransition {
			l.news[i] = append(l.news[i], a.String())
			if a.Reason == bfd.ReasonExpired {
				l.lost[1-i] = l.instant()
			}
			continue
		}
		l.sent[i]++
		l.sets[i].Sent(a, l.instant(), l.instant())
		l.held[i] = bound(l.sets[i])
		p := bfd.Packet{Src: addrs[i], Link: 7, TTL: bfd.TTL, Payload: a.AppendPacket(nil)}
		if !l.dead[1-i] && !l.deaf[1-i] {
			l.carry(1-i, l.sets[1-i].Received(l.now, &p, nil))
		}
	}
}

// run lets time pass.
func (l *lan) run(d time.Duration) {
	l.t.Helper()
	for until := l.now.Add(d); ; {
		next := until
		for i, s := range l.sets {
			if at := s.Deadline(); !l.dead[i] && !at.IsZero() && at.Before(next) {
				next = at
			}
		}
		if next.After(l.now) {
			l.now = next
		}
		for i, s := range l.sets {
			if !l.dead[i] {
				l.carry(i, s.Tick(l.now, nil))
			}
		}
		if !l.now.Before(until) {
			return
		}
	}
}

func (l *lan) state(i int, want bfd.State) {
	l.t.Helper()
	count := 0
	l.sets[i].Each(func(p Path, s *bfd.Session) {
		count++
		if s.State() != want || p != paths[i] {
			l.t.Errorf("node %d: %s on %v, want %s", i, s.State(), p, want)
		}
	})
	if count != 1 {
		l.t.Errorf("node %d has %d sessions", i, count)
	}
}

func (l *lan) last(i int, want string) {
	l.t.Helper()
	if n := len(l.news[i]); n == 0 || l.news[i][n-1] != want {
		l.t.Errorf("node %d's news: %q, want %q last", i, l.news[i], want)
	}
}

func fast(interval time.Duration, multiplier uint8) Wish {
	return Wish{Interval: interval, Multiplier: multiplier}
}

// Two nodes watch each other; one dies, and is missed in time.
func TestSet_MissesTheDead(t *testing.T) {
	l := newLAN(t)
	l.want(0, 1, fast(5*ms, 3))
	l.want(1, 1, fast(5*ms, 3))
	l.run(3 * time.Second)
	l.state(0, bfd.Up)
	l.state(1, bfd.Up)
	if got := l.sets[0].Promise(paths[0]); got != 15*ms {
		t.Errorf("promise %s", got)
	}
	if got := l.sets[0].Promise(Path{9, addrs[1]}); got != 0 {
		t.Errorf("promise to nobody %s", got)
	}
	l.dead[0] = true
	l.run(15 * ms)
	l.last(1, "up -> down: detection time expired")
}

// Whenever a node dies, its claim is over when the other one misses it: also
// while the two agree on other rates.
func TestSet_BoundIsKept(t *testing.T) {
	rates := []time.Duration{5 * ms, 7 * ms, 20 * ms, 100 * ms}
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 9))
		l := newLAN(t)
		change := func(i int) { l.want(i, 1, fast(rates[rng.IntN(4)], uint8(2+rng.IntN(4)))) }
		change(0)
		change(1)
		l.run(3 * time.Second)
		for range 3 {
			change(rng.IntN(2))
			l.run(time.Duration(rng.IntN(int(300 * ms))))
		}
		if l.held[0] == 0 {
			t.Fatalf("seed %d: nothing bounds the claim", seed)
		}
		l.dead[0] = true
		l.run(20 * time.Second)
		if l.lost[0] == 0 || l.held[0] >= l.lost[0] {
			t.Errorf("seed %d: held until %d, missed at %d", seed, l.held[0], l.lost[0])
		}
		if got := bound(l.sets[1]); got != 0 {
			t.Errorf("seed %d: bound by a dead neighbour until %d", seed, got)
		}
	}
}

// A neighbour that hears nothing any more misses this node, and says so, over
// and over. It has judged: no silence of this node ends anything for it until
// it hears again, so the hold of a node that is well goes on, also at the pace
// of packets that a session has that is not up.
func TestSet_BoundOutlivesADeafNeighbour(t *testing.T) {
	l := newLAN(t)
	l.want(0, 1, fast(50*ms, 3))
	l.want(1, 1, fast(50*ms, 3))
	l.run(3 * time.Second)
	l.deaf[1] = true
	well := func(d time.Duration) {
		t.Helper()
		for until := l.now.Add(d); l.now.Before(until); {
			l.run(ms)
			if l.held[0] != 0 && l.held[0] <= l.instant() {
				t.Fatalf("%s later the hold of the node that is well is over", d-until.Sub(l.now))
			}
		}
	}
	well(10 * time.Second)
	l.last(1, "up -> down: detection time expired")
	l.deaf[1] = false
	well(5 * time.Second)
	l.state(0, bfd.Up)
	l.state(1, bfd.Up)
	if b := bound(l.sets[0]); b == 0 || b > l.instant().Add(150*ms) {
		t.Errorf("bound until %d, and it is %d", b, l.instant())
	}
}

// Several groups share a session, at the rate of the most eager one, and the
// last one to leave ends it in order.
func TestSet_IsShared(t *testing.T) {
	l := newLAN(t)
	l.want(0, 1, fast(50*ms, 3))
	l.want(0, 2, fast(20*ms, 5))
	l.want(0, 3, fast(20*ms, 4))
	l.want(1, 1, fast(10*ms, 3))
	l.run(3 * time.Second)
	l.state(0, bfd.Up)
	rate := func(want time.Duration) {
		t.Helper()
		l.run(time.Second)
		if got := l.sets[0].Promise(paths[0]); got != want {
			t.Errorf("promise %s, want %s", got, want)
		}
	}
	rate(80 * ms)
	l.leave(0, 3)
	rate(100 * ms)
	l.want(0, 2, fast(60*ms, 2)) // changes its mind
	rate(150 * ms)
	l.leave(0, 1)
	rate(120 * ms)
	l.leave(0, 9) // never wanted anything
	rate(120 * ms)

	l.leave(0, 2)
	l.last(1, "up -> down: the neighbour is administratively down")
	before := l.sent[0]
	l.run(goodbye)
	if l.sent[0]-before < 3 {
		t.Errorf("told its end %d times", l.sent[0]-before)
	}
	if at := l.sets[0].Deadline(); !at.IsZero() {
		t.Errorf("wants a tick at %s though it has nothing", at)
	}
	l.leave(0, 2)
	l.want(0, 4, fast(10*ms, 3)) // somebody comes back
	l.run(3 * time.Second)
	l.state(0, bfd.Up)
}

// Who comes back while the end is being told finds the session as it was.
func TestSet_ComesBackInTime(t *testing.T) {
	l := newLAN(t)
	l.want(0, 1, fast(10*ms, 3))
	l.want(1, 1, fast(10*ms, 3))
	l.run(3 * time.Second)
	l.leave(0, 1)
	l.run(time.Second)
	l.want(0, 1, fast(10*ms, 3))
	l.run(5 * time.Second)
	l.state(0, bfd.Up)
	l.state(1, bfd.Up)
}

// A new key is a new session, and the neighbour is told that the old one ends:
// it must not take a reload for a death.
func TestSet_ChangesItsKey(t *testing.T) {
	l := newLAN(t)
	with := func(key string) Wish {
		w := fast(10*ms, 3)
		w.Key = []byte(key)
		return w
	}
	l.want(0, 1, with("old"))
	l.want(1, 1, with("old"))
	l.run(3 * time.Second)
	l.state(0, bfd.Up)
	w := with("new")
	w.Local = addrs[0]
	acts, err := l.sets[0].Want(l.now, 1, paths[0], w, nil)
	if err == nil {
		t.Error("the session with the old key ended before the neighbour was told")
	}
	l.carry(0, acts)
	l.last(1, "up -> down: the neighbour is administratively down")
	l.want(0, 1, with("new"))
	l.run(3 * time.Second)
	l.state(0, bfd.Down)
	l.state(1, bfd.Down)
	l.want(1, 1, with("new"))
	l.run(5 * time.Second)
	l.state(0, bfd.Up)
	l.state(1, bfd.Up)
}
