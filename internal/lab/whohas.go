package lab

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// Answer is one answer to the question who has an address.
type Answer struct {
	Host  string           // the host it came from, known by its port on the switch
	MAC   net.HardwareAddr // what it said
	After time.Duration    // since the question
}

// WhoHas asks the LAN who has an address, as a client does that has never
// talked to it: one ARP request (RFC 826) or neighbour solicitation (RFC 4861
// §4.3) to all. It collects the answers at the ports of the switch for as
// long as wait says, the first of each host and MAC. More than one host in
// the answer is what must not be.
func (l *LAN) WhoHas(from *Host, addr netip.Addr, wait time.Duration) ([]Answer, error) {
	answers, err := l.whoHas(from, addr.Unmap(), wait)
	if err != nil {
		return nil, fmt.Errorf("cannot ask who has %s: %w", addr, err)
	}
	return answers, nil
}

func (l *LAN) whoHas(from *Host, addr netip.Addr, wait time.Duration) ([]Answer, error) {
	ports, err := l.Ports()
	if err != nil {
		return nil, err
	}
	tap, err := l.tap(addr)
	if err != nil {
		return nil, err
	}
	defer unix.Close(tap)

	asked := time.Now()
	if err := from.Do(func() error { return ask(addr) }); err != nil {
		return nil, err
	}
	var answers []Answer
	buf := make([]byte, 256)
	for {
		left := wait - time.Since(asked)
		if left <= 0 {
			return answers, nil
		}
		n, at, err := receive(tap, buf, left)
		if err != nil {
			return nil, err
		}
		mac := answerFor(addr, buf[:n])
		host := ports[at]
		known := func(a Answer) bool { return a.Host == host && bytes.Equal(a.MAC, mac) }
		if mac == nil || host == "" || slices.ContainsFunc(answers, known) {
			continue
		}
		answers = append(answers, Answer{Host: host, MAC: mac, After: time.Since(asked)})
	}
}

// Ports maps the interfaces of the switch to the hosts behind them.
func (l *LAN) Ports() (map[int]string, error) {
	links, err := l.nl.LinkList()
	if err != nil {
		return nil, fmt.Errorf("cannot list the switch's ports: %w", err)
	}
	ports := make(map[int]string)
	for _, link := range links {
		if link.Attrs().MasterIndex == l.bridge.Attrs().Index {
			ports[link.Attrs().Index] = link.Attrs().Name
		}
	}
	return ports, nil
}

// tap opens a socket that sees the answers as they enter the switch. The
// bridge takes frames before those who ask for one Ethernet type get to see
// them, so the tap asks for all and sorts out the rest in the kernel.
func (l *LAN) tap(addr netip.Addr) (int, error) {
	wanted := []bpf.Instruction{ // Ethernet type ARP
		bpf.LoadAbsolute{Off: 12, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: unix.ETH_P_ARP, SkipTrue: 1},
		bpf.RetConstant{Val: 256},
		bpf.RetConstant{Val: 0},
	}
	if addr.Is6() { // Ethernet type IPv6, ICMPv6, neighbour advertisement
		wanted = []bpf.Instruction{
			bpf.LoadAbsolute{Off: 12, Size: 2},
			bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: unix.ETH_P_IPV6, SkipTrue: 5},
			bpf.LoadAbsolute{Off: 20, Size: 1},
			bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: unix.IPPROTO_ICMPV6, SkipTrue: 3},
			bpf.LoadAbsolute{Off: 54, Size: 1},
			bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: neighborAdvertisement, SkipTrue: 1},
			bpf.RetConstant{Val: 256},
			bpf.RetConstant{Val: 0},
		}
	}
	fd := -1
	err := l.ns.Do(func() error {
		var err error
		// Protocol 0: deaf until the filter is there and bind names one.
		if fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0); err != nil {
			return err
		}
		if err := attach(fd, wanted); err != nil {
			return err
		}
		return unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: networkOrder(unix.ETH_P_ALL)})
	})
	if err != nil && fd >= 0 {
		unix.Close(fd)
	}
	return fd, err
}

func attach(fd int, program []bpf.Instruction) error {
	raw, err := bpf.Assemble(program)
	if err != nil {
		return err
	}
	code := make([]unix.SockFilter, len(raw))
	for i, r := range raw {
		code[i] = unix.SockFilter{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER,
		&unix.SockFprog{Len: uint16(len(code)), Filter: &code[0]})
}

// receive waits for one incoming frame and the interface it came in by. No
// frame in time is n 0.
func receive(fd int, buf []byte, wait time.Duration) (n, ifindex int, err error) {
	tv := unix.NsecToTimeval(int64(max(wait, time.Microsecond)))
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tv); err != nil {
		return 0, 0, err
	}
	n, from, err := unix.Recvfrom(fd, buf, 0)
	switch {
	case errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) || errors.Is(err, unix.ENETDOWN):
		return 0, 0, nil
	case err != nil:
		return 0, 0, err
	}
	at, ok := from.(*unix.SockaddrLinklayer)
	if !ok || at.Pkttype == unix.PACKET_OUTGOING {
		return 0, 0, nil
	}
	return n, at.Ifindex, nil
}

// ask runs in a host: it sends the question by eth0.
func ask(addr netip.Addr) error {
	eth0, err := netlink.LinkByName(Interface)
	if err != nil {
		return err
	}
	family := netlink.FAMILY_V4
	if addr.Is6() {
		family = netlink.FAMILY_V6
	}
	own, err := netlink.AddrList(eth0, family)
	if err != nil {
		return err
	}
	for _, a := range own {
		source, ok := netip.AddrFromSlice(a.IP)
		if !ok || !a.Contains(addr.AsSlice()) {
			continue
		}
		frame := Question(eth0.Attrs().HardwareAddr, source.Unmap(), addr)
		return transmit(eth0.Attrs().Index, frame)
	}
	return fmt.Errorf("no address on %s is in its subnet", Interface)
}

func transmit(ifindex int, frame []byte) error {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return unix.Sendto(fd, frame, 0, &unix.SockaddrLinklayer{Ifindex: ifindex, Halen: 6})
}

func networkOrder(v uint16) uint16 { return v<<8 | v>>8 }
