package main

import (
	"fmt"
	"net/netip"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/linux/netns"
)

func (l *link) udpIn(to netip.Addr, each time.Duration) (float64, error) {
	return l.blast(l.client, clientIP, l.node, to, each/5)
}

func (l *link) udpOut(from netip.Addr, each time.Duration) (float64, error) {
	return l.blast(l.node, from, l.client, clientIP, each/5)
}

// payload makes a frame of 64 bytes: 14 of Ethernet, 20 of IPv4, 8 of UDP.
const payload = 64 - 14 - 20 - 8

// batch is how many packets are handed over at once. They fit into a socket.
const batch = 64

// blast sends packets from one end, reads them at the other, in turns, and
// returns packets for each second of this thread's processor time: that is
// both ends and all between them, because a veth hands a packet over within
// the sender's system call.
func (l *link) blast(from *netns.NS, src netip.Addr, to *netns.NS, dst netip.Addr, each time.Duration) (rate float64, err error) {
	sink, err := l.socket(to, dst)
	if err != nil {
		return 0, err
	}
	defer unix.Close(sink)
	source, err := l.socket(from, src)
	if err != nil {
		return 0, err
	}
	defer unix.Close(source)
	sinkAddr, err := unix.Getsockname(sink)
	if err != nil {
		return 0, err
	}
	if err := unix.Connect(source, sinkAddr); err != nil {
		return 0, err
	}
	var data [payload]byte
	iov := unix.Iovec{Base: &data[0], Len: payload}
	var msgs [batch]unix.Mmsghdr
	for i := range msgs {
		msgs[i].Hdr.Iov, msgs[i].Hdr.Iovlen = &iov, 1
	}
	do := func(call uintptr, fd int) int {
		n, _, errno := unix.Syscall6(call, uintptr(fd), uintptr(unsafe.Pointer(&msgs[0])), batch, unix.MSG_WAITFORONE, 0, 0)
		if errno != 0 {
			err = fmt.Errorf("cannot send or receive: %w", errno)
			return 0
		}
		return int(n)
	}
	_ = from.Do(func() error { // for a thread that is this goroutine's alone
		got := 0
		begin := cpu()
		for err == nil && cpu()-begin < each {
			sent := do(unix.SYS_SENDMMSG, source)
			for back := 0; back < sent && err == nil; {
				n := do(unix.SYS_RECVMMSG, sink)
				back, got = back+n, got+n
			}
		}
		rate = float64(got) / (cpu() - begin).Seconds()
		return nil
	})
	return rate, err
}

// socket is a UDP socket with this address. It waits a second for a packet,
// which is as much as saying that one was lost.
func (l *link) socket(ns *netns.NS, a netip.Addr) (fd int, err error) {
	err = ns.Do(func() (err error) {
		if fd, err = unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0); err != nil {
			return err
		}
		if err = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 1}); err != nil {
			return err
		}
		return unix.Bind(fd, &unix.SockaddrInet4{Addr: a.As4()})
	})
	return fd, err
}

func cpu() time.Duration {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts)
	return time.Duration(ts.Nano())
}
