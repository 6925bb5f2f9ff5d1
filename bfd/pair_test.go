package bfd

import (
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"
)

// end is one of two sessions on a wire made of values.
type end struct {
	*Session
	at    netip.Addr
	other *end
	froze time.Time // it takes no step before; zero: it runs
	inbox [][]byte  // what has arrived while it did not run
	marks []mark    // promises, one for each packet that arrives
	last  mark      // of the packet that was delivered last
	moved []Action  // transitions
	deaf  int       // percent of what is sent to it that is lost
}

// mark is what an end could promise when it had sent a packet: that the other
// one does not call it lost before.
type mark struct{ until time.Time }

// flight is a packet under way.
type flight struct {
	at      time.Time
	to      *end
	payload []byte
	mark    mark
}

// wire moves two ends through virtual time.
type wire struct {
	t     *testing.T
	seed  uint64
	rng   *rand.Rand
	now   time.Time
	a, b  *end
	air   []flight
	delay time.Duration // packets take up to so long, and do not overtake
}

func newWire(t *testing.T, seed uint64, a, b Config) *wire {
	t.Helper()
	w := &wire{seed: seed, t: t, rng: rand.New(rand.NewPCG(seed, 0)), now: begin, delay: ms}
	add := func(c Config, d uint32, at, peer netip.Addr) *end {
		c.Discriminator, c.Peer, c.Rand = d, peer, rand.New(rand.NewPCG(seed, uint64(d)))
		s, err := New(c)
		if err != nil {
			t.Fatal(err)
		}
		return &end{Session: s, at: at}
	}
	w.a, w.b = add(a, ours, hereAddr, thereAddr), add(b, theirs, thereAddr, hereAddr)
	w.a.other, w.b.other = w.b, w.a
	w.do(w.a, Enable())
	w.do(w.b, Enable())
	return w
}

// do steps an end and puts what it sends on the wire.
func (w *wire) do(e *end, ev Event) {
	w.t.Helper()
	for _, act := range e.Step(w.now, ev, nil) {
		if act.Kind == ActionTransition {
			e.moved = append(e.moved, act)
			w.judge(e, act)
			continue
		}
		p := e.AppendPacket(nil, act.Control)
		if w.rng.IntN(100) < e.other.deaf {
			continue
		}
		at := w.now.Add(time.Duration(w.rng.Int64N(int64(w.delay))))
		for _, f := range w.air { // no overtaking
			if f.to == e.other && f.at.After(at) {
				at = f.at
			}
		}
		m := mark{}
		if d := e.PeerDetects(); d > 0 {
			m.until = w.now.Add(d)
		}
		w.air = append(w.air, flight{at, e.other, p, m})
	}
}

// judge holds the other end's promise: who calls it lost for its silence does
// not do so before.
func (w *wire) judge(e *end, act Action) {
	w.t.Helper()
	if act.Reason == ReasonExpired && w.now.Before(e.last.until) {
		w.t.Errorf("seed %d, after %s: called lost %s too early", w.seed, w.now.Sub(begin), e.last.until.Sub(w.now))
	}
}

// next is the end's next deadline, if it runs.
func (w *wire) next() time.Time {
	first := time.Time{}
	note := func(at time.Time) {
		if !at.IsZero() && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	for _, e := range []*end{w.a, w.b} {
		if e.froze.IsZero() {
			note(e.Deadline())
		} else {
			note(e.froze)
		}
	}
	for _, f := range w.air {
		note(f.at)
	}
	return first
}

// run lets time pass.
func (w *wire) run(d time.Duration) {
	w.t.Helper()
	until := w.now.Add(d)
	for {
		at := w.next()
		if at.IsZero() || at.After(until) {
			break
		}
		if at.After(w.now) {
			w.now = at
		}
		w.deliver()
		for _, e := range []*end{w.a, w.b} {
			if !e.froze.IsZero() {
				if w.now.Before(e.froze) {
					continue
				}
				e.froze = time.Time{}
			}
			// Packets first, then the tick.
			for i, p := range e.inbox {
				e.last = e.marks[i]
				w.do(e, Received(&Packet{Src: e.other.at, Link: link, TTL: 255, Payload: p}))
			}
			e.inbox, e.marks = nil, nil
			w.do(e, Tick())
		}
	}
	w.now = until
}

func (w *wire) deliver() {
	rest := w.air[:0]
	for _, f := range w.air {
		if f.at.After(w.now) {
			rest = append(rest, f)
			continue
		}
		f.to.inbox, f.to.marks = append(f.to.inbox, f.payload), append(f.to.marks, f.mark)
	}
	w.air = rest
}

func (w *wire) both(want State) {
	w.t.Helper()
	if w.a.State() != want || w.b.State() != want {
		w.t.Errorf("after %s: %s and %s, want %s", w.now.Sub(begin), w.a.State(), w.b.State(), want)
	}
}

// lost counts how often an end lost the other.
func (e *end) lost() int { return int(e.Counters().LeftUp) }

// Two ends find each other, agree on the slower of each pair of intervals, and
// stay so for a minute without losing each other once.
//
//conformance:5880-6.2-handshake positive
//conformance:5880-6.8.2-negotiate positive
//conformance:5881-3-role positive
func TestPair_AgreesAndStays(t *testing.T) {
	for name, change := range map[string][2]func(*Config){
		"alike":           {func(*Config) {}, func(*Config) {}},
		"different rates": {rates(5*ms, 20*ms), rates(50*ms, 10*ms)},
		"one passive":     {passive, func(*Config) {}},
		"keyed":           {signed(AuthSHA1, 1), signed(AuthSHA1, 2)},
		"meticulous":      {signed(AuthSHA1Strict, 1), signed(AuthSHA1Strict, 2)},
		"multiplier 1":    {mult(1), mult(1)},
		"5ms three times": {rates(5*ms, 5*ms), rates(5*ms, 5*ms)},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWire(t, 1, config(change[0]), config(change[1]))
			w.delay = ms / 2
			w.run(5 * time.Second)
			w.both(Up)
			a, b := w.a.Config(), w.b.Config()
			equal(t, "a sends", w.a.Interval(), max(a.DesiredMinTx, b.RequiredMinRx))
			equal(t, "b sends", w.b.Interval(), max(b.DesiredMinTx, a.RequiredMinRx))
			equal(t, "a detects", w.a.DetectionTime(), w.b.PeerDetects())
			equal(t, "b detects", w.b.DetectionTime(), w.a.PeerDetects())
			w.run(time.Minute)
			w.both(Up)
			equal(t, "lost", w.a.lost()+w.b.lost(), 0)
		})
	}
}

// A third of all packets lost, both ways: the ends lose each other now and
// then, and find each other again.
func TestPair_Loss(t *testing.T) {
	for seed := range uint64(20) {
		w := newWire(t, seed, config(), config())
		w.a.deaf, w.b.deaf = 33, 33
		w.run(time.Minute)
		if w.a.lost() == 0 {
			t.Errorf("seed %d: three packets in a row were never lost", seed)
		}
		w.a.deaf, w.b.deaf = 0, 0
		w.run(10 * time.Second)
		w.both(Up)
	}
}

// A cut in one direction: the deaf end notices by its silence, the other one
// is told.
//
//conformance:5880-6.8.6-states positive
func TestPair_OneWay(t *testing.T) {
	w := newWire(t, 1, config(), config())
	w.run(5 * time.Second)
	w.a.deaf = 100
	w.run(10 * time.Second)
	equal(t, "a", w.a.State(), Down)
	equal(t, "a's reason", w.a.moved[len(w.a.moved)-1].Reason, ReasonExpired)
	if s := w.b.State(); s != Down && s != Init {
		t.Errorf("b is %s", s)
	}
	equal(t, "lost", w.b.lost(), 1)
	for _, act := range w.b.moved {
		if act.Lost() {
			equal(t, "b's reason", act.Reason, ReasonNeighbourDown)
			equal(t, "a's diagnostic", act.PeerDiag, DiagExpired)
		}
	}
}

// One end freezes for longer than the Detection Time. When it wakes it has
// read in its socket what the other one said meanwhile, and does not blame the
// other one's silence.
func TestPair_FrozenEndIsToldWhatHappened(t *testing.T) {
	for seed := range uint64(50) {
		w := newWire(t, seed, config(), config())
		w.run(5 * time.Second)
		w.both(Up)
		w.run(time.Duration(seed) * ms)
		w.a.froze = w.now.Add(time.Second)
		w.run(3 * time.Second)
		for _, act := range w.a.moved {
			if act.Lost() {
				equal(t, "woken end's reason", act.Reason, ReasonNeighbourDown)
			}
		}
		equal(t, "other end lost it", w.b.lost(), 1)
		w.both(Up)
	}
}

// Whatever happens (loss, freezes, other timings at any time, switching off and
// on), nobody is called lost earlier than it was promised: judge says so.
func TestPair_PromiseIsKept(t *testing.T) {
	timings := []time.Duration{5 * ms, 10 * ms, 20 * ms, 40 * ms, 300 * ms}
	expired := 0
	for seed := range uint64(50) {
		w := newWire(t, seed, config(), config())
		w.delay = 3 * ms
		for range 60 {
			e := []*end{w.a, w.b}[w.rng.IntN(2)]
			switch w.rng.IntN(7) {
			case 0, 1, 2:
				w.do(e, Retime(Timing{timings[w.rng.IntN(5)], timings[w.rng.IntN(5)], uint8(1 + w.rng.IntN(5))}))
			case 3:
				e.deaf = 50 - e.deaf
			case 4:
				e.froze = w.now.Add(time.Duration(w.rng.IntN(3000)) * ms)
			case 5:
				w.do(e, Disable())
			case 6:
				w.do(e, Enable())
			}
			w.run(time.Duration(w.rng.IntN(500)) * ms)
		}
		w.a.deaf, w.b.deaf = 0, 0
		w.do(w.a, Enable())
		w.do(w.b, Enable())
		w.do(w.a, Retime(config().Timing))
		w.do(w.b, Retime(config().Timing))
		w.run(30 * time.Second)
		w.both(Up)
		for _, act := range append(w.a.moved, w.b.moved...) {
			if act.Reason == ReasonExpired && act.Lost() {
				expired++
			}
		}
	}
	if expired < 50 {
		t.Errorf("only %d expirations: this test shows little", expired)
	}
}
