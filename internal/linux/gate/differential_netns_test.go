package gate

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"structs"
	"sync"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/vrrp"
)

// bench is the programs on a table: frames go in one by one, and opinions come
// out. Beside it is the model.
type bench struct {
	*lab
	kernel *kernel
	model  *model

	tally   map[string]int // what there was to see for the model
	refused int            // frames that the kernel does not run programs on

	mu   sync.Mutex
	seen []glimpse
}

func newBench(t testing.TB, virtual bool) *bench {
	t.Helper()
	l := newLab(t, mode{line: TCX, virtual: virtual})
	l.open()
	l.guard()
	k, _ := kernelOf(l.gate.line)
	link, err := netlink.LinkByName(nodeIf)
	must(t, err)
	b := &bench{lab: l, kernel: k, tally: map[string]int{}}
	b.model = &model{
		index:     link.Attrs().Index,
		addresses: map[netip.Addr]engine.Slot{vip4: l.slot4, vip6: l.slot6, vipLL: l.slot6},
		macs:      map[mac]engine.Slot{},
		own:       []mac{nodeMAC},
		routers:   map[routerKey]engine.Slot{{vrrp.IPv4, vrid}: l.slot4, {vrrp.IPv6, vrid}: l.slot6},
		open:      map[engine.Slot]engine.Hold{},
	}
	if virtual {
		b.model.macs[virtual4], b.model.macs[virtual6] = l.slot4, l.slot6
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := l.gate.Sightings(ctx, b.told); err != nil {
			t.Error(err)
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
	return b
}

func (b *bench) told(s Sighting) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.seen = append(b.seen, glimpse{s.Kind, s.Addr, s.MAC})
}

// hold sets a hold in both worlds.
func (b *bench) hold(h engine.Hold) {
	b.set(h)
	b.model.open[b.slot4], b.model.open[b.slot6] = h, h
}

// skb is the beginning of struct __sk_buff.
type skb struct {
	_       structs.HostLayout
	_       [10]uint32
	Ifindex uint32
}

// judge lets the programs look at a frame. The kernel's test run refuses some
// frames that are cut off.
func (b *bench) judge(d direction, frame []byte) (o opinion, taken bool) {
	b.Helper()
	before := [...]Counters{b.gate.Counters(b.slot4), b.gate.Counters(b.slot6)}
	p, _ := b.kernel.program(link{ether: true}, d)
	verdict, err := p.Run(&ebpf.RunOptions{Data: frame, Context: skb{Ifindex: uint32(b.model.index)}})
	if errors.Is(err, unix.EINVAL) {
		return opinion{}, false
	}
	must(b, err)
	o = opinion{}
	switch int32(verdict) {
	case -1:
	case 2:
		o.Drop = true
	default:
		b.Fatalf("verdict %d of % x", int32(verdict), frame)
	}
	for i, slot := range []engine.Slot{b.slot4, b.slot6} {
		now := b.gate.Counters(slot)
		for _, c := range []struct {
			name        string
			now, before uint64
		}{
			{"ARPIn", now.ARPIn, before[i].ARPIn},
			{"NDIn", now.NDIn, before[i].NDIn},
			{"PacketIn", now.PacketIn, before[i].PacketIn},
			{"ARPOut", now.ARPOut, before[i].ARPOut},
			{"NDOut", now.NDOut, before[i].NDOut},
			{"PacketOut", now.PacketOut, before[i].PacketOut},
			{"AdvertOut", now.AdvertOut, before[i].AdvertOut},
		} {
			if c.now != c.before {
				o.Slot, o.Reason = slot, o.Reason+c.name
			}
		}
	}
	return o, true
}

// glimpses waits for the sightings of the frame just judged.
func (b *bench) glimpses(n int) []glimpse {
	b.Helper()
	eventually(b, fmt.Sprintf("%d sightings are told", n), func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return len(b.seen) >= n
	})
	b.mu.Lock()
	defer b.mu.Unlock()
	got := b.seen
	b.seen = nil
	return got
}

// unlimited lets sightings be told again.
func (b *bench) unlimited() {
	for key, slot := range b.kernel.owner {
		must(b, b.kernel.objs.HfAddresses.Put(key, kernelGuarded{Slot: uint32(slot)}))
	}
}

// same lets both look at a frame and complains where they differ.
func (b *bench) same(d direction, frame []byte) {
	b.Helper()
	want := b.model.judge(d, frame)
	b.tally[want.Reason]++
	for _, g := range want.Seen {
		b.tally[g.Kind.String()]++
	}
	if len(want.Seen) > 0 {
		b.unlimited()
	}
	got, taken := b.judge(d, frame)
	if !taken {
		b.refused++
		return
	}
	if len(want.Seen) > 0 {
		got.Seen = b.glimpses(len(want.Seen))
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
		b.Fatalf("%s of % x (-model +programs):\n%s", d, frame, diff)
	}
}

var holds = []engine.Hold{
	{}, {Announced: forever, Served: forever}, {Served: forever}, {Announced: forever}, {Advertised: forever},
}

// TestSameAsTheModel feeds frames that mean something, and then such frames
// with parts exchanged, cut off and changed, to programs and model.
func TestSameAsTheModel(t *testing.T) {
	rounds := 40_000
	if testing.Short() {
		rounds = 4_000
	}
	for _, virtual := range []bool{false, true} {
		t.Run(fmt.Sprintf("virtual %v", virtual), func(t *testing.T) {
			b := newBench(t, virtual)
			seed := rand.Uint64()
			t.Logf("seed %#x", seed)
			r := rand.New(rand.NewPCG(seed, 1))
			for range rounds {
				if r.IntN(50) == 0 {
					b.hold(holds[r.IntN(len(holds))])
				}
				b.same(direction(r.IntN(2)), randomFrame(r))
			}
			for _, what := range []string{
				"", "ARPIn", "NDIn", "PacketIn", "ARPOut", "NDOut", "PacketOut", "AdvertOut",
				ARPClaim.String(), ARPProbe.String(), NDClaim.String(), NDSource.String(), NDProbe.String(),
			} {
				if b.tally[what] < rounds/5000 {
					t.Errorf("%q came up %d times in %d frames: too rarely to mean anything", what, b.tally[what], rounds)
				}
			}
			if b.refused > rounds/5 {
				t.Errorf("the kernel refused %d of %d frames", b.refused, rounds)
			}
			b.mu.Lock()
			defer b.mu.Unlock()
			if len(b.seen) > 0 {
				t.Errorf("sightings that the model has not: %v", b.seen)
			}
		})
	}
}
