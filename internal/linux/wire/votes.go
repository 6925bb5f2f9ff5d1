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

// Votes are ordinary UDP: unicast, by any route and interface, to and from
// any port. So their sockets belong to no interface, and need no privilege.

// votesName is the name that a wire has the port of votes under. It cannot be
// that of an interface.
const votesName = "/votes"

// OpenVotes starts sending and receiving votes on a UDP port: of one address,
// or of all if host is not valid. A family that the machine does not have is
// left out. Close stops it.
func (w *Wire) OpenVotes(host netip.Addr, number uint16) (engine.Port, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.byName[votesName] != nil {
		return 0, errors.New("cannot open votes: they are open")
	}
	w.last++
	p := &port{id: w.last, name: votesName, errs: make(map[unix.Errno]error)}
	for i, family := range families {
		if host.IsValid() && host.Is4() != (family == vrrp.IPv4) {
			p.missing[i] = fmt.Errorf("cannot send votes by %s: they are received on %s", family, host)
			continue
		}
		s, err := openVotes(host, number, family)
		if err == nil {
			s.port = p
			err = w.add(s)
		}
		if err != nil {
			p.missing[i] = fmt.Errorf("cannot open UDP port %d for votes: %w", number, err)
			continue
		}
		p.udp[i] = s
	}
	if p.udp[0] == nil && p.udp[1] == nil {
		return 0, errors.Join(p.missing[0], p.missing[1])
	}
	w.ports[p.id], w.byName[votesName] = p, p
	return p.id, nil
}

func openVotes(host netip.Addr, number uint16, family vrrp.Family) (*socket, error) {
	fd, err := unix.Socket(domain(family), unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	s := newSocket(fd, engine.Vote, family)
	s.buffers(receiveBuffer, sendBuffer)
	options := []option{
		{unix.IPPROTO_IP, unix.IP_RECVTTL, 1},
		{unix.IPPROTO_IP, unix.IP_PKTINFO, 1},
		{unix.IPPROTO_IP, unix.IP_TOS, tos},
		{unix.SOL_SOCKET, unix.SO_PRIORITY, priority},
	}
	var at unix.Sockaddr
	if family == vrrp.IPv6 {
		options = []option{
			{unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1},
			{unix.IPPROTO_IPV6, unix.IPV6_RECVHOPLIMIT, 1},
			{unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1},
			{unix.IPPROTO_IPV6, unix.IPV6_TCLASS, tos},
			{unix.SOL_SOCKET, unix.SO_PRIORITY, priority},
		}
		sa := &unix.SockaddrInet6{Port: int(number)}
		if host.IsValid() {
			sa.Addr = host.As16()
		}
		at = sa
	} else {
		sa := &unix.SockaddrInet4{Port: int(number)}
		if host.IsValid() {
			sa.Addr = host.As4()
		}
		at = sa
	}
	if err = s.set(options...); err == nil {
		err = s.filter(voteFilter)
	}
	if err == nil {
		err = unix.Bind(fd, at)
	}
	return s.orClose(err)
}

// voteFilter drops what does not begin like a vote (package vote), before it
// takes room from one that does. The UDP header comes first.
var voteFilter = []bpf.Instruction{
	bpf.LoadAbsolute{Off: 8, Size: 4},
	bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: be32([]byte("HFV1")), SkipTrue: 1},
	bpf.RetConstant{Val: accept},
	bpf.RetConstant{Val: 0},
}

// voteSocket finds the socket that a vote leaves by.
func (p *port) voteSocket(o *engine.Outgoing) (*socket, error) {
	if o.Kind != engine.Vote {
		return nil, ErrPort
	}
	if !o.Dst.IsValid() || o.Dst.Is4In6() || o.Src.IsValid() && o.Src.Is4() != o.Dst.Is4() {
		return nil, ErrAddresses
	}
	i := 0
	if o.Dst.Is6() {
		i = 1
	}
	return p.udp[i], p.missing[i]
}
