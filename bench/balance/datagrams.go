package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// flowsOfDatagrams is of how many flows the generator's frames are.
const flowsOfDatagrams = 64

// mmsghdr is sendmmsg(2)'s.
type mmsghdr struct {
	hdr unix.Msghdr
	n   uint32
	_   [4]byte
}

// frames are what is sent with one call.
type frames struct {
	all  [][]byte
	iovs []unix.Iovec
	msgs []mmsghdr
}

func framesOf(all [][]byte) *frames {
	f := &frames{all: all, iovs: make([]unix.Iovec, len(all)), msgs: make([]mmsghdr, len(all))}
	for i := range all {
		f.iovs[i].Base = &all[i][0]
		f.iovs[i].SetLen(len(all[i]))
		f.msgs[i].hdr.Iov = &f.iovs[i]
		f.msgs[i].hdr.SetIovlen(1)
	}
	return f
}

// send sends the first n. Where there is no room for one it is tried again:
// nothing is lost here.
func (f *frames) send(fd, n int) error {
	for at := 0; at < n; {
		sent, _, err := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(fd), uintptr(unsafe.Pointer(&f.msgs[at])), uintptr(n-at), 0, 0, 0)
		switch err {
		case 0:
			at += int(sent)
		case unix.ENOBUFS, unix.EAGAIN, unix.EINTR:
		default:
			return fmt.Errorf("cannot send frames: %w", err)
		}
	}
	return nil
}

// cableOut is a socket for frames on the client's cable, and the MACs that they
// begin with.
func cableOut(next netip.Addr) (fd int, macs []byte, err error) {
	link, err := net.InterfaceByName("eth0")
	if err != nil {
		return 0, nil, err
	}
	to, err := neighbour(link.Index, next)
	if err != nil {
		return 0, nil, err
	}
	fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, nil, err
	}
	// Past the queueing discipline, of which a veth has none.
	err = errors.Join(
		unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_QDISC_BYPASS, 1),
		unix.Bind(fd, &unix.SockaddrLinklayer{Ifindex: link.Index}))
	return fd, append(append([]byte{}, to...), link.HardwareAddr...), err
}

// head4 is the frame of an IPv4 packet with so many bytes behind its header.
func head4(macs []byte, proto byte, from, to netip.Addr, n int) []byte {
	f := make([]byte, 14+20+n)
	copy(f, macs)
	f[12] = 0x08
	ip := f[14:]
	ip[0], ip[6], ip[8], ip[9] = 0x45, 0x40, 64, proto
	binary.BigEndian.PutUint16(ip[2:], uint16(20+n))
	copy(ip[12:], from.AsSlice())
	copy(ip[16:], to.AsSlice())
	binary.BigEndian.PutUint16(ip[10:], checksum(0, ip[:20]))
	return f
}

// checksum is that of RFC 1071, of an even number of bytes.
func checksum(sum uint32, b []byte) uint16 {
	for i := 0; i < len(b); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// flood sends frames of 64 bytes (with their check sequence) as fast as it can,
// or so many a second: after every flow was answered once, so that it is an
// established one.
func flood(to string, each time.Duration, threads int, perSecond float64) error {
	if err := unix.Setpriority(unix.PRIO_PROCESS, 0, 19); err != nil {
		return fmt.Errorf("cannot be nice: %w", err)
	}
	dst, err := netip.ParseAddrPort(to)
	if err != nil {
		return err
	}
	fd, macs, err := cableOut(balancerIP)
	if err != nil {
		return err
	}
	all := make([][]byte, flowsOfDatagrams)
	for i := range all {
		c, from, err := greet(dst)
		if err != nil {
			return err
		}
		defer c.Close()
		f := head4(macs, unix.IPPROTO_UDP, clientIP, dst.Addr(), 8+18)
		binary.BigEndian.PutUint16(f[34:], from)
		binary.BigEndian.PutUint16(f[36:], dst.Port())
		binary.BigEndian.PutUint16(f[38:], 8+18)
		all[i] = f
	}
	if err := answer(os.Stdout, "ready"); err != nil {
		return err
	}
	stop := time.Now().Add(each)
	errs := make([]error, threads)
	var wg sync.WaitGroup
	for i := range threads {
		wg.Go(func() {
			const burst = 16
			f := framesOf(all)
			begun := time.Now()
			for sent := 0; time.Now().Before(stop) && errs[i] == nil; {
				n := len(all)
				if perSecond > 0 {
					due := int(time.Since(begun).Seconds()*perSecond/float64(threads)) - sent
					if n = min(n, due); n < burst {
						time.Sleep(100 * time.Microsecond)
						continue
					}
				}
				errs[i] = f.send(fd, n)
				sent += n
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// greet begins a flow and waits until the server has answered.
func greet(to netip.AddrPort) (*net.UDPConn, uint16, error) {
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to))
	if err != nil {
		return nil, 0, err
	}
	for range 20 {
		if _, err = c.Write([]byte{greeting}); err != nil {
			continue
		}
		_ = c.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
		if _, err = c.Read(make([]byte, 1)); err == nil {
			return c, c.LocalAddr().(*net.UDPAddr).AddrPort().Port(), nil
		}
	}
	c.Close()
	return nil, 0, fmt.Errorf("no answer to a datagram: %w", err)
}

// handshakes sends what a balancer sees of n clients that connect, each from an
// address and port of its own: a SYN, and the ACK of its answer.
func handshakes(to string, n int) error {
	dst, err := netip.ParseAddrPort(to)
	if err != nil {
		return err
	}
	fd, macs, err := cableOut(balancerIP)
	if err != nil {
		return err
	}
	const bunch = 4096
	all := make([][]byte, bunch)
	for i := range all {
		all[i] = head4(macs, unix.IPPROTO_TCP, clientIP, dst.Addr(), 20)
		binary.BigEndian.PutUint16(all[i][36:], dst.Port())
		all[i][46] = 0x50
	}
	f := framesOf(all)
	for at := 0; at < n; at += bunch {
		for _, flags := range []byte{syn, ack} {
			for i, f := range all {
				from := at + i
				addr := netip.AddrFrom4([4]byte{10, 0, byte(from >> 22), byte(from >> 14)})
				head := head4(macs, unix.IPPROTO_TCP, addr, dst.Addr(), 20)
				copy(f[:34], head[:34])
				binary.BigEndian.PutUint16(f[34:], uint16(1024+from%(1<<14)))
				f[47], f[50], f[51] = flags, 0, 0
				// With the pseudo-header: addresses, protocol, length.
				sum := ^checksum(unix.IPPROTO_TCP+20, f[26:34])
				binary.BigEndian.PutUint16(f[50:], checksum(uint32(sum), f[34:]))
			}
			if err := f.send(fd, min(bunch, n-at)); err != nil {
				return err
			}
		}
	}
	return nil
}
