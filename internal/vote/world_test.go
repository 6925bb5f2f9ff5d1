package vote

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"
)

var modelKey = [][]byte{[]byte("a key of the model, 32 bytes long")}

// model is a cluster in true time. Its parties have clocks that run at
// different rates; the network loses, delays, repeats and reorders; parties
// are paused between any two steps, and start anew.
type model struct {
	t       *testing.T
	seed    uint64
	rand    *rand.Rand
	now     time.Duration // true time
	queue   occasions
	order   int
	parties []*party
	term    time.Duration
	key     Key
	calm    time.Duration // from here on nothing goes wrong
	cut     map[[2]int]bool
	loss    float64
	lossy   bool // datagrams get lost, and nothing else goes wrong
	story   bool
	failed  bool
	moves   int
	renewed int // a node's process is replaced every so many steps; 0: never
	steps   int
}

// party is a node or a witness.
type party struct {
	at     int
	name   string
	addr   netip.AddrPort
	offset Instant
	rate   float64
	busy   time.Duration // paused until, true time
	up     bool
	life   int
	agent  *Agent // nil: a witness
	voter  *Voter
	sub    Subject
	gate   Instant // the kernel's: survives everything but the end of its time
	rank   uint8
	wants  bool
	armed  time.Duration
}

func (p *party) clock(t time.Duration) Instant { return p.offset + Instant(float64(t)*p.rate) }

// trueTime is when the party's clock shows x.
func (p *party) trueTime(x Instant) time.Duration {
	return time.Duration(float64(x-p.offset) / p.rate)
}

type occasion struct {
	at    time.Duration
	order int
	do    func()
}

type occasions []occasion

func (q occasions) Len() int { return len(q) }
func (q occasions) Less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].order < q[j].order
}
func (q occasions) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *occasions) Push(x any)   { *q = append(*q, x.(occasion)) }
func (q *occasions) Pop() any {
	old := *q
	x := old[len(old)-1]
	*q = old[:len(old)-1]
	return x
}

func (m *model) at(t time.Duration, do func()) {
	m.order++
	heap.Push(&m.queue, occasion{max(t, m.now), m.order, do})
}

func (m *model) tell(format string, args ...any) {
	if m.story {
		m.t.Logf("%12s  %s", m.now, fmt.Sprintf(format, args...))
	}
}

func newModel(t *testing.T, seed uint64, story bool) *model {
	r := rand.New(rand.NewPCG(seed, 9113))
	m := &model{t: t, seed: seed, rand: r, cut: map[[2]int]bool{}, story: story, key: Key(1 + r.Uint64())}
	m.term = []time.Duration{MinTerm, time.Second, 3 * time.Second, 3 * time.Second, MaxTerm}[r.IntN(5)]
	shapes := [][2]int{{2, 1}, {2, 1}, {3, 0}, {3, 1}, {4, 0}, {2, 2}, {3, 2}, {5, 0}, {2, 3}, {4, 1}, {2, 0}, {1, 0}}
	shape := shapes[r.IntN(len(shapes))]
	for i := range shape[0] + shape[1] {
		p := &party{
			at: i, name: fmt.Sprintf("n%d", i), addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(i + 1)}), Port),
			offset: Instant(r.Int64N(int64(1000 * time.Hour))), rate: 1 + (r.Float64()-0.5)/1000,
			rank: uint8(1 + r.IntN(3)*100),
		}
		if i >= shape[0] {
			p.name = fmt.Sprintf("w%d", i)
		}
		m.parties = append(m.parties, p)
	}
	for _, p := range m.parties {
		m.start(p, p.name[0] == 'n')
	}
	return m
}

// start begins a new life of a party. In its first one, nothing was promised
// before.
func (m *model) start(p *party, node bool) {
	var abstain Instant
	if p.life > 0 {
		abstain = p.clock(m.now).add(MaxTerm)
	}
	p.life++
	p.up, p.agent, p.voter = true, nil, nil
	seed := make([]byte, 16)
	for i := range seed {
		seed[i] = byte(m.rand.Uint32())
	}
	session := m.rand.Uint64() | 1
	if !node {
		p.voter = NewVoter(VoterConfig{Keys: modelKey, Seed: seed, Instance: session, Abstain: abstain})
		return
	}
	p.agent = m.newAgent(p, seed, session, abstain)
	p.sub = p.agent.Open(m.key, m.term)
	p.armed = 0
	m.tell("%s starts", p.name)
	m.step(p, Event{Kind: Tick})
	if p.wants {
		m.step(p, Event{Kind: Want, Subject: p.sub, Rank: p.rank})
	}
}

func (m *model) newAgent(p *party, seed []byte, session uint64, abstain Instant) *Agent {
	var voters []VoterAddr
	for _, q := range m.parties {
		voters = append(voters, VoterAddr{Name: q.name, Addr: q.addr, Witness: q.name[0] == 'w'})
	}
	a, err := NewAgent(Config{Name: p.name, Voters: voters, Keys: modelKey, Seed: seed, Session: session, Abstain: abstain})
	if err != nil {
		m.t.Fatal(err)
	}
	return a
}

// pause is how long a party stands still after it read its clock, before what
// it does is seen.
func (m *model) pause() time.Duration {
	if m.now >= m.calm || m.lossy {
		return time.Duration(m.rand.IntN(200)) * time.Microsecond
	}
	switch x := m.rand.Float64(); {
	case x < 0.005:
		return time.Duration(m.rand.Float64() * 3 * float64(m.term))
	case x < 0.03:
		return time.Duration(m.rand.Float64() * float64(m.term))
	case x < 0.2:
		return time.Duration(m.rand.Float64() * float64(m.term) / 20)
	}
	return time.Duration(m.rand.IntN(200)) * time.Microsecond
}

// step gives an event to a node, now or once its pause is over.
func (m *model) step(p *party, ev Event) {
	life := p.life
	if m.now < p.busy {
		m.at(p.busy, func() {
			if p.life == life && p.up {
				m.step(p, ev)
			}
		})
		return
	}
	now := p.clock(m.now)
	var out Out
	m.renew(p)
	p.agent.Step(now, ev, &out)
	until := p.agent.Until(p.sub)
	packets := make([]Packet, len(out.Packets))
	for i, x := range out.Packets {
		packets[i] = Packet{x.To, append([]byte(nil), x.Data...)}
	}
	deadline := p.agent.Deadline()
	p.busy = m.now + m.pause()
	m.at(p.busy, func() { // the same life: a crash in between is one after the step
		if p.life != life || !p.up {
			return
		}
		if p.wants {
			m.open(p, until)
		}
		for _, x := range packets {
			m.send(p, x)
		}
		m.arm(p, deadline)
	})
}

// arm sees to the tick.
func (m *model) arm(p *party, deadline Instant) {
	when := max(p.trueTime(deadline)+time.Microsecond, m.now)
	if p.armed > m.now && p.armed <= when {
		return
	}
	p.armed = when
	life := p.life
	m.at(when, func() {
		if p.life == life && p.up && p.armed == when {
			p.armed = 0
			m.step(p, Event{Kind: Tick})
		}
	})
}

// open stores into the gate, and checks the promise of the whole.
func (m *model) open(p *party, until Instant) {
	if until <= p.clock(m.now) {
		return
	}
	if p.gate <= p.clock(m.now) {
		m.moves++
		m.tell("%s holds until %s", p.name, p.trueTime(until))
	}
	p.gate = until
	for _, q := range m.parties {
		if q != p && q.gate > q.clock(m.now) {
			m.failed = true
			m.t.Errorf("seed %d: at %s %s opens its gate while that of %s is open for %s", m.seed, m.now, p.name, q.name, q.trueTime(q.gate)-m.now)
		}
	}
}

func (m *model) send(p *party, x Packet) {
	to := -1
	for _, q := range m.parties {
		if q.addr == x.To {
			to = q.at
		}
	}
	calm := m.now >= m.calm
	if !calm && (m.cut[[2]int{p.at, to}] || m.rand.Float64() < m.loss) {
		return
	}
	copies := 1
	calm = calm || m.lossy
	if !calm && m.rand.Float64() < 0.1 {
		copies = 2
	}
	for range copies {
		delay := time.Duration(50+m.rand.IntN(1000)) * time.Microsecond
		if !calm && m.rand.Float64() < 0.2 {
			delay += time.Duration(m.rand.Float64() * m.rand.Float64() * 2 * float64(m.term))
		}
		m.at(m.now+delay, func() { m.arrive(m.parties[to], p.addr, x.Data) })
	}
}

func (m *model) arrive(q *party, src netip.AddrPort, data []byte) {
	if !q.up {
		return
	}
	if q.agent != nil {
		m.step(q, Event{Kind: Heard, Src: src, Data: data})
		return
	}
	life := q.life
	if m.now < q.busy {
		m.at(q.busy, func() {
			if q.life == life {
				m.arrive(q, src, data)
			}
		})
		return
	}
	answer := q.voter.Receive(q.clock(m.now), data, nil)
	q.busy = m.now + m.pause()
	if len(answer) > 0 {
		m.at(q.busy, func() {
			if q.life == life && q.up {
				m.send(q, Packet{src, answer})
			}
		})
	}
}

// mischief is one fault, and the next one.
func (m *model) mischief() {
	if m.now >= m.calm {
		return
	}
	p := m.parties[m.rand.IntN(len(m.parties))]
	switch m.rand.IntN(10) {
	case 0: // a crash: the kernel's gate stays
		if p.up {
			p.up = false
			m.tell("%s crashes", p.name)
			node := p.agent != nil
			m.at(m.now+time.Duration(m.rand.Float64()*2*float64(m.term)), func() { m.start(p, node) })
		}
	case 1, 2: // a partition
		side := m.rand.Uint32()
		clear(m.cut)
		for i := range m.parties {
			for j := range m.parties {
				if side>>i&1 != side>>j&1 {
					m.cut[[2]int{i, j}] = true
				}
			}
		}
		m.tell("partition %b", side)
	case 3: // one way between two
		m.cut[[2]int{p.at, m.rand.IntN(len(m.parties))}] = true
	case 4:
		clear(m.cut)
	case 5:
		m.loss = m.rand.Float64() * m.rand.Float64()
	case 6, 7: // it leaves in order, for another one or nobody
		if p.agent != nil && p.up && p.wants && m.now >= p.busy {
			to := ""
			if q := m.parties[m.rand.IntN(len(m.parties))]; m.rand.IntN(2) == 0 {
				to = q.name
			}
			p.wants, p.gate = false, 0 // the gate first
			m.step(p, Event{Kind: Release, Subject: p.sub, To: to})
		}
	default:
		if p.agent != nil && p.up && !p.wants {
			p.wants = true
			m.step(p, Event{Kind: Want, Subject: p.sub, Rank: p.rank})
		}
	}
	m.at(m.now+time.Duration(m.rand.ExpFloat64()*float64(m.term)/2), m.mischief)
}

func (m *model) runUntil(end time.Duration) {
	for len(m.queue) > 0 && m.queue[0].at <= end && !m.failed {
		x := heap.Pop(&m.queue).(occasion)
		m.now = x.at
		x.do()
	}
	m.now = end
}

func (m *model) holder() *party {
	for _, p := range m.parties {
		if p.gate > p.clock(m.now) {
			return p
		}
	}
	return nil
}

// run is a time of faults, and then one without, in which there must soon be
// a holder, who stays.
func (m *model) run() {
	m.calm = 20*m.term + time.Duration(m.rand.Int64N(int64(10*m.term)))
	m.at(0, m.mischief)
	m.runUntil(m.calm)
	if m.failed {
		return
	}
	m.tell("calm")
	clear(m.cut)
	for _, p := range m.parties {
		p.busy = min(p.busy, m.now)
		if p.agent == nil || p.wants {
			continue
		}
		if p.wants = true; p.up {
			m.step(p, Event{Kind: Want, Subject: p.sub, Rank: p.rank})
		}
	}
	// Pauses that began before end within three terms, crashed parties are
	// back after two and abstain; what is promised then runs out.
	m.runUntil(m.calm + 3*m.term + MaxTerm + 6*m.term)
	first := m.holder()
	if first == nil {
		m.failed = true
		m.t.Errorf("seed %d: nobody holds at %s, term %s, faults ended at %s", m.seed, m.now, m.term, m.calm)
		return
	}
	moves := m.moves
	m.runUntil(m.now + 5*m.term)
	if m.holder() != first || m.moves != moves {
		m.failed = true
		m.t.Errorf("seed %d: the holder did not stay, without a fault", m.seed)
	}
}
