package bpf

import (
	"encoding/binary"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/balance/packets"
)

// tap is a socket that sees what leaves through an interface.
func tap(t testing.TB, index int) int {
	t.Helper()
	all := int(binary.NativeEndian.Uint16([]byte{0, unix.ETH_P_ALL}))
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, all)
	must(t, err)
	t.Cleanup(func() { unix.Close(fd) })
	must(t, unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: uint16(all), Ifindex: index}))
	return fd
}

// left is the frame of TCP that the program sent besides what it was given.
func (b *bench) left() (frame []byte) {
	b.Helper()
	buf := make([]byte, 65536)
	for {
		n, from, err := unix.Recvfrom(b.wire, buf, 0)
		if err == unix.EAGAIN {
			return frame
		}
		must(b, err)
		if from.(*unix.SockaddrLinklayer).Pkttype != unix.PACKET_OUTGOING || !isTCP(buf[:n]) {
			continue
		}
		if frame != nil {
			b.Fatalf("two frames left besides: % x, % x", frame, buf[:n])
		}
		frame = slices.Clone(buf[:n])
	}
}

func isTCP(frame []byte) bool {
	switch binary.BigEndian.Uint16(frame[12:]) {
	case unix.ETH_P_IP:
		return frame[23] == packets.TCP
	case unix.ETH_P_IPV6:
		return frame[20] == packets.TCP
	}
	return false
}
