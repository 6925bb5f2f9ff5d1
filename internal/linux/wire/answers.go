package wire

import (
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/vrrp"
)

// Answers are what a gateway says when it is asked for its MAC address: an ARP
// reply (RFC 826) or a solicited neighbour advertisement (RFC 4861 §7.2.4). Not
// an ICMP echo, though that has a number in it: gateways and firewalls filter
// echoes and limit their rate, and may route them; a gateway that does not say
// where it is serves nobody, and nothing but the LAN itself carries the answer.
//
// A socket belongs to one interface and one address. Its filter passes answers
// of that address alone, to this machine alone, so other traffic wakes nobody;
// an interface that nobody asks on has no such socket.

// answers is the socket that hears one address.
type answers struct {
	from netip.Addr
	*socket
}

var errNotEthernet = errors.New("it is not Ethernet")

// OpenAnswers starts hearing what an address answers on an open interface.
// Hearing one that is heard already changes nothing. It ends with CloseAnswers
// or Close.
func (w *Wire) OpenAnswers(id engine.Port, from netip.Addr) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.ports[id]
	if p == nil || p.name == votesName {
		return ErrPort
	}
	for i := range p.answers {
		if p.answers[i].from == from {
			return nil
		}
	}
	s, err := p.openAnswers(from)
	if err == nil {
		s.port = p
		err = w.add(s)
	}
	if err != nil {
		return fmt.Errorf("cannot hear answers of %s on %s: %w", from, p.name, withHint(err))
	}
	p.answers = append(p.answers, answers{from, s})
	return nil
}

// CloseAnswers stops it.
func (w *Wire) CloseAnswers(id engine.Port, from netip.Addr) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.ports[id]
	if p == nil {
		return
	}
	for i := range p.answers {
		if p.answers[i].from == from {
			w.closeSocket(&p.answers[i].socket)
			p.answers = append(p.answers[:i], p.answers[i+1:]...)
			return
		}
	}
}

func (w *Wire) closeAnswers(p *port) {
	for i := range p.answers {
		w.closeSocket(&p.answers[i].socket)
	}
	p.answers = nil
}

func (p *port) openAnswers(from netip.Addr) (*socket, error) {
	p.refresh()
	if !p.ethernet {
		return nil, errNotEthernet
	}
	if from.Is4() {
		return openReplies(p.index, from)
	}
	return openAdvertisements(p.name, from)
}

// openReplies opens a packet socket for ARP. Protocol 0 until the filter is
// there: it receives nothing.
func openReplies(index int, from netip.Addr) (*socket, error) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot open packet socket: %w", err)
	}
	s := newSocket(fd, engine.Answer, vrrp.IPv4)
	if err = s.filter(replyFilter(from)); err == nil {
		err = unix.Bind(fd, &unix.SockaddrLinklayer{Ifindex: index, Protocol: bigEndian(unix.ETH_P_ARP)})
	}
	return s.orClose(err)
}

// Places in an ARP packet, RFC 826, for Ethernet and IPv4.
const (
	arpSenderMAC = 8
	arpSender    = 14
	arpTarget    = 24
	arpLen       = 28
)

// replyFilter passes replies of one address that were sent to this machine.
func replyFilter(from netip.Addr) []bpf.Instruction {
	return []bpf.Instruction{
		bpf.LoadExtension{Num: bpf.ExtType}, // PACKET_HOST: not to all, and to no other machine
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: unix.PACKET_HOST, SkipTrue: 8},
		bpf.LoadAbsolute{Off: 0, Size: 4}, // Ethernet, IPv4
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: 0x00010800, SkipTrue: 6},
		bpf.LoadAbsolute{Off: 4, Size: 4}, // lengths, and a reply
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: 0x06040002, SkipTrue: 4},
		bpf.LoadAbsolute{Off: arpSender, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: be32(from.AsSlice()), SkipTrue: 2},
		bpf.LoadAbsolute{Off: arpTarget, Size: 4}, // to its end
		bpf.RetConstant{Val: accept},
		bpf.RetConstant{Val: 0},
	}
}

// openAdvertisements opens a raw socket for ICMPv6. A packet socket would have
// the kernel look at every IPv6 packet.
func openAdvertisements(ifname string, from netip.Addr) (*socket, error) {
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, unix.IPPROTO_ICMPV6)
	if err != nil {
		return nil, fmt.Errorf("cannot open raw socket: %w", err)
	}
	s := newSocket(fd, engine.Answer, vrrp.IPv6)
	err = s.filter(dropAll)
	if err == nil {
		err = s.bindToDevice(ifname)
	}
	if err == nil {
		err = s.set(
			option{unix.IPPROTO_IPV6, unix.IPV6_RECVHOPLIMIT, 1},
			option{unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1},
		)
	}
	if err == nil {
		s.drain()
		err = s.filter(advertisementFilter(from))
	}
	return s.orClose(err)
}

const (
	naType     = 136
	naSolicits = 0x40 // RFC 4861 §4.4: S, in answer to a solicitation
	naTarget   = 8
	naLen      = 24
)

// advertisementFilter passes advertisements of one address that nobody but a
// neighbour can have sent (RFC 4861 §7.1.2), in answer to a solicitation.
func advertisementFilter(from netip.Addr) []bpf.Instruction {
	a := from.As16()
	return []bpf.Instruction{
		bpf.LoadAbsolute{Off: networkHeader + 7, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: hops, SkipTrue: 13},
		bpf.LoadAbsolute{Off: 0, Size: 2}, // type and code
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: naType << 8, SkipTrue: 11},
		bpf.LoadAbsolute{Off: 4, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpBitsNotSet, Val: naSolicits, SkipTrue: 9},
		bpf.LoadAbsolute{Off: naTarget, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: be32(a[0:]), SkipTrue: 7},
		bpf.LoadAbsolute{Off: naTarget + 4, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: be32(a[4:]), SkipTrue: 5},
		bpf.LoadAbsolute{Off: naTarget + 8, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: be32(a[8:]), SkipTrue: 3},
		bpf.LoadAbsolute{Off: naTarget + 12, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: be32(a[12:]), SkipTrue: 1},
		bpf.RetConstant{Val: accept},
		bpf.RetConstant{Val: 0},
	}
}

// answer describes what such a socket received: who was heard, whom it told,
// and as Data the MAC address that it has, if it says so.
func answer(control []byte, d *engine.Datagram) bool {
	b := d.Data
	if d.Family == vrrp.IPv4 {
		if len(b) < arpLen {
			return false
		}
		d.Src, d.Dst = netip.AddrFrom4([4]byte(b[arpSender:])), netip.AddrFrom4([4]byte(b[arpTarget:]))
		d.Data = b[arpSenderMAC : arpSenderMAC+6]
		return true
	}
	if len(b) < naLen {
		return false
	}
	d.Src = netip.AddrFrom16([16]byte(b[naTarget:]))
	d.Data = nil
	if len(b) >= naLen+8 && b[naLen] == 2 && b[naLen+1] == 1 { // RFC 4861 §4.6.1
		d.Data = b[naLen+2 : naLen+8]
	}
	return controls(control, d)
}
