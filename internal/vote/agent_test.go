package vote

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

// table is a cluster whose datagrams the test carries by hand.
type table struct {
	t      *testing.T
	now    Instant
	agents map[string]*Agent
	sub    map[string]Subject
	w      *Voter
	out    map[string]*Out
	down   map[string]bool
	addr   map[netip.AddrPort]string
}

const term = 3 * time.Second

func newAgent(t testing.TB, name string, session uint64, voters ...string) *Agent {
	t.Helper()
	cfg := Config{Name: name, Keys: modelKey, Seed: []byte(fmt.Sprintf("seed of %012d", session)), Session: session}
	for i, v := range voters {
		cfg.Voters = append(cfg.Voters, VoterAddr{Name: v, Addr: address(i), Witness: v[0] == 'w'})
	}
	a, err := NewAgent(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func address(i int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(i + 1)}), Port)
}

// pair is two nodes, a and b, and a witness w.
func pair(t *testing.T) *table {
	x := &table{
		t: t, now: Instant(time.Hour), agents: map[string]*Agent{}, sub: map[string]Subject{}, out: map[string]*Out{},
		down: map[string]bool{}, addr: map[netip.AddrPort]string{},
	}
	names := []string{"a", "b", "w"}
	for i, n := range names {
		x.addr[address(i)] = n
		if n != "w" {
			x.agents[n] = newAgent(t, n, uint64(i+1), names...)
			x.sub[n] = x.agents[n].Open(1, term)
			x.out[n] = &Out{}
		}
	}
	x.w = NewVoter(VoterConfig{Keys: modelKey, Seed: []byte("the witness has one"), Instance: 99})
	return x
}

// do steps a node and carries datagrams until there are none.
func (x *table) do(name string, ev Event) {
	ev.Subject = x.sub[name]
	if x.down[name] {
		return
	}
	out := x.out[name]
	out.Reset()
	x.agents[name].Step(x.now, ev, out)
	var packets []Packet
	for _, p := range out.Packets {
		packets = append(packets, Packet{p.To, append([]byte(nil), p.Data...)})
	}
	for _, p := range packets {
		x.carry(name, p)
	}
}

func (x *table) carry(from string, p Packet) {
	to := x.addr[p.To]
	var src netip.AddrPort
	for addr, n := range x.addr {
		if n == from {
			src = addr
		}
	}
	switch {
	case x.down[to]:
	case to == "w":
		if b := x.w.Receive(x.now, p.Data, nil); len(b) > 0 {
			x.do(from, Event{Kind: Heard, Src: address(2), Data: b})
		}
	default:
		x.do(to, Event{Kind: Heard, Src: src, Data: p.Data})
	}
}

// pass lets time go by.
func (x *table) pass(d time.Duration) {
	end := x.now.add(d)
	for {
		next := end
		for n, a := range x.agents {
			if !x.down[n] && a.Deadline() < next {
				next = a.Deadline()
			}
		}
		x.now = max(x.now, next)
		for _, n := range []string{"a", "b"} {
			if x.agents[n].Deadline() <= x.now {
				x.do(n, Event{Kind: Tick})
			}
		}
		if next == end {
			return
		}
	}
}

func (x *table) wants(name string, rank uint8) { x.do(name, Event{Kind: Want, Rank: rank}) }
func (x *table) leaves(name, to string)        { x.do(name, Event{Kind: Release, To: to}) }

func (x *table) holds(name string, want bool) {
	x.t.Helper()
	if got := x.agents[name].Until(x.sub[name]) > x.now; got != want {
		x.t.Errorf("after %s: %s holds: %v, not %v", x.now.sub(Instant(time.Hour)), name, got, want)
	}
}

// What the documentation says of two nodes and a witness.
func TestPair(t *testing.T) {
	for name, tt := range map[string]struct {
		lost    []string
		a, b    bool
		promise string
	}{
		"nothing lost":               {nil, true, false, "the holder stays"},
		"the witness":                {[]string{"w"}, true, false, "each other's votes make two of three"},
		"the backup":                 {[]string{"b"}, true, false, "the witness and itself"},
		"the holder":                 {[]string{"a"}, false, true, "the backup and the witness"},
		"the backup and witness":     {[]string{"b", "w"}, false, false, "alone it lets its hold lapse"},
		"the holder and the witness": {[]string{"a", "w"}, false, false, "alone it claims nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			x := pair(t)
			x.wants("a", 200)
			x.holds("a", true)
			x.wants("b", 100)
			x.pass(term)
			x.holds("a", true)
			x.holds("b", false)
			for _, n := range tt.lost {
				x.down[n] = true
			}
			x.pass(2 * term)
			if !x.down["a"] {
				x.holds("a", tt.a)
			}
			if !x.down["b"] {
				x.holds("b", tt.b)
			}
		})
	}
}

// A failover waits for what was promised, and no longer.
func TestPair_FailoverTime(t *testing.T) {
	x := pair(t)
	x.wants("a", 200)
	x.pass(10 * term)
	x.wants("b", 100)
	x.down["a"] = true
	lost := x.now
	for x.agents["b"].Until(x.sub["b"]) <= x.now {
		x.pass(time.Millisecond)
		if x.now > lost.add(2*term) {
			t.Fatal("b never holds")
		}
	}
	if took := x.now.sub(lost); took > term+5*time.Millisecond {
		t.Errorf("it took %s with a term of %s", took, term)
	}
}

// A holder that leaves in order is followed at once, by the one it names.
func TestPair_Handover(t *testing.T) {
	x := pair(t)
	x.wants("a", 200)
	x.wants("b", 100)
	x.pass(term)
	x.leaves("a", "b")
	x.holds("a", false)
	x.wants("a", 200) // its vote and that of the witness are reserved
	x.holds("a", false)
	x.pass(100 * time.Millisecond)
	x.holds("a", false)
	x.pass(term / 2)
	x.holds("b", true)
}

// The voters keep a released promise for the successor that was named, though
// it takes a moment to ask; if it never does, others get it.
func TestPair_Reserved(t *testing.T) {
	for _, comes := range []bool{true, false} {
		x := pair(t)
		x.wants("a", 200)
		x.pass(term)
		x.leaves("a", "b")
		x.pass(time.Millisecond)
		x.wants("a", 200)
		x.pass(100 * time.Millisecond)
		x.holds("a", false)
		if comes {
			x.wants("b", 100)
			x.holds("b", true)
			continue
		}
		x.pass(term)
		x.holds("a", true)
	}
}

// What was asked before a release is promised to nobody when it comes after.
func TestPair_LateAsk(t *testing.T) {
	x := pair(t)
	x.wants("a", 200)
	x.pass(term)
	out := &Out{}
	a := x.agents["a"]
	at := renewal(x.now, term)
	a.Step(at, Event{Kind: Tick}, out) // a renewal that nobody gets in time
	var late []Packet
	for _, p := range out.Packets {
		late = append(late, Packet{p.To, append([]byte(nil), p.Data...)})
	}
	x.now = at + 1
	x.leaves("a", "")
	for _, p := range late {
		x.carry("a", p)
	}
	x.holds("a", false)
	x.wants("b", 100)
	x.holds("b", true)
	if x.w.Counters().Late == 0 {
		t.Error("the witness did not notice")
	}
}

// A recorded datagram is worth nothing in another run of either end.
func TestReplay(t *testing.T) {
	x := pair(t)
	var recorded [][]byte
	out := &Out{}
	record := func(a *Agent, ev Event) {
		out.Reset()
		a.Step(x.now, ev, out)
		for _, p := range out.Packets {
			if x.addr[p.To] == "w" {
				recorded = append(recorded, append([]byte(nil), p.Data...))
			}
		}
	}
	x.pass(time.Second) // everybody has tokens
	record(x.agents["a"], Event{Kind: Want, Subject: x.sub["a"], Rank: 200})
	for _, b := range recorded {
		x.w.Receive(x.now, b, nil)
	}
	if x.w.Counters().Granted != 1 {
		t.Fatalf("the witness granted %d", x.w.Counters().Granted)
	}
	for _, b := range recorded { // twice
		x.w.Receive(x.now, b, nil)
	}
	second := NewVoter(VoterConfig{Keys: modelKey, Seed: []byte("another seed, as in a new process"), Instance: 100})
	for _, b := range recorded { // to another run of the witness
		second.Receive(x.now, b, nil)
	}
	// a starts anew, and what its former process sent comes once more
	x.agents["a"] = newAgent(t, "a", 77, "a", "b", "w")
	x.sub["a"] = x.agents["a"].Open(1, term)
	x.do("a", Event{Kind: Tick})
	x.pass(2 * term) // the promise runs out
	for _, b := range recorded {
		x.w.Receive(x.now, b, nil)
	}
	if n := x.w.Counters().Granted + second.Counters().Granted; n != 1 {
		t.Errorf("%d promises from one ask", n)
	}
}

// Two machines with the configuration of one: both are node a. A promise is to
// one process.
func TestSameName(t *testing.T) {
	x := pair(t)
	x.wants("a", 200)
	x.pass(term)
	double := newAgent(t, "a", 55, "a", "b", "w")
	s := double.Open(1, term)
	out := &Out{}
	run := func(ev Event) {
		out.Reset()
		double.Step(x.now, ev, out)
		var answers [][]byte
		for _, p := range out.Packets {
			if x.addr[p.To] == "w" {
				answers = append(answers, x.w.Receive(x.now, p.Data, nil))
			}
		}
		for _, b := range answers {
			out.Reset()
			double.Step(x.now, Event{Kind: Heard, Data: b}, out)
			for _, p := range out.Packets {
				if x.addr[p.To] == "w" {
					double.Step(x.now, Event{Kind: Heard, Data: x.w.Receive(x.now, p.Data, nil)}, &Out{})
				}
			}
		}
	}
	run(Event{Kind: Want, Subject: s, Rank: 250})
	run(Event{Kind: Tick})
	if double.Until(s) > x.now {
		t.Error("both hold")
	}
}

// Two names of one voter have one vote.
func TestTwins(t *testing.T) {
	a := newAgent(t, "a", 1, "a", "w1", "w2")
	s := a.Open(1, term)
	w := NewVoter(VoterConfig{Keys: modelKey, Seed: []byte("the witness has one"), Instance: 99})
	now := Instant(time.Hour)
	five := newAgent(t, "a", 2, "a", "b", "c", "w1", "w2")
	fives := five.Open(1, term)
	for _, agent := range []struct {
		*Agent
		s    Subject
		want bool
	}{{a, s, true}, {five, fives, false}} {
		deliver(agent.Agent, w, now, Event{Kind: Want, Subject: agent.s, Rank: 1})
		if got := agent.Until(agent.s) > now; got != agent.want {
			t.Errorf("%d voters: holds %v", len(agent.voters), got)
		}
		now += Instant(2 * term)
	}
	var twin bool
	for _, v := range five.Voters(now) {
		twin = twin || v.Twin != ""
	}
	if !twin {
		t.Error("nobody is told")
	}
}

// deliver gives everything that a sends to one voter, whomever it is for.
func deliver(a *Agent, w *Voter, now Instant, ev Event) {
	events := []Event{ev}
	for len(events) > 0 {
		out := &Out{}
		a.Step(now, events[0], out)
		events = events[1:]
		for _, p := range out.Packets {
			if b := w.Receive(now, p.Data, nil); len(b) > 0 {
				events = append(events, Event{Kind: Heard, Src: p.To, Data: b})
			}
		}
	}
}

// A voter that started lately says so and promises nothing.
func TestVoter_Abstains(t *testing.T) {
	now := Instant(time.Hour)
	w := NewVoter(VoterConfig{Keys: modelKey, Seed: []byte("the witness has one"), Instance: 99, Abstain: now.add(MaxTerm)})
	a := newAgent(t, "a", 1, "a", "w1")
	s := a.Open(1, term)
	deliver(a, w, now, Event{Kind: Want, Subject: s, Rank: 1})
	if a.Until(s) > now || w.Counters().Granted != 0 {
		t.Error("it promised")
	}
	if got := a.Voters(now)[1].Abstains; got != MaxTerm {
		t.Errorf("the node knows of %s", got)
	}
	over := now.add(MaxTerm)
	for now < over {
		if a.Until(s) > now {
			t.Fatal("it promised")
		}
		now = max(now+1, a.Deadline())
		deliver(a, w, now, Event{Kind: Tick})
	}
	for now < over.add(most) {
		now = max(now+1, a.Deadline())
		deliver(a, w, now, Event{Kind: Tick})
	}
	if a.Until(s) <= now {
		t.Error("it does not promise afterwards")
	}
}

// Thousands of groups share datagrams, and renewing them allocates nothing.
func TestAgent_Batches(t *testing.T) {
	const groups = 2000
	now := Instant(time.Hour)
	a, b := newAgent(t, "a", 1, "a", "b"), newAgent(t, "b", 2, "a", "b")
	var outA, outB Out
	exchange := func(ev Event) (packets int) {
		outA.Reset()
		a.Step(now, ev, &outA)
		for i := 0; i < len(outA.Packets); i++ {
			outB.Reset()
			b.Step(now, Event{Kind: Heard, Src: address(0), Data: outA.Packets[i].Data}, &outB)
			for _, p := range outB.Packets {
				packets += 2
				a.Step(now, Event{Kind: Heard, Src: address(1), Data: p.Data}, &outA)
			}
		}
		return packets
	}
	exchange(Event{Kind: Tick})
	for k := range groups {
		exchange(Event{Kind: Want, Subject: a.Open(Key(k+1), term), Rank: 1})
	}
	renew := func() (packets int) {
		now = renewal(now, term)
		return exchange(Event{Kind: Tick})
	}
	if got, most := renew(), 2*(groups/maxEntries+1); got > most || got == 0 {
		t.Errorf("%d datagrams for %d groups, want at most %d", got, groups, most)
	}
	if n := testing.AllocsPerRun(20, func() { renew() }); n > 0 {
		t.Errorf("%.0f allocations a round", n)
	}
	for s := range groups {
		if a.Until(Subject(s)) <= now {
			t.Fatalf("group %d is not held", s)
		}
	}
}

func BenchmarkVoter_Forged(b *testing.B) {
	w := NewVoter(VoterConfig{Keys: modelKey, Seed: []byte("the witness has one"), Instance: 99})
	h := header{kind: kindAsk, session: 2}
	bad := newSigner([][]byte{[]byte("not the key")})
	msg := bad.sign(appendEntry(appendHeader(nil, &h, "lb1", "w1"), 0, &entry{key: 1, verb: opAsk}), 0)
	b.ReportAllocs()
	for b.Loop() {
		w.Receive(1, msg, nil)
	}
}
