package interop

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/bfd"
	"github.com/holdfast-net/holdfast/internal/lab"
)

// speaker runs a bfd.Session over real sockets of a host: the smallest program
// around it that there can be.
type speaker struct {
	in, out net.PacketConn
	in4     *ipv4.PacketConn // in, with the TTL of what it hears; nil over IPv6
	in6     *ipv6.PacketConn // likewise, nil over IPv4
	to      *net.UDPAddr
	heard   chan bfd.Packet
	orders  chan func(*bfd.Session)
	stop    chan struct{}
	ended   sync.WaitGroup

	mu    sync.Mutex
	moved []move // transitions so far
}

// move is a transition, and when it was.
type move struct {
	bfd.Action
	at time.Time
}

// speak starts a session on a host. A failed test shows its transitions.
func speak(t *testing.T, host *lab.Host, local netip.Addr, cfg bfd.Config) *speaker {
	t.Helper()
	cfg.Discriminator, cfg.Rand = rand.Uint32()|1, rand.New(rand.NewPCG(rand.Uint64(), 0))
	session, err := bfd.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	s := &speaker{heard: make(chan bfd.Packet, 1024), orders: make(chan func(*bfd.Session)), stop: make(chan struct{})}
	// A link-local address cannot be had before the kernel is sure of it.
	for deadline, tick := time.Now().Add(patience), time.Tick(pollEvery); ; <-tick {
		err := host.Do(func() error { return s.open(local, cfg.Peer) })
		if err == nil {
			break
		}
		if !errors.Is(err, unix.EADDRNOTAVAIL) || time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	s.ended.Add(2)
	go s.read()
	go s.run(session)
	t.Cleanup(func() {
		s.vanish()
		if t.Failed() {
			t.Logf("our transitions: %v", s.moved)
		}
	})
	return s
}

// open runs in the host. One socket hears port 3784; another one sends, from a
// source port as RFC 5881 §4 wants it.
func (s *speaker) open(local, remote netip.Addr) error {
	network, zone := "udp4", ""
	if local.Is6() {
		// By number: Go remembers the names of interfaces, and those of
		// another namespace.
		link, err := net.InterfaceByName(lab.Interface)
		if err != nil {
			return err
		}
		network, zone = "udp6", strconv.Itoa(link.Index)
	}
	s.to = net.UDPAddrFromAddrPort(netip.AddrPortFrom(remote.WithZone(zone), bfd.Port))
	var lc net.ListenConfig
	var err error
	if s.in, err = lc.ListenPacket(context.Background(), network, ":"+strconv.Itoa(bfd.Port)); err != nil {
		return err
	}
	source := netip.AddrPortFrom(local.WithZone(zone), uint16(bfd.MinSourcePort+rand.IntN(1000)))
	if s.out, err = lc.ListenPacket(context.Background(), network, source.String()); err != nil {
		return errors.Join(err, s.in.Close())
	}
	if local.Is6() {
		if err := ipv6.NewPacketConn(s.out).SetHopLimit(bfd.TTL); err != nil {
			return err
		}
		s.in6 = ipv6.NewPacketConn(s.in)
		return s.in6.SetControlMessage(ipv6.FlagHopLimit, true)
	}
	if err := ipv4.NewPacketConn(s.out).SetTTL(bfd.TTL); err != nil {
		return err
	}
	s.in4 = ipv4.NewPacketConn(s.in)
	return s.in4.SetControlMessage(ipv4.FlagTTL, true)
}

// read takes packets off the socket.
func (s *speaker) read() {
	defer s.ended.Done()
	buf := make([]byte, 1500)
	for {
		var p bfd.Packet
		var n int
		var src net.Addr
		var err error
		if s.in4 != nil {
			var m *ipv4.ControlMessage
			if n, m, src, err = s.in4.ReadFrom(buf); m != nil {
				p.TTL = uint8(m.TTL)
			}
		} else {
			var m *ipv6.ControlMessage
			if n, m, src, err = s.in6.ReadFrom(buf); m != nil {
				p.TTL = uint8(m.HopLimit)
			}
		}
		if err != nil {
			return // closed
		}
		p.Src, p.Payload = src.(*net.UDPAddr).AddrPort().Addr(), slices.Clone(buf[:n])
		s.heard <- p
	}
}

// run owns the session: every packet that waits first, then the tick.
func (s *speaker) run(session *bfd.Session) {
	defer s.ended.Done()
	timer := time.NewTimer(0)
	s.step(session, bfd.Enable())
	for {
		for waiting := true; waiting; {
			select {
			case p := <-s.heard:
				s.step(session, bfd.Received(&p))
			default:
				waiting = false
			}
		}
		s.step(session, bfd.Tick())
		timer.Reset(time.Until(session.Deadline()))
		select {
		case p := <-s.heard:
			s.step(session, bfd.Received(&p))
		case f := <-s.orders:
			f(session)
		case <-timer.C:
		case <-s.stop:
			return
		}
	}
}

func (s *speaker) step(session *bfd.Session, ev bfd.Event) {
	for _, a := range session.Step(time.Now(), ev, nil) {
		if a.Kind == bfd.ActionSend {
			// What cannot be sent is lost, as on any wire.
			_, _ = s.out.WriteTo(session.AppendPacket(nil, a.Control), s.to)
			continue
		}
		s.mu.Lock()
		s.moved = append(s.moved, move{a, time.Now()})
		s.mu.Unlock()
	}
}

// do has the session stepped with an event.
func (s *speaker) do(ev bfd.Event) {
	s.look(func(session *bfd.Session) { s.step(session, ev) })
}

// look lets f look at the session, which waits for it.
func (s *speaker) look(f func(*bfd.Session)) {
	done := make(chan struct{})
	s.orders <- func(session *bfd.Session) {
		defer close(done)
		f(session)
	}
	<-done
}

// vanish ends it without a word.
func (s *speaker) vanish() {
	select {
	case <-s.stop:
		return
	default:
	}
	close(s.stop)
	s.in.Close()
	s.out.Close()
	for len(s.heard) > 0 {
		<-s.heard
	}
	s.ended.Wait()
}

// fell are the transitions out of Up so far.
func (s *speaker) fell() []move {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []move
	for _, a := range s.moved {
		if a.Lost() {
			out = append(out, a)
		}
	}
	return out
}

// is says what is wrong if the session is in another state.
func (s *speaker) is(want bfd.State) func() error {
	return func() (err error) {
		s.look(func(session *bfd.Session) {
			if got := session.State(); got != want {
				err = fmt.Errorf("our session is %s, its counters %+v", got, session.Counters())
			}
		})
		return err
	}
}
