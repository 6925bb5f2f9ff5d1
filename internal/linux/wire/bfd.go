package wire

import (
	"errors"
	"fmt"
	"math/rand/v2"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/bfd"
	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/vrrp"
)

// BFD goes from neighbour to neighbour on one link (RFC 5881), so its sockets
// belong to an interface. Two for each family: one hears UDP port 3784, one
// sends, from a port that is its own. That port is shared by the sessions of
// the interface; RFC 5881 §4 would like one for each, but only as a help in
// telling sessions apart, which the discriminators do.

// bfdSockets are those of one family, both or none.
type bfdSockets struct {
	in, out *socket
	missing error // why there are none
}

var errNoBFD = errors.New("cannot send: BFD is not open on the interface")

// OpenBFD starts sending and receiving BFD on an open interface. A family that
// the interface does not have is left out, and sending in it gives an error
// that says why.
func (w *Wire) OpenBFD(id engine.Port) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.ports[id]
	if p == nil || p.name == votesName {
		return ErrPort
	}
	p.speaksBFD = true
	w.openBFD(p)
	if p.bfd[0].in == nil && p.bfd[1].in == nil {
		return errors.Join(p.bfd[0].missing, p.bfd[1].missing)
	}
	return nil
}

// CloseBFD stops it; the interface stays open.
func (w *Wire) CloseBFD(id engine.Port) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if p := w.ports[id]; p != nil {
		p.speaksBFD = false
		w.closeBFD(p)
	}
}

// openBFD opens the sockets that p lacks.
func (w *Wire) openBFD(p *port) {
	if !p.speaksBFD {
		return
	}
	for i, family := range families {
		s := &p.bfd[i]
		if p.missing[i] != nil {
			w.closeSocket(&s.in)
			w.closeSocket(&s.out)
			s.missing = p.missing[i]
			continue
		}
		if s.in != nil {
			continue
		}
		if s.missing = w.openBFDFamily(p, s, family); s.missing != nil {
			s.missing = fmt.Errorf("cannot use BFD over IPv%d on %s: %w", family, p.name, s.missing)
		}
	}
}

func (w *Wire) openBFDFamily(p *port, s *bfdSockets, family vrrp.Family) (err error) {
	if s.out, err = openBFDOut(p.name, p.index, family); err != nil {
		return withHint(err)
	}
	s.out.port = p
	if s.in, err = openBFDIn(p.name, p.index, family); err == nil {
		s.in.port = p
		if err = w.add(s.in); err != nil {
			s.in = nil
		}
	}
	if err != nil {
		w.closeSocket(&s.out)
		return withHint(err)
	}
	return nil
}

func (w *Wire) closeBFD(p *port) {
	for i := range families {
		w.closeSocket(&p.bfd[i].in)
		w.closeSocket(&p.bfd[i].out)
		p.bfd[i].missing = nil
	}
}

// bfdSocket finds the socket that a packet leaves by.
func (p *port) bfdSocket(o *engine.Outgoing, family int) (*socket, error) {
	s := &p.bfd[family]
	switch {
	case s.missing != nil:
		return nil, s.missing
	case s.out == nil:
		return nil, errNoBFD
	case o.Dst.IsMulticast(): // RFC 5881 knows none
		return nil, ErrAddresses
	}
	return s.out, nil
}

func openBFDIn(ifname string, index int, family vrrp.Family) (*socket, error) {
	s, err := newBFD(ifname, index, family, engine.BFD)
	if err != nil {
		return nil, err
	}
	s.buffers(receiveBuffer/4, 0)
	if err = s.filter(bfdFilter(family)); err == nil {
		if err = s.bind(bfd.Port); err != nil {
			err = fmt.Errorf("cannot bind to UDP port %d: %w", bfd.Port, err)
		}
	}
	return s.orClose(err)
}

// openBFDOut opens the sending socket. Nobody has to answer to its port, so it
// hears nothing.
func openBFDOut(ifname string, index int, family vrrp.Family) (*socket, error) {
	s, err := newBFD(ifname, index, family, engine.BFD)
	if err != nil {
		return nil, err
	}
	s.unwatched = true
	s.buffers(0, sendBuffer)
	if err = s.filter(dropAll); err == nil {
		err = s.bindToSourcePort()
	}
	return s.orClose(err)
}

func newBFD(ifname string, index int, family vrrp.Family, kind engine.Kind) (*socket, error) {
	fd, err := unix.Socket(domain(family), unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot open UDP socket: %w", err)
	}
	s := newSocket(fd, kind, family)
	if err = s.bindToDevice(ifname); err == nil {
		err = s.ipOptions(index)
	}
	return s.orClose(err)
}

// bindToSourcePort takes a free port of RFC 5881 §4's range, beginning anywhere
// in it.
func (s *socket) bindToSourcePort() error {
	const ports = 1<<16 - bfd.MinSourcePort
	first := rand.IntN(ports)
	for i := range ports {
		err := s.bind(bfd.MinSourcePort + (first+i)%ports)
		if err == nil {
			return nil
		}
		if !errors.Is(err, unix.EADDRINUSE) {
			return fmt.Errorf("cannot bind to a source port: %w", err)
		}
	}
	return fmt.Errorf("cannot bind to a source port: all from %d on are taken", bfd.MinSourcePort)
}

func (s *socket) bind(number int) error {
	if s.family == vrrp.IPv6 {
		return unix.Bind(s.fd, &unix.SockaddrInet6{Port: number})
	}
	return unix.Bind(s.fd, &unix.SockaddrInet4{Port: number})
}

// bfdFilter drops what no neighbour on the link can have sent (RFC 5881 §5),
// and what is too short for a control packet or of another version (RFC 5880
// §6.8.6), before it takes room from what one has. The UDP header comes first.
func bfdFilter(family vrrp.Family) []bpf.Instruction {
	ttl := uint32(networkHeader + 8)
	if family == vrrp.IPv6 {
		ttl = networkHeader + 7
	}
	return []bpf.Instruction{
		bpf.LoadAbsolute{Off: ttl, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: bfd.TTL, SkipTrue: 5},
		bpf.LoadAbsolute{Off: udpLen + 23, Size: 1}, // beyond the end: dropped
		bpf.LoadAbsolute{Off: udpLen, Size: 1},
		bpf.ALUOpConstant{Op: bpf.ALUOpShiftRight, Val: 5},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: 1, SkipTrue: 1},
		bpf.RetConstant{Val: accept},
		bpf.RetConstant{Val: 0},
	}
}
