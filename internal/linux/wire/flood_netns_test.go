package wire

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/vrrp"
)

// second gives both nodes eth1, on a wire of its own.
func second(t testing.TB, a, b *node) (aPort, bPort engine.Port) {
	t.Helper()
	attrs := netlink.NewLinkAttrs()
	attrs.Name = "eth1"
	must(t, a.nl.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: "eth1", PeerNamespace: netlink.NsFd(b.ns.Handle())}))
	a.up("eth1", a41)
	b.up("eth1", b41)
	a.ready("eth1")
	b.ready("eth1")
	return a.open("eth1"), b.open("eth1")
}

// junk is a flood as it is seen in practice: adverts for a router that is not
// ours, as fast as they can be sent.
func junk(port engine.Port, n int) []engine.Outgoing {
	out := make([]engine.Outgoing, n)
	for i := range out {
		out[i] = engine.Outgoing{
			Port: port, Kind: engine.Advert, Src: a4, Dst: vrrp.Group4,
			Data: []byte{0x31, 250, 1, 0, 0, 0, 0, 0},
		}
	}
	return out
}

// A flooded interface neither starves another one nor delays the loop: what
// comes in on eth1 is heard in order and soon, and Wait returns by its instant,
// while eth0 has more to read than is ever read.
func TestWait_FloodStarvesNobody(t *testing.T) {
	a, b := pair(t)
	aPort, bPort := second(t, a, b)
	flood := junk(a.port, 1000)

	const rounds = 200
	var heard, floodHeard uint32
	var worst time.Duration
	for i := range rounds {
		// More than a batch waits on eth0 before the advert on eth1 is sent.
		a.wire.Send(flood[:4*batch])
		data := binary.BigEndian.AppendUint32([]byte{0x31, 1}, uint32(i))
		a.send(engine.Outgoing{Port: aPort, Kind: engine.Advert, Src: a41, Dst: vrrp.Group4, Data: data})
		for waits := 1; heard == uint32(i); waits++ {
			if waits > 2 {
				t.Fatalf("round %d: not among the first two batches", i)
			}
			start := time.Now()
			n, _, err := b.wire.Wait(start, b.in[:])
			worst = max(worst, time.Since(start))
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range b.in[:n] {
				switch {
				case d.Port == b.port:
					floodHeard++
				case d.Port == bPort && bytes.Equal(d.Data, data):
					heard++
				}
			}
		}
	}
	if floodHeard < rounds {
		t.Errorf("of the flood only %d were heard: the other interface starved it", floodHeard)
	}
	t.Logf("longest Wait under flood: %v", worst)
	// What did not fit is counted.
	for range 10 {
		a.wire.Send(flood)
	}
	var stats Stats
	for _, s := range b.wire.Stats() {
		if s.Interface == "eth0" {
			stats = s
		}
	}
	if stats.Received != uint64(floodHeard) || stats.Overflow == 0 {
		t.Errorf("stats %+v, want %d received and some overflow", stats, floodHeard)
	}
}

// Nothing on the way of a packet allocates, in any form it can take.
func TestWire_AllocatesNothing(t *testing.T) {
	a, b := pair(t)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	data := advert(1, "no garbage")
	frame := append(append(append([]byte{}, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), vMAC[:]...), 0x08, 0x06)
	frame = append(frame, make([]byte, 46)...)
	out := []engine.Outgoing{
		{Port: a.port, Kind: engine.Advert, Src: a4, Dst: vrrp.Group4, SrcMAC: vMAC, Data: data},
		{Port: a.port, Kind: engine.Advert, Src: a6, Dst: vrrp.Group6, Data: data},
		{Port: a.port, Kind: engine.Advert, Src: a4, Dst: b4, Data: data},
		{Port: a.port, Kind: engine.Advert, Src: a6, Dst: b6, Data: data},
		{Port: a.port, Kind: engine.Message, Src: a4, Dst: vrrp.Group4, Data: data},
		{Port: a.port, Kind: engine.Message, Src: a6, Dst: b6, Data: data},
		{Port: a.port, Kind: engine.Frame, Data: frame},
	}
	heard := 0
	round := func() {
		a.wire.Send(out)
		for got := 0; got < len(out)-1; {
			n, _, err := b.wire.Wait(time.Now().Add(20*time.Second), b.in[:]) // a neighbour not found at once is asked for again after a second
			if n == 0 || err != nil {
				t.Fatalf("Wait gave %d, %v", n, err)
			}
			got += n
			heard += n
		}
	}
	round()
	if n := testing.AllocsPerRun(200, round); n != 0 {
		t.Errorf("%v allocations for %d packets sent and received", n, len(out))
	}
	for _, o := range out {
		if o.Err != nil {
			t.Error(o.Err)
		}
	}
	if want := (200 + 2) * (len(out) - 1); heard != want {
		t.Errorf("heard %d packets, want %d", heard, want)
	}
	// Neither does a link that is down.
	must(t, a.nl.LinkSetDown(a.link("eth0")))
	a.wire.Send(out)
	if n := testing.AllocsPerRun(100, func() { a.wire.Send(out[:2]) }); n != 0 || out[0].Err == nil {
		t.Errorf("%v allocations for packets that cannot be sent (%v)", n, out[0].Err)
	}
}

func BenchmarkSend(b *testing.B) {
	n, _ := pair(b)
	out := junk(n.port, batch)
	b.ReportAllocs()
	for b.Loop() {
		n.wire.Send(out)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/batch, "ns/packet")
}

func BenchmarkReceive(b *testing.B) {
	n, m := pair(b)
	out := junk(n.port, batch)
	b.ReportAllocs()
	var spent time.Duration
	for b.Loop() {
		n.wire.Send(out)
		start := time.Now()
		for got := 0; got < len(out); {
			k, _, err := m.wire.Wait(start.Add(time.Second), m.in[:])
			if k == 0 || err != nil {
				b.Fatal(k, err)
			}
			got += k
		}
		spent += time.Since(start)
	}
	b.ReportMetric(float64(spent.Nanoseconds())/float64(b.N)/batch, "ns/packet")
}
