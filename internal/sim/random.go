package sim

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/holdfast-net/holdfast/internal/group"
	"github.com/holdfast-net/holdfast/internal/hold"
	"github.com/holdfast-net/holdfast/vrrp"
)

// Plan is one run: a world, and what happens to it.
type Plan struct {
	Seed   uint64
	Rough  bool // faults under which two nodes may hold for a while
	Config Config
	Faults []Fault
	End    time.Duration // of the last fault
	slower time.Duration // by how much intervals get longer
	rest   time.Duration // what it takes to get over the faults, beyond the usual
	of     int           // the number of the faults being added
}

// Fault is something that happens to a world.
type Fault struct {
	At   time.Duration
	Text string
	do   func(*World)
	of   int // a fault and its end have the same number; 0: has to be
}

// intervals to choose from. The short ones are more frequent: their runs cost
// no more, and show more of what depends on the time that orders take.
var intervals = [...]time.Duration{
	10 * time.Millisecond, 10 * time.Millisecond, 20 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond,
	100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond, time.Second, time.Second, 2 * time.Second,
}

// longestInterval is what runs go up to when they change an interval.
const longestInterval = 2 * time.Second

// Random makes a plan from a seed.
func Random(seed uint64) Plan {
	c := chooser{rand.New(rand.NewPCG(seed, 1))}
	p := Plan{Seed: seed, Rough: c.often(0.6)}
	p.Config = c.config(p.Rough)
	c.faults(&p)
	return p
}

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

func (c chooser) config(rough bool) Config {
	interval := intervals[c.IntN(len(intervals))]
	cfg := Config{LANs: 1 + c.pick(80, 20), Virtual: c.often(0.5)}
	quick := min(interval/20, 3*time.Millisecond)
	// There and back through the switch takes less than a node listens before
	// it opens a hold.
	near := hold.Listen(interval) / 5
	cfg.Path = Path{Delay: c.between(10*time.Microsecond, near), Jitter: c.between(0, near)}
	cfg.Stall = [...]float64{0, 0.0003, 0.002, 0.01}[c.IntN(4)]
	cfg.Kernel = Kernel{Latency: c.between(20*time.Microsecond, 2*quick), Jitter: c.between(0, quick)}
	cfg.Late = c.between(0, quick/4)

	vrid := 10
	for s := range 1 + c.pick(75, 25) {
		set := Set{}
		families := [][]vrrp.Family{{vrrp.IPv4}, {vrrp.IPv4, vrrp.IPv6}, {vrrp.IPv6}}[c.pick(40, 45, 15)]
		for g := range 1 + c.pick(60, 30, 10) {
			grp := Group{
				Name: fmt.Sprintf("g%d%c", s, 'a'+g), VRID: uint8(vrid), LAN: c.IntN(cfg.LANs),
				Families: families, Interval: interval, Unicast: c.often(0.15),
			}
			vrid++
			if g > 0 && c.often(0.25) {
				grp.Interval = intervals[c.IntN(len(intervals))]
			}
			if grp.Interval >= time.Second && len(families) == 1 && families[0] == vrrp.IPv4 && c.often(0.3) {
				grp.Version = 2
			}
			if c.often(0.25) {
				grp.HMAC = &vrrp.HMAC{Keys: map[uint8][]byte{1: secret(1), 2: secret(2)}, Active: 1}
			}
			if c.often(0.3) {
				grp.Uses = []group.Use{{Check: "service"}, {Check: "disk", Weight: 30 + c.IntN(60)}}
			}
			if c.often(0.3) {
				grp.Announce.Refresh = c.between(200*time.Millisecond, 3*time.Second)
			}
			set.Groups = append(set.Groups, grp)
		}
		cfg.Sets = append(cfg.Sets, set)
	}
	c.nodes(&cfg, rough)
	if c.often(0.12) {
		c.watching(&cfg, interval)
	}
	return cfg
}

// leastBFD is the shortest interval of BFD that a file may ask for.
const leastBFD = 3 * time.Millisecond

// watching lets nodes watch each other, at rates that make sense beside the
// adverts' interval. Not all groups of a run do: they share their sessions.
func (c chooser) watching(cfg *Config, interval time.Duration) {
	b := BFD{Interval: c.between(max(interval/8, leastBFD), interval/2).Truncate(time.Millisecond), Multiplier: uint8(2 + c.IntN(4))}
	if c.often(0.3) {
		b.Key = secret(3)[:20]
	}
	for s := range cfg.Sets {
		for g := range cfg.Sets[s].Groups {
			if c.often(0.8) {
				one := b
				one.Interval *= time.Duration(1 + c.IntN(2))
				cfg.Sets[s].Groups[g].BFD = one
			}
		}
	}
}

func (c chooser) nodes(cfg *Config, rough bool) {
	count := 2 + c.pick(50, 40, 10)
	tails := c.Perm(count)
	plain := -1
	if rough && c.often(0.15) {
		plain = c.IntN(count)
	}
	for n := range count {
		node := Node{Name: string(rune('a' + n)), Plain: n == plain, Tail: 1 + tails[n]}
		for range cfg.Sets {
			node.Sets = append(node.Sets, NodeSet{})
		}
		cfg.Nodes = append(cfg.Nodes, node)
	}
	for s := range cfg.Sets {
		style, lazy := c.pick(60, 20, 20), c.pick(60, 20, 20)
		interval := cfg.Sets[s].Groups[0].Interval
		for n := range cfg.Nodes {
			mine := &cfg.Nodes[n].Sets[s]
			switch style {
			case 0:
				mine.Priority = uint8(50 + 50*n + c.IntN(50))
			case 1:
				mine.Priority = 100
			default:
				mine.Priority = [...]uint8{1, 100, 100, 200, 254, 255}[c.IntN(6)]
			}
			mine.NoPreempt = lazy == 1 || lazy == 2 && c.often(0.5)
			if c.often(0.1) {
				mine.PreemptDelay = c.between(0, 4*interval)
			}
			if c.often(0.1) {
				mine.StartupHold = c.between(0, 4*interval)
			}
		}
	}
}

func secret(id byte) []byte {
	k := make([]byte, 32)
	for i := range k {
		k[i] = id + byte(i)
	}
	return k
}

// Play runs a plan and returns what was wrong.
func (p *Plan) Play(story Story) []string {
	w := New(p.Config, p.Seed, story)
	j := w.judge
	j.bounds = boundsOf(&w.cfg, max(p.slower, 1))
	j.watch(max(j.bounds.interval/3, 5*time.Millisecond))
	for _, f := range p.Faults {
		w.at(f.At, func() {
			w.tell("fault", "%s", f.Text)
			f.do(w)
		})
	}
	w.at(p.End, func() { w.cfg.Stall = 0 })
	w.Run(p.End + j.bounds.converge + p.rest)
	w.Run(3 * j.bounds.interval)
	return j.Verdict()
}

// describe is a plan's configuration in a few lines.
func (p *Plan) describe() []string {
	c := &p.Config
	out := []string{fmt.Sprintf("seed %d: %d nodes, path %v+%v, kernel %v+%v, virtual MAC %t, rough %t",
		p.Seed, len(c.Nodes), c.Path.Delay, c.Path.Jitter, c.Kernel.Latency, c.Kernel.Jitter, c.Virtual, p.Rough)}
	for s := range c.Sets {
		for _, g := range c.Sets[s].Groups {
			out = append(out, fmt.Sprintf("set %d: group %s vrid %d lan %d %v version %d every %v unicast %t hmac %t bfd %v x %d uses %v",
				s, g.Name, g.VRID, g.LAN, g.Families, g.Version, g.Interval, g.Unicast, g.HMAC != nil, g.BFD.Interval, g.BFD.Multiplier, g.Uses))
		}
	}
	for _, n := range c.Nodes {
		out = append(out, fmt.Sprintf("node %s: plain %t tail %d sets %+v", n.Name, n.Plain, n.Tail, n.Sets))
	}
	return out
}
