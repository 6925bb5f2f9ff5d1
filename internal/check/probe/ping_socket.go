package probe

import (
	"errors"
	"math/rand/v2"
	"net/netip"
	"os"

	"golang.org/x/net/bpf"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/check"
)

// echoSocket sends echo requests to one address and reads their replies.
type echoSocket struct {
	file   *os.File // connected, and polled by the runtime
	six    bool
	header bool // replies come with their IP header
	id     int
}

// openEcho makes a ping socket, which needs no capability where
// net.ipv4.ping_group_range allows it, and otherwise a raw one. The range is
// empty in a new network namespace, and CAP_NET_RAW is what the daemon has for
// adverts.
func openEcho(to netip.Addr, via check.Via) (*echoSocket, error) {
	s, err := newEcho(to, via, unix.SOCK_DGRAM)
	if errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPERM) || errors.Is(err, unix.EPROTONOSUPPORT) {
		return newEcho(to, via, unix.SOCK_RAW)
	}
	return s, err
}

func newEcho(to netip.Addr, via check.Via, kind int) (*echoSocket, error) {
	s := &echoSocket{six: to.Is6(), header: to.Is4() && kind == unix.SOCK_RAW, id: rand.IntN(1 << 16)}
	family, protocol := unix.AF_INET, unix.IPPROTO_ICMP
	if s.six {
		family, protocol = unix.AF_INET6, unix.IPPROTO_ICMPV6
	}
	fd, err := unix.Socket(family, kind|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, protocol)
	if err != nil {
		return nil, err
	}
	if err := s.prepare(fd, to, via, kind); err != nil {
		unix.Close(fd)
		return nil, err
	}
	s.file = os.NewFile(uintptr(fd), "echo")
	return s, nil
}

func (s *echoSocket) prepare(fd int, to netip.Addr, via check.Via, kind int) error {
	if err := takeWay(fd, via); err != nil {
		return err
	}
	if err := wantErrors(fd, s.six); err != nil {
		return err
	}
	// A raw socket gets a copy of every reply that this machine receives. A
	// ping socket gets its own, as the kernel chose the identifier.
	if kind == unix.SOCK_RAW {
		if err := s.filter(fd); err != nil {
			return err
		}
	}
	if via.Source.IsValid() {
		if err := unix.Bind(fd, sockaddr(netip.AddrPortFrom(via.Source, 0))); err != nil {
			return err
		}
	}
	return unix.Connect(fd, sockaddr(netip.AddrPortFrom(to, 0)))
}

// filter lets only echo replies with our identifier in.
func (s *echoSocket) filter(fd int) error {
	reply, start := uint32(ipv4.ICMPTypeEchoReply), bpf.Instruction(bpf.LoadMemShift{Off: 0}) // X = length of the IP header
	if s.six {
		reply, start = uint32(ipv6.ICMPTypeEchoReply), bpf.LoadConstant{Dst: bpf.RegX, Val: 0} // there is none
	}
	program, err := bpf.Assemble([]bpf.Instruction{
		start,
		bpf.LoadIndirect{Off: 0, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: reply, SkipTrue: 3},
		bpf.LoadIndirect{Off: 4, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: uint32(s.id), SkipTrue: 1},
		bpf.RetConstant{Val: 1 << 18},
		bpf.RetConstant{Val: 0},
	})
	if err != nil {
		return err
	}
	filter := make([]unix.SockFilter, len(program))
	for i, in := range program {
		filter[i] = unix.SockFilter{Code: in.Op, Jt: in.Jt, Jf: in.Jf, K: in.K}
	}
	return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]})
}
