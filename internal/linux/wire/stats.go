package wire

import (
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// counters are written by the loop and read by anyone.
type counters struct {
	received, malformed, receiveErrors, sent, refused atomic.Uint64
}

// Stats is what happened on one open interface since it was opened.
type Stats struct {
	Interface string
	Received  uint64 // delivered by Wait
	Malformed uint64 // too long, or without the facts that must come with a packet
	Errors    uint64 // reported by a receiving socket
	Sent      uint64 // taken by the kernel
	Refused   uint64 // not taken
	// Overflow counts adverts and messages that the kernel dropped because
	// the loop did not fetch them in time.
	Overflow uint64
}

// Stats describes the open interfaces, in no order. It may be called from any
// goroutine.
func (w *Wire) Stats() []Stats {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := make([]Stats, 0, len(w.ports))
	for _, p := range w.ports {
		s := Stats{
			Interface: p.name,
			Received:  p.count.received.Load(),
			Malformed: p.count.malformed.Load(),
			Errors:    p.count.receiveErrors.Load(),
			Sent:      p.count.sent.Load(),
			Refused:   p.count.refused.Load(),
		}
		for _, sockets := range [][2]*socket{p.raw, p.udp} {
			for _, s1 := range sockets {
				s.Overflow += s1.drops()
			}
		}
		all = append(all, s)
	}
	return all
}

// drops asks the kernel how many packets did not fit into a socket's buffer.
func (s *socket) drops() uint64 {
	if s == nil {
		return 0
	}
	var info [unix.SK_MEMINFO_VARS]uint32
	size := uint32(unsafe.Sizeof(info))
	_, _, errno := unix.RawSyscall6(unix.SYS_GETSOCKOPT, uintptr(s.fd), unix.SOL_SOCKET, unix.SO_MEMINFO,
		uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
	if errno != 0 {
		return 0
	}
	return uint64(info[unix.SK_MEMINFO_DROPS])
}
