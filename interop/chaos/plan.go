package chaos

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-net/holdfast/interop/peer"
)

// Mode is how the nodes of a run are configured.
type Mode struct {
	Nodes    int // 2 or 3
	Unicast  bool
	Interval time.Duration
	MAC      peer.MAC
	IPv6     bool
	Guard    Guard
	Clocks   bool          // every node's monotonic and boot-time clocks differ
	BFD      time.Duration // between the packets of BFD; 0: none
	Again    bool          // guardians start daemons again, nobody else does
	TTL      time.Duration // of the lease
	Stores   int           // members of the etcd that it is in; 0: the nodes make it up
}

// Guard is holdfast's answer to a partition.
type Guard string

// The guards.
const (
	Available Guard = "available"
	Guarded   Guard = "guarded"
	Leased    Guard = "lease" // no VRRP at all
)

func (m Mode) String() string {
	cast, family := "multicast", "IPv4"
	if m.Unicast {
		cast = "unicast"
	}
	if m.IPv6 {
		family = "IPv6"
	}
	if m.Guard == Leased {
		cast = fmt.Sprintf("lease of %s in an etcd of %d,", m.TTL, m.Stores)
		if m.embedded() {
			cast = fmt.Sprintf("lease of %s in a store of their own,", m.TTL)
		}
	}
	s := fmt.Sprintf("%d nodes, %s, %s every %v, %s MAC, %s", m.Nodes, family, cast, m.Interval, m.MAC, m.Guard)
	if m.Clocks {
		s += ", clocks apart"
	}
	if m.BFD > 0 {
		s += fmt.Sprintf(", BFD every %v", m.BFD)
	}
	if m.Again {
		s += ", guardians start daemons again"
	}
	return s
}

// Plan is one run: how the nodes are configured, and what happens to them.
type Plan struct {
	Seed   uint64
	Mode   Mode
	Events []Event
}

func (p *Plan) String() string {
	lines := []string{fmt.Sprintf("seed %d: %s", p.Seed, p.Mode)}
	for i, e := range p.Events {
		lines = append(lines, fmt.Sprintf("  %d. %v", i+1, e))
	}
	return strings.Join(lines, "\n")
}

// Classes lists the classes of the plan's faults.
func (p *Plan) Classes() []Class {
	var all []Class
	for _, e := range p.Events {
		if c := kindOf(e.Fault).class; !slices.Contains(all, c) {
			all = append(all, c)
		}
	}
	return all
}

func (p *Plan) has(f Fault) bool {
	return slices.ContainsFunc(p.Events, func(e Event) bool { return e.Fault == f })
}

// End is when the last fault is over.
func (p *Plan) End() time.Duration {
	var end time.Duration
	for _, e := range p.Events {
		end = max(end, e.At+e.Length)
	}
	return end
}

// Without is the plan without some of its events, numbered from 1.
func (p *Plan) Without(numbers ...int) Plan {
	out := *p
	out.Events = nil
	for i, e := range p.Events {
		if !slices.Contains(numbers, i+1) {
			out.Events = append(out.Events, e)
		}
	}
	return out
}

// Random makes a plan from a seed: any mode, one to four faults, often at the
// same time. The plan depends on the seed alone.
func Random(seed uint64) Plan {
	c := chooser{rand.New(rand.NewPCG(seed, 3))}
	p := Plan{Seed: seed, Mode: c.mode()}
	at := 300 * time.Millisecond
	for range 1 + c.pick(30, 35, 20, 15) {
		e := c.event(p.Mode, c.fault())
		e.At = at
		p.Events = append(p.Events, e)
		// The next one begins during this one, or when it is over.
		if c.often(0.5) {
			at += c.between(0, e.Length)
		} else {
			at += e.Length + c.between(0, 4*p.Mode.Interval)
		}
	}
	further(&p)
	return p
}

// further adds what plans of the same seed did not have from the beginning: they
// stay the same but for that.
func further(p *Plan) {
	c := chooser{rand.New(rand.NewPCG(p.Seed, 5))}
	p.Mode.Again = c.often(0.25)
	if c.often(0.25) {
		p.Mode.BFD = []time.Duration{5 * time.Millisecond, 10 * time.Millisecond, 50 * time.Millisecond}[c.pick(1, 1, 1)]
	}
	var late []Fault
	if c.often(0.2) {
		late = append(late, Upgrade)
	}
	if p.Mode.Guard == Guarded && p.Mode.Nodes == 2 && c.often(0.4) {
		late = append(late, []Fault{KillWitness, PauseWitness, CutWitness}[c.pick(1, 1, 1)])
	}
	for _, f := range late {
		e := c.event(p.Mode, f)
		e.At = c.between(300*time.Millisecond, 300*time.Millisecond+p.End())
		p.Events = append(p.Events, e)
	}
}

// Single makes a plan of one kind of fault that happens to the holder, and to
// the holder again, and once to a backup.
func Single(seed uint64, mode Mode, fault Fault) Plan {
	c := chooser{rand.New(rand.NewPCG(seed, 4))}
	p := Plan{Seed: seed, Mode: mode}
	at := 300 * time.Millisecond
	for _, on := range []Role{Holder, Holder, Second} {
		e := c.event(mode, fault)
		e.At, e.On = at, on
		if e.Other != "" {
			e.Other = otherThan(on)
		}
		p.Events = append(p.Events, e)
		if fault == RestartAll || fault == Rolling || fault == Upgrade || fault == Starve {
			break // concerns all
		}
		at = e.At + e.Length + failover(mode) + 4*mode.Interval + 500*time.Millisecond
	}
	return p
}

// failover is how long the least eager backup waits before it claims: RFC 9568
// §6.1, Active_Down_Interval.
func failover(m Mode) time.Duration {
	if m.Guard == Leased {
		return m.TTL + m.TTL/10 // and the skew of the least eager
	}
	lowest := priorities[m.Nodes-1]
	return 3*m.Interval + time.Duration(256-int(lowest))*m.Interval/256
}

// priorities of the nodes.
var priorities = [...]uint8{200, 150, 100}

// chooser makes random choices.
type chooser struct{ *rand.Rand }

func (c chooser) often(p float64) bool { return c.Float64() < p }

func (c chooser) between(a, b time.Duration) time.Duration {
	if b <= a {
		return a
	}
	return a + time.Duration(c.Int64N(int64(b-a)))
}

// pick takes one of several with the given weights.
func (c chooser) pick(weights ...int) int {
	sum := 0
	for _, w := range weights {
		sum += w
	}
	n := c.IntN(sum)
	for i, w := range weights {
		if n < w {
			return i
		}
		n -= w
	}
	return 0
}

func (c chooser) mode() Mode {
	return Mode{
		Nodes:    2 + c.pick(65, 35),
		Unicast:  c.often(0.3),
		Interval: []time.Duration{10 * time.Millisecond, 100 * time.Millisecond, time.Second}[c.pick(40, 45, 15)],
		MAC:      []peer.MAC{peer.VirtualMAC, peer.PhysicalMAC}[c.pick(50, 50)],
		IPv6:     c.often(0.3),
		Guard:    []Guard{Available, Guarded}[c.pick(60, 40)],
		Clocks:   c.often(0.15),
	}
}

func (c chooser) fault() Fault {
	var weights []int
	for _, k := range kinds {
		weights = append(weights, k.weight)
	}
	return kinds[c.pick(weights...)].fault
}

// event makes a fault of a kind: how long it lasts and whom it hits.
func (c chooser) event(m Mode, f Fault) Event {
	k := kindOf(f)
	e := Event{Fault: f, On: []Role{Holder, Second, Third}[c.pick(70, 25, 5)]}
	// Short ones are as frequent as long ones: evenly on a logarithmic scale.
	// Around the length of a failover it gets interesting.
	most := max(k.most, 2*failover(m))
	if f == PauseDaemon || f == PauseBoth {
		if c.often(0.03) {
			most = 20 * time.Second
		}
	}
	if k.most > 0 {
		e.Length = k.least
		for span := k.least; span < most; span *= 2 {
			if c.often(0.65) {
				e.Length += c.between(0, span)
			}
		}
		e.Length = min(e.Length, most).Round(time.Millisecond)
	}
	switch f {
	case CutOneWay, CutBoth:
		e.Other = otherThan(e.On)
	case Lose:
		e.Percent = 1 + c.IntN(50)
	}
	return e
}

// otherThan is whom a node is cut from: backups from the holder, the holder
// from the first backup.
func otherThan(r Role) Role {
	if r == Holder {
		return Second
	}
	return Holder
}
