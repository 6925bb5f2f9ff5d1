package guardian

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// line is the daemon's end of the socket to its guardian.
type line struct {
	file *os.File
	raw  syscall.RawConn
}

// highest is where the daemon's end is in the table of open files: the kernel
// closes what a dead process had open from the last to the first, and a packet
// socket takes it milliseconds.
const highest = 1000

// roomy is what the socket holds: thousands of voices at once.
const roomy = 4 << 20

// newLine makes the two ends of a line: ours, and the one that the guardian
// inherits.
func newLine() (l *line, theirs *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot make a socket: %w", err)
	}
	if unix.SetsockoptInt(fds[0], unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, roomy) != nil {
		_ = unix.SetsockoptInt(fds[0], unix.SOL_SOCKET, unix.SO_SNDBUF, roomy)
	}
	ours := fds[0]
	if high, err := unix.FcntlInt(uintptr(ours), unix.F_DUPFD_CLOEXEC, highest); err == nil {
		_ = unix.Close(ours)
		ours = high
	}
	l = &line{file: os.NewFile(uintptr(ours), "guardian")}
	theirs = os.NewFile(uintptr(fds[1]), "daemon")
	if l.raw, err = l.file.SyscallConn(); err != nil {
		l.close()
		_ = theirs.Close()
		return nil, nil, err
	}
	return l, theirs, nil
}

// send hands over one datagram, or nothing. It never blocks.
func (l *line) send(b []byte) bool {
	var err error
	if l.raw.Control(func(fd uintptr) {
		err = unix.Sendto(int(fd), b, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, nil)
	}) != nil {
		return false
	}
	return err == nil
}

// receive waits for a datagram.
func (l *line) receive(b []byte) (int, error) { return l.file.Read(b) }

// hangUp ends what is said, and lets the other end read it first.
func (l *line) hangUp() error {
	var err error
	cause := l.raw.Control(func(fd uintptr) { err = unix.Shutdown(int(fd), unix.SHUT_WR) })
	return errors.Join(cause, err)
}

func (l *line) close() { _ = l.file.Close() }
