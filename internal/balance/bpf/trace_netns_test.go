package bpf

import (
	"encoding/binary"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cilium/ebpf/ringbuf"
	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/balance"
	"github.com/holdfast-net/holdfast/internal/balance/packets"
)

// watched is what a trace has told.
type watched struct {
	mu   sync.Mutex
	seen []balance.Sighting
	stop func()
}

// trace looks until it is stopped.
func (l *lab) trace(p *Plane, look balance.Look) *watched {
	l.Helper()
	w := &watched{}
	stop := make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		ended <- p.Trace(stop, look, func(s *balance.Sighting) bool {
			w.mu.Lock()
			defer w.mu.Unlock()
			c := *s
			c.CameAs, c.LeftAs = slices.Clone(s.CameAs), slices.Clone(s.LeftAs)
			w.seen = append(w.seen, c)
			return true
		})
	}()
	w.stop = sync.OnceFunc(func() {
		close(stop)
		if err := <-ended; err != nil {
			l.Error(err)
		}
	})
	l.Cleanup(w.stop)
	waitFor(l, "the trace is on", func() bool {
		pages, all, err := mapped[tracing](p.objs.HfTracing)
		must(l, err)
		defer unmap(l, pages)
		return all[0].until.Load() != 0
	})
	return w
}

// has says whether a sighting was told for which ok is true.
func (w *watched) has(ok func(*balance.Sighting) bool) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.seen {
		if ok(&w.seen[i]) {
			return true
		}
	}
	return false
}

// ends gives the addresses of a frame.
func ends(frame []byte) (src, dst netip.Addr) {
	from, size := 26, 4
	if binary.BigEndian.Uint16(frame[12:]) == 0x86dd {
		from, size = 22, 16
	}
	src, _ = netip.AddrFromSlice(frame[from : from+size])
	dst, _ = netip.AddrFromSlice(frame[from+size : from+2*size])
	return src, dst
}

func TestPacketsAreTold(t *testing.T) {
	for _, f := range families {
		t.Run(f.name, func(t *testing.T) {
			l := newLab(t, 2)
			l.serve(f)
			p := l.open(Config{})
			other := f.plan(2, func(p *balance.Plan) {
				p.Service.Name, p.Service.Listen[0].AddrPort = "closed", netip.AddrPortFrom(f.vip, 81)
				p.Service.Allow = []netip.Prefix{netip.PrefixFrom(f.vip, f.vip.BitLen())}
			})
			must(t, p.Apply([]*balance.Plan{f.plan(2, nil), other}))
			w := l.trace(p, balance.Look{Snap: 128, Client: netip.PrefixFrom(f.client, f.client.BitLen())})
			client := netip.AddrPortFrom(f.client, 22001)
			begun := time.Now()
			c, who, _, err := l.visitFrom(client, netip.AddrPortFrom(f.vip, 80))
			must(t, err)
			defer c.Close()
			backend := netip.AddrPortFrom(f.backends[who], 8080)
			waitFor(t, "a packet to the backend", func() bool {
				return w.has(func(s *balance.Sighting) bool {
					if s.Answer || s.Fate != balance.Sent || s.Service != "web" || s.Client != client || s.Backend != backend || s.Interface != "eth0" {
						return false
					}
					_, came := ends(s.CameAs)
					src, left := ends(s.LeftAs)
					return came == f.vip && left == backend.Addr() && src == f.client && s.Reason == "" && s.Time.After(begun.Add(-time.Second)) && s.Time.Before(time.Now().Add(time.Second))
				})
			})
			waitFor(t, "the answer", func() bool {
				return w.has(func(s *balance.Sighting) bool {
					if !s.Answer || s.Fate != balance.Sent || s.Client != client || s.Backend != backend {
						return false
					}
					came, _ := ends(s.CameAs)
					left, to := ends(s.LeftAs)
					return came == backend.Addr() && left == f.vip && to == f.client && len(s.CameAs) <= 128 && s.Came >= len(s.CameAs)
				})
			})
			// Who may not connect is dropped: its first packet is told.
			l.knock(netip.AddrPortFrom(f.client, 22002), netip.AddrPortFrom(f.vip, 81))
			waitFor(t, "a packet that is dropped", func() bool {
				return w.has(func(s *balance.Sighting) bool {
					return s.Service == "closed" && s.Fate == balance.Lost && s.Reason == "denied" && len(s.LeftAs) == 0 && !s.Backend.IsValid() && s.Client.Addr() == f.client
				})
			})
			if err := p.Trace(t.Context().Done(), balance.Look{}, nil); err == nil || !strings.Contains(err.Error(), "somebody does already") {
				t.Errorf("a second one: %v", err)
			}
			if w.stop(); w.has(func(s *balance.Sighting) bool { return s.Missed > 0 }) {
				t.Error("some were missed")
			}
			if err := p.Trace(t.Context().Done(), balance.Look{Service: "none"}, nil); err == nil {
				t.Error("of a service that is not there: no error")
			}
		})
	}
}

// knock sends one SYN.
func (l *lab) knock(from, to netip.AddrPort) {
	l.Helper()
	frame := packets.Packet{From: clientMAC, To: ownMAC, Src: from, Dst: to, Proto: packets.TCP, Flags: packets.SYN}.Frame()
	must(l, l.client.Do(func() error { return inject("eth0", frame) }))
}

// Who looks for one backend, or for other clients, is told of nobody else, and
// nobody is told when nobody looks.
func TestPacketsAreToldToWhoLooks(t *testing.T) {
	f := families[0]
	l := newLab(t, 2)
	l.serve(f)
	p := l.open(Config{})
	must(t, p.Apply([]*balance.Plan{f.plan(2, nil)}))
	visit := func() {
		for range 4 {
			c, _, _, err := l.visit(netip.AddrPortFrom(f.vip, 80))
			must(t, err)
			must(t, c.Close())
		}
	}
	one := netip.AddrPortFrom(f.backends[1], 8080)
	w := l.trace(p, balance.Look{Service: "web", Backend: one})
	visit()
	waitFor(t, "packets of one backend", func() bool { return w.has(func(*balance.Sighting) bool { return true }) })
	w.stop()
	if w.has(func(s *balance.Sighting) bool { return s.Backend != one }) {
		t.Error("it told of another backend, too")
	}
	w = l.trace(p, balance.Look{Client: netip.MustParsePrefix("203.0.113.0/24")})
	visit()
	w.stop()
	if len(w.seen) > 0 {
		t.Errorf("it told of another client, too: %+v", w.seen[0])
	}
	// Nobody renews what a process has asked for that is gone.
	pages, all, err := mapped[tracing](p.objs.HfTracing)
	must(t, err)
	defer unmap(t, pages)
	all[0].mask, all[0].client = address{}, address{}
	for name, tt := range map[string]struct {
		until uint64
		told  bool
	}{"asked for": {monotonic() + uint64(time.Hour), true}, "not renewed": {monotonic() - 1, false}, "never asked for": {0, false}} {
		all[0].until.Store(tt.until)
		visit()
		all[0].until.Store(0)
		if n := l.untold(p); n > 0 != tt.told {
			t.Errorf("%s: it told of %d packets", name, n)
		}
	}
}

// untold takes what is left in the ring, and says how much it was.
func (l *lab) untold(p *Plane) (n int) {
	l.Helper()
	ring, err := ringbuf.NewReader(p.objs.HfSightings)
	must(l, err)
	defer ring.Close()
	ring.SetDeadline(time.Now().Add(-time.Second))
	var r ringbuf.Record
	for ring.ReadInto(&r) == nil {
		n++
	}
	return n
}

// inject sends a frame as it is.
func inject(name string, frame []byte) error {
	i, err := net.InterfaceByName(name)
	if err != nil {
		return err
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return unix.Sendto(fd, frame, 0, &unix.SockaddrLinklayer{Ifindex: i.Index})
}

func unmap(t testing.TB, pages []byte) {
	t.Helper()
	must(t, unix.Munmap(pages))
}
