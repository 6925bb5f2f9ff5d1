package bpf

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-net/holdfast/internal/balance"
	"github.com/holdfast-net/holdfast/internal/balance/packets"
)

// pair is two planes: what one tells, the other is given. Frames are given to
// their programs by hand.
type pair struct {
	*lab
	a, b *Plane

	mu   sync.Mutex
	told []balance.Change
	lost bool
}

// beside is another plane, which no packet reaches by itself.
func (l *lab) beside(c Config) *Plane {
	l.Helper()
	c.Dir, c.Interfaces = filepath.Join(l.dir, "beside"), []string{"lo"}
	if c.Flows == 0 {
		c.Flows, c.HalfOpen = 4096, 4096
	}
	must(l, os.MkdirAll(c.Dir, 0o700))
	p, err := Open(c)
	must(l, err)
	l.Cleanup(func() {
		if err := p.Close(false); err != nil {
			l.Error(err)
		}
	})
	return p
}

func newPair(t *testing.T, c Config) *pair {
	l := newLab(t, 3)
	p := &pair{lab: l, a: l.open(c), b: l.beside(c)}
	stop, err := p.a.Watch(func(changes []balance.Change, lost bool) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.told = append(p.told, changes...)
		p.lost = p.lost || lost
	})
	must(t, err)
	t.Cleanup(stop)
	return p
}

// news waits for n changes, and takes them.
func (p *pair) news(n int) []balance.Change {
	p.Helper()
	var got []balance.Change
	waitFor(p, "the news", func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		if len(p.told) < n {
			return false
		}
		got, p.told = p.told, nil
		return true
	})
	if len(got) != n {
		p.Fatalf("told %+v, want %d changes", got, n)
	}
	return got
}

// quiet says that nothing was told: after what is told of another flow, which is
// the last.
func (p *pair) quiet() {
	p.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.told) > 0 {
		p.Errorf("told %+v, want nothing", p.told)
	}
}

// give gives a frame to a plane's program, and says whether it was sent.
func (p *pair) give(to *Plane, from, dst netip.AddrPort, proto, flags uint8) bool {
	p.Helper()
	opts := ebpf.RunOptions{
		Data:    packets.Packet{From: clientMAC, To: [6]byte{}, Src: from, Dst: dst, Proto: proto, Flags: flags}.Frame(),
		DataOut: make([]byte, 512), Repeat: 1,
	}
	ret, err := to.objs.HoldfastLb1.Run(&opts)
	must(p, err)
	return ret == 7
}

// open has a flow established at plane a.
func (p *pair) open(from, dst netip.AddrPort) balance.Change {
	p.Helper()
	if !p.give(p.a, from, dst, packets.TCP, packets.SYN) || !p.give(p.a, from, dst, packets.TCP, packets.ACK) {
		p.Fatal("no flow began")
	}
	return p.news(1)[0]
}

func (p *pair) install(changes ...balance.Change) {
	p.Helper()
	refused, err := p.b.Install(changes)
	if refused != 0 || err != nil {
		p.Fatalf("%d refused: %v", refused, err)
	}
}

func walked(t testing.TB, p *Plane) []balance.Flow {
	t.Helper()
	var all []balance.Flow
	must(t, p.Walk(func(flows []balance.Flow) bool {
		all = append(all, flows...)
		return true
	}))
	slices.SortFunc(all, func(a, b balance.Flow) int {
		return strings.Compare(a.Listen.String()+a.Client.String(), b.Listen.String()+b.Client.String())
	})
	for i := range all {
		if all[i].Idle > time.Minute {
			t.Errorf("%s is idle for %s", all[i].Client, all[i].Idle)
		}
		all[i].Idle = 0
	}
	return all
}

// same fails where the two do not know the same flows.
func (p *pair) same(want int) {
	p.Helper()
	a, b := walked(p, p.a), walked(p, p.b)
	if diff := cmp.Diff(a, b, cmp.Comparer(func(x, y netip.AddrPort) bool { return x == y })); diff != "" {
		p.Errorf("their flows differ (-a +b):\n%s", diff)
	}
	if len(a) != want {
		p.Errorf("%d flows, want %d", len(a), want)
	}
	for _, plane := range []*Plane{p.a, p.b} {
		u, err := plane.Usage("web")
		must(p, err)
		open := 0
		for _, f := range a {
			if f.Ends&reset == 0 && f.Ends&(clientFin|backendFin) != clientFin|backendFin {
				open++
			}
		}
		if int(u[0].Flows) != open || int(u[1].Flows+u[2].Flows+u[3].Flows) != open {
			p.Errorf("%d flows are counted, and %d+%d+%d by backend, want %d", u[0].Flows, u[1].Flows, u[2].Flows, u[3].Flows, open)
		}
	}
}

func at(a netip.Addr, port uint16) netip.AddrPort { return netip.AddrPortFrom(a, port) }

// A flow's whole life at one node, as another one is told of it. The other one
// has the backends in other slots.
func TestFlowsAreToldAndTakenOver(t *testing.T) {
	for _, f := range families {
		for name, forward := range map[string]balance.Forward{"nat": balance.NAT, "full-nat": balance.FullNAT, "dsr": balance.DSR, "tunnel": balance.Tunnel} {
			t.Run(f.name+" "+name, func(t *testing.T) {
				p := newPair(t, Config{})
				plan := f.plan(3, func(p *balance.Plan) { p.Service.Forward = forward })
				must(t, p.a.Apply([]*balance.Plan{plan}))
				other := f.plan(2, func(p *balance.Plan) { p.Service.Name, p.Service.Listen[0].AddrPort = "other", at(f.vip, 81) })
				must(t, p.b.Apply([]*balance.Plan{other, plan}))
				vip, one, two := at(f.vip, 80), at(f.client, 1001), at(f.client, 1002)

				// Half open: the other node knows it, and not as an established one.
				if !p.give(p.a, one, vip, packets.TCP, packets.SYN) {
					t.Fatal("no flow began")
				}
				backend, sees := at(f.backends[0], 8080), one
				if forward == balance.NAT || forward == balance.FullNAT {
					sees = p.sees(p.a, one, vip)
					if !p.give(p.a, backend, sees, packets.TCP, packets.SYN|packets.ACK) {
						t.Fatal("the backend's answer is not translated")
					}
					p.give(p.a, backend, sees, packets.TCP, packets.SYN|packets.ACK) // told once
				}
				half := p.news(1)
				if half[0].Ends&halfOpen == 0 || half[0].Backend != backend || half[0].Gone {
					t.Errorf("told %+v, want it half open", half[0])
				}
				p.install(half...)
				if got := walked(t, p.b); len(got) != 0 {
					t.Errorf("%+v are established", got)
				}
				// Established, there and here.
				if !p.give(p.a, one, vip, packets.TCP, packets.ACK) {
					t.Fatal("the flow does not go on")
				}
				p.install(p.news(1)...)
				p.same(1)
				second := p.opening(two, vip, forward)
				p.install(second)
				p.install(second) // again
				p.same(2)
				// Its packets go where they went, in the hands of the other.
				for _, from := range []netip.AddrPort{one, two} {
					if !p.give(p.b, from, vip, packets.TCP, packets.ACK) {
						d, _ := p.b.Drops("web")
						t.Errorf("a packet of %s is dropped: %v", from, d)
					}
				}
				if sees != one || forward == balance.NAT {
					if !p.give(p.b, backend, sees, packets.TCP, packets.ACK) {
						t.Error("the backend's packet is dropped")
					}
				}
				// It ends.
				p.give(p.a, two, vip, packets.TCP, packets.RST)
				end := p.news(1)
				if end[0].Ends&reset == 0 || end[0].Gone {
					t.Errorf("told %+v, want its end", end)
				}
				p.install(end...)
				p.same(2)
				// Its port begins anew: the old one is gone, and the new one not
				// established yet.
				if !p.give(p.a, two, vip, packets.TCP, packets.SYN) {
					t.Fatal("no flow began")
				}
				gone := p.news(map[bool]int{true: 1, false: 2}[forward == balance.NAT || forward == balance.FullNAT])
				if !gone[0].Gone || gone[0].Client != two {
					t.Errorf("told %+v, want that it is gone", gone)
				}
				p.install(gone...)
				p.same(1)
			})
		}
	}
}

// opening is open for flows that are told half open first.
func (p *pair) opening(from, vip netip.AddrPort, forward balance.Forward) balance.Change {
	p.Helper()
	if forward == balance.NAT || forward == balance.FullNAT {
		return p.open(from, vip)
	}
	p.give(p.a, from, vip, packets.TCP, packets.SYN)
	p.give(p.a, from, vip, packets.TCP, packets.ACK)
	return p.news(2)[1]
}

// sees is what a flow's backend takes for the client.
func (p *pair) sees(plane *Plane, from, vip netip.AddrPort) netip.AddrPort {
	p.Helper()
	k := flowKey{Tuple: tuple{Src: from.Addr().As16(), Sport: portOf(from.Port()), Dst: vip.Addr().As16(), Dport: portOf(vip.Port())}, Proto: packets.TCP}
	var f flow
	must(p, plane.objs.HfHalf.Lookup(k, &f))
	return joined(f.To.Src, f.To.Sport)
}

// What cannot be put there is counted, and what is there is not overwritten by
// what is older.
func TestInstallRefusesWhatItCannotServe(t *testing.T) {
	f := families[0]
	p := newPair(t, Config{Flows: 64, HalfOpen: 1024})
	plan := f.plan(2, nil)
	must(t, p.a.Apply([]*balance.Plan{plan}))
	must(t, p.b.Apply([]*balance.Plan{plan}))
	flow := p.open(at(f.client, 1001), at(f.vip, 80))
	for name, tt := range map[string]struct {
		change func(*balance.Change)
		why    error
	}{
		"service": {func(c *balance.Change) { c.Listen.AddrPort = at(f.vip, 81) }, errUnknownService},
		"backend": {func(c *balance.Change) { c.Backend = at(f.backends[2], 8080) }, errUnknownBackend},
		"forward": {func(c *balance.Change) { c.Source = netip.AddrPort{} }, errOtherForward},
	} {
		bad := flow
		tt.change(&bad)
		refused, err := p.b.Install([]balance.Change{bad, flow})
		if refused != 1 || err == nil || !strings.Contains(err.Error(), tt.why.Error()) {
			t.Errorf("an unknown %s: %d refused, %v", name, refused, err)
		}
	}
	p.same(1)

	// A flow of this node has the way back.
	if !p.give(p.b, at(f.client, 1002), at(f.vip, 80), packets.TCP, packets.SYN) || !p.give(p.b, at(f.client, 1002), at(f.vip, 80), packets.TCP, packets.ACK) {
		t.Fatal("no flow began")
	}
	taken := flow
	taken.Client, taken.Source, taken.Backend = at(f.client, 1003), at(f.client, 1002), at(f.backends[0], 8080)
	if refused, err := p.b.Install([]balance.Change{taken}); refused != 1 || !strings.Contains(err.Error(), errNoPort.Error()) {
		t.Errorf("a way back that is taken: %d refused, %v", refused, err)
	}
	// It was seen here since: another node's older word does not end it, nor
	// give it to another backend.
	old := flow
	old.Client, old.Source, old.Backend, old.Idle = at(f.client, 1002), at(f.client, 1002), at(f.backends[1], 8080), time.Minute
	p.install(old)
	old.Gone = true
	p.install(old)
	if got := walked(t, p.b); len(got) != 2 || got[1].Backend != at(f.backends[0], 8080) {
		t.Errorf("it has %+v", got)
	}
	// The table of 128 entries is full at some time.
	var many []balance.Change
	for i := range 100 {
		c := flow
		c.Client = at(f.client, uint16(2000+i))
		c.Source = c.Client
		many = append(many, c)
	}
	refused, err := p.b.Install(many)
	if got := len(walked(t, p.b)); refused == 0 || err == nil || !strings.Contains(err.Error(), errNoRoom.Error()) || got+refused != 102 {
		t.Errorf("%d of 100 refused, %d there: %v", refused, got, err)
	}
}

// What was told while nobody could keep up is known to be missing.
func TestNewsThatFoundNoRoomIsMissed(t *testing.T) {
	f := families[0]
	l := newLab(t, 2)
	c := l.open(Config{Flows: 40000, HalfOpen: 40000})
	p := &pair{lab: l, a: c}
	must(t, c.Apply([]*balance.Plan{f.plan(2, nil)}))
	hold, told := make(chan struct{}), 0
	var lost bool
	var mu sync.Mutex
	stop, err := c.Watch(func(changes []balance.Change, missed bool) {
		<-hold
		mu.Lock()
		defer mu.Unlock()
		told += len(changes)
		lost = lost || missed
	})
	must(t, err)
	defer stop()
	flows := int(c.objs.HfNews.MaxEntries())/128 + 5000
	for i := range flows {
		from := at(netip.AddrFrom4([4]byte{198, 51, 100, byte(10 + i/50000)}), uint16(1024+i%50000))
		p.give(c, from, at(f.vip, 80), packets.TCP, packets.SYN)
		p.give(c, from, at(f.vip, 80), packets.TCP, packets.ACK)
	}
	close(hold)
	waitFor(t, "the loss", func() bool { mu.Lock(); defer mu.Unlock(); return lost && told > 10000 })
	if got := len(walked(t, c)); got != flows {
		t.Errorf("walked over %d flows, want %d", got, flows)
	}
}
