package probe

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// tap sees the ARP and ICMPv6 frames that leave through an interface, those of
// the macvlans on it included.
type tap struct {
	fd  int
	buf []byte
}

func listen(index int) (*tap, error) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot look at frames: %w", err)
	}
	// Before it is bound, so that nothing else is ever queued.
	err = unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, only())
	if err == nil {
		err = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 20_000})
	}
	if err == nil {
		// A socket of all protocols is the only kind that is shown what leaves.
		err = unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: binary.NativeEndian.Uint16([]byte{0, unix.ETH_P_ALL}), Ifindex: index})
	}
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("cannot look at frames: %w", err)
	}
	return &tap{fd: fd, buf: make([]byte, 256)}, nil
}

func (t *tap) close() { unix.Close(t.fd) }

// only is the filter: ARP, and IPv6 whose next header is ICMPv6.
func only() *unix.SockFprog {
	const (
		half   = unix.BPF_LD | unix.BPF_H | unix.BPF_ABS
		octet  = unix.BPF_LD | unix.BPF_B | unix.BPF_ABS
		equal  = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
		answer = unix.BPF_RET | unix.BPF_K
	)
	program := []unix.SockFilter{
		{Code: half, K: 12},
		{Code: equal, K: unix.ETH_P_ARP, Jt: 3},
		{Code: equal, K: unix.ETH_P_IPV6, Jf: 3},
		{Code: octet, K: 20},
		{Code: equal, K: unix.IPPROTO_ICMPV6, Jf: 1},
		{Code: answer, K: 256},
		{Code: answer, K: 0},
	}
	return &unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
}

// message is one question or answer of ARP or neighbour discovery.
type message struct {
	question bool
	sender   netip.Addr // whom it tells about
	target   netip.Addr // whom it asks for
	mac      [6]byte    // where it says that sender is
	from     [6]byte    // source of the frame
}

// next waits a little for the next one.
func (t *tap) next() (message, bool) {
	n, from, err := unix.Recvfrom(t.fd, t.buf, 0)
	if err != nil {
		return message{}, false
	}
	if ll, ok := from.(*unix.SockaddrLinklayer); !ok || ll.Pkttype != unix.PACKET_OUTGOING {
		return message{}, false
	}
	return parse(t.buf[:n])
}

// parse reads ARP for Ethernet and IPv4 (RFC 826), neighbour solicitations and
// advertisements (RFC 4861 §4.3, §4.4).
func parse(f []byte) (m message, ok bool) {
	if len(f) < 14 {
		return m, false
	}
	m.from = [6]byte(f[6:12])
	m.mac = m.from
	p := f[14:]
	switch binary.BigEndian.Uint16(f[12:]) {
	case unix.ETH_P_ARP:
		if len(p) < 28 || !bytes.Equal(p[:6], []byte{0, 1, 8, 0, 6, 4}) {
			return m, false
		}
		m.question = p[7] == 1
		m.mac = [6]byte(p[8:14])
		m.sender = netip.AddrFrom4([4]byte(p[14:18]))
		m.target = netip.AddrFrom4([4]byte(p[24:28]))
		return m, true
	case unix.ETH_P_IPV6:
		if len(p) < 64 || p[6] != unix.IPPROTO_ICMPV6 {
			return m, false
		}
		icmp := p[40:]
		m.target = netip.AddrFrom16([16]byte(icmp[8:24]))
		option := byte(1) // source link-layer address
		switch icmp[0] {
		case 135:
			m.question = true
			m.sender = netip.AddrFrom16([16]byte(p[8:24]))
		case 136:
			option = 2 // target link-layer address
			m.sender = m.target
		default:
			return m, false
		}
		if len(icmp) >= 32 && icmp[24] == option && icmp[25] == 1 {
			m.mac = [6]byte(icmp[26:32])
		}
		return m, true
	}
	return m, false
}
