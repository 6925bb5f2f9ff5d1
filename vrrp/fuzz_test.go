package vrrp

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/rand"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// What can be read can be written again, byte for byte but for the reserved
// bits and the checksum.
func FuzzDecode(f *testing.F) {
	for _, c := range wireCases {
		f.Add(unhex(f, c.wire), c.family == IPv6)
	}
	for _, v := range vectors {
		f.Add(unhex(f, v.wire), v.family == IPv6)
	}
	f.Add([]byte{0x21, 51, 0, 7, 0, 1}, false)
	f.Add([]byte{0x31, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, true)
	f.Fuzz(func(t *testing.T, b []byte, six bool) {
		family, src := IPv4, self
		if six {
			family, src = IPv6, self6
		}
		var a, again Advert
		n, drop := a.Decode(b, family)
		if drop != DropNone {
			if n != 0 {
				t.Fatalf("read %d bytes of what is %s", n, drop)
			}
			return
		}
		if n < headerLen || n > len(b) {
			t.Fatalf("read %d of %d bytes", n, len(b))
		}
		out := a.Append(nil, src, family.Group(), ChecksumAuto)
		want := bytes.Clone(b[:n])
		if a.Version == 3 {
			want[4] &= 0x0f
		}
		copy(want[checksumAt:], out[checksumAt:headerLen])
		if !bytes.Equal(out, want) {
			t.Fatalf("wrote\n%x, read\n%x", out, want)
		}
		if _, drop := again.Decode(out, family); drop != DropNone {
			t.Fatalf("cannot read back: %s", drop)
		}
		a.Checksum = again.Checksum
		if diff := cmp.Diff(a, again, addrs); diff != "" {
			t.Fatalf("read back (-want +got):\n%s", diff)
		}
	})
}

// Whatever arrives, a packet is accepted or dropped for a reason, and is not
// written to.
func FuzzReceive(f *testing.F) {
	for _, c := range wireCases {
		f.Add(unhex(f, c.wire), uint8(255), uint8(0))
	}
	for _, v := range vectors {
		f.Add(unhex(f, v.wire), uint8(255), uint8(3))
	}
	f.Fuzz(func(t *testing.T, b []byte, ttl, which uint8) {
		cfgs := []Config{ipv4(), ipv6(), version2(pass("secret")), ipv4(hmacOf(Enforce, 1, 1)), ipv6(hmacOf(Permissive, 1, 1))}
		cfg := cfgs[int(which)%len(cfgs)]
		n := backup(t, cfg)
		src := higher
		if cfg.Family == IPv6 {
			src = lower6
		}
		before := bytes.Clone(b)
		for range 2 {
			n.Step(n.now, Received(&Packet{Src: src, Dst: cfg.Family.Group(), TTL: ttl, Payload: b}), nil)
		}
		if !bytes.Equal(b, before) {
			t.Fatal("the packet was written to")
		}
		c := n.Counters()
		total := c.Received
		for _, d := range c.Dropped {
			total += d
		}
		if total != 2 || c.Dropped[DropNone] != 0 {
			t.Fatalf("two packets, counters %+v", c)
		}
	})
}

// FuzzStep drives a router with any sequence of events and holds it to what is
// true of every router at any time.
func FuzzStep(f *testing.F) {
	f.Add([]byte{0, 2, 0, 9, 9, 9, 9, 1, 0xc8, 3})
	f.Add([]byte{1, 2, 1, 0x00, 1, 0xff, 9, 0, 5, 4, 6, 0x10, 7, 1, 3})
	f.Add([]byte{2, 2, 8, 200, 0, 8, 200, 1, 0x64, 4, 5, 10, 3, 2})
	f.Add([]byte{3, 2, 8, 255, 0, 4, 0, 5, 11, 11, 11, 10, 1})
	f.Add([]byte{4, 2, 1, 1, 8, 10, 0, 1, 200, 8, 250, 0, 0, 0})
	f.Fuzz(func(t *testing.T, script []byte) {
		in := &script
		next := func() byte {
			if len(*in) == 0 {
				return 0
			}
			b := (*in)[0]
			*in = (*in)[1:]
			return b
		}
		n := place(t, fuzzConfig(next()))
		w := watcher{n: n}
		for len(*in) > 0 {
			w.turn(next)
		}
	})
}

// Two thousand random stories on every run, not only when fuzzing.
func TestStep_RandomStories(t *testing.T) {
	for seed := range int64(2000) {
		rnd := rand.New(rand.NewSource(seed))
		n := place(t, fuzzConfig(byte(rnd.Intn(256))))
		w := watcher{n: n}
		for range 100 {
			w.turn(func() byte { return byte(rnd.Intn(256)) })
			if t.Failed() {
				t.Fatalf("seed %d", seed)
			}
		}
	}
}

// fuzzConfig makes a configuration out of a byte.
func fuzzConfig(b byte) Config {
	change := []func(*Config){func(c *Config) {
		c.NoPreempt = b&1 != 0
		c.Ask = b&2 != 0
		if b&4 != 0 {
			c.PreemptDelay = 5 * time.Second
		}
		if b&8 != 0 {
			c.StartupHold = 7 * time.Second
		}
		if b&16 != 0 {
			c.Priority = 255
		}
	}}
	if b&32 != 0 {
		return version2(change...)
	}
	if b&64 != 0 {
		change = append(change, interval(MinInterval))
	}
	return ipv4(change...)
}

// watcher drives a node and checks it after every step.
type watcher struct {
	n     *node
	state State
	asked bool
}

func (w *watcher) turn(next func() byte) {
	n := w.n
	switch next() % 12 {
	case 0:
		w.step(Tick())
	case 1: // an advert of any priority, from a lower or a higher address
		from := []netip.Addr{lower, higher, self}[next()%3]
		w.step(Received(n.packet(from, n.advert(next()))))
	case 2:
		w.step(Startup())
	case 3:
		w.step(Shutdown())
	case 4:
		w.step(Grant())
	case 5:
		w.step(Yield())
	case 6:
		w.step(SetPriority(next()))
	case 7:
		w.step(SetPreempt(next()&1 != 0))
	case 8: // time passes, without ticks: the process was stalled
		n.now = n.now.Add(time.Duration(binary.BigEndian.Uint16([]byte{next(), next()})) * time.Millisecond)
	case 9: // time passes up to the deadline
		if at := n.Deadline(); at.After(n.now) {
			n.now = at
		}
		w.step(Tick())
	case 10: // an advert with another interval
		a := n.advert(next())
		a.Interval = time.Duration(next()) * time.Second
		w.step(Received(n.packet(higher, a)))
	case 11:
		cfg := fuzzConfig(next())
		acts, err := n.Reconfigure(n.now, cfg, nil)
		if (err == nil) != (cfg.Version == n.Config().Version) {
			n.t.Fatalf("reconfigured to version %d: %v", cfg.Version, err)
		}
		w.check("reconfigure", acts)
	}
}

func (w *watcher) step(ev Event) {
	acts := w.n.Step(w.n.now, ev, nil)
	w.check(ev.String(), acts)
	if ev.Kind == EventTick {
		// A tick does all that is due: the next deadline lies ahead.
		if at := w.n.Deadline(); !at.IsZero() && !at.After(w.n.now) {
			w.n.t.Fatalf("after a tick in %s the deadline is %s ago", w.n.State(), w.n.now.Sub(at))
		}
	}
}

// check holds the router to what is true after every step.
func (w *watcher) check(what string, acts []Action) {
	n, t := w.n, w.n.t
	fail := func(format string, args ...any) {
		t.Helper()
		t.Logf("on %s: %v", what, acts)
		t.Fatalf(format, args...)
	}
	asks, after := 0, w.state
	for i, a := range acts {
		switch a.Kind {
		case ActionTransition:
			if a.From != after || a.To == after || a.Reason == ReasonNone {
				fail("transition %s in state %s", a, after)
			}
			after = a.To
			if a.To == Active && (i+1 == len(acts) || acts[i+1].Kind != ActionSend || acts[i+1].Priority == 0) {
				fail("became active without an advert")
			}
		case ActionSend:
			leaving := a.Priority == 0
			if after != Active || leaving && (i+1 == len(acts) || acts[i+1].From != Active) {
				fail("%s in state %s", a, after)
			}
			lapsed := a.Priority == lowest && acts[len(acts)-1].Reason == ReasonLapsed
			if !leaving && !lapsed && a.Priority != n.Priority() {
				fail("%s, but the priority is %d", a, n.Priority())
			}
		case ActionAsk:
			asks++
			if !n.Config().Ask || a.Reason == ReasonNone || w.asked {
				fail("%s", a)
			}
		case ActionReport:
			if a.Notice == NoticeNone {
				fail("%s", a)
			}
		}
	}
	w.state, w.asked = n.State(), n.Asking()
	if after != w.state {
		fail("state %s, but the story says %s", w.state, after)
	}
	at := n.Deadline()
	switch w.state {
	case Init:
		if !at.IsZero() || w.asked {
			fail("a deadline at %s, or asking, before the start", at)
		}
	case Backup:
		if at.IsZero() != w.asked {
			fail("deadline %s while asking is %v", at, w.asked)
		}
	case Active:
		if w.asked || at.IsZero() || at.Sub(n.now) > n.Config().Interval {
			fail("the next advert is due in %s", at.Sub(n.now))
		}
	}
	if asks > 0 && !w.asked {
		fail("asked, but does not wait for the grant")
	}
	if p := n.Priority(); p == 0 || p == OwnerPriority && n.Config().Priority != OwnerPriority {
		fail("priority %d", p)
	}
	if l := n.ActiveInterval(); l < MinInterval || n.DownInterval() > math.MaxInt64/2 || n.SkewTime() <= 0 {
		fail("intervals %s, %s, %s", l, n.DownInterval(), n.SkewTime())
	}
}
