package observe

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// snap is as much of a frame as is looked at.
const snap = 128

// socket is a packet socket with the kernel's timestamps.
type socket struct {
	file   *os.File
	closed atomic.Bool
}

// open opens a socket in the calling thread's namespace: on one interface, or
// on all where ifindex is 0.
func open(ifindex int, program []bpf.Instruction) (*socket, error) {
	// Protocol 0: deaf until the filter is there and bind names one.
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot open packet socket: %w", err)
	}
	raw, err := bpf.Assemble(program)
	code := make([]unix.SockFilter, len(raw))
	for i, r := range raw {
		code[i] = unix.SockFilter{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	if err == nil {
		err = errors.Join(
			unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(code)), Filter: &code[0]}),
			unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1),
			// What arrives while a busy machine keeps the reader waiting.
			unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 64<<20),
			unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: networkOrder(unix.ETH_P_ALL), Ifindex: ifindex}))
	}
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("cannot set packet socket up: %w", err)
	}
	return &socket{file: os.NewFile(uintptr(fd), "packet")}, nil
}

// frame is one received frame.
type frame struct {
	at      int64 // ns since 1970
	ifindex int
	sent    bool // by this machine's side of the interface, not received
	data    []byte
}

// each calls f with every frame until the socket is closed. The frame is
// valid during the call only.
func (s *socket) each(f func(frame)) error {
	conn, err := s.file.SyscallConn()
	if err != nil {
		return err
	}
	data, oob := make([]byte, snap), make([]byte, 128)
	for {
		var n, oobn int
		var from unix.Sockaddr
		var failed error
		err := conn.Read(func(fd uintptr) bool {
			n, oobn, _, from, failed = unix.Recvmsg(int(fd), data, oob, 0)
			return !errors.Is(failed, unix.EAGAIN)
		})
		switch {
		case err != nil && s.closed.Load():
			return nil
		case err != nil:
			return err
		case errors.Is(failed, unix.EINTR), errors.Is(failed, unix.ENETDOWN):
			continue
		case failed != nil:
			return fmt.Errorf("cannot read packet socket: %w", failed)
		}
		at, ok := from.(*unix.SockaddrLinklayer)
		if !ok {
			continue
		}
		f(frame{stamp(oob[:oobn]), at.Ifindex, at.Pkttype == unix.PACKET_OUTGOING, data[:n]})
	}
}

// stamp reads the kernel's timestamp.
func stamp(oob []byte) int64 {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err == nil {
		for _, m := range messages {
			if m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SO_TIMESTAMPNS && len(m.Data) >= int(unsafe.Sizeof(unix.Timespec{})) {
				return (*unix.Timespec)(unsafe.Pointer(&m.Data[0])).Nano()
			}
		}
	}
	return time.Now().UnixNano()
}

// lost is the number of frames that nobody read in time.
func (s *socket) lost() (int, error) {
	conn, err := s.file.SyscallConn()
	if err != nil {
		return 0, err
	}
	var stats *unix.TpacketStats
	var failed error
	if err := conn.Control(func(fd uintptr) {
		stats, failed = unix.GetsockoptTpacketStats(int(fd), unix.SOL_PACKET, unix.PACKET_STATISTICS)
	}); err != nil || failed != nil {
		return 0, errors.Join(err, failed)
	}
	return int(stats.Drops), nil
}

func (s *socket) close() error {
	s.closed.Store(true)
	return s.file.Close()
}

func networkOrder(v uint16) uint16 { return v<<8 | v>>8 }
