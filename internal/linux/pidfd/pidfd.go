// Package pidfd watches a process that is not a child of this one
// (pidfd_open(2)).
package pidfd

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Process is a process, whatever becomes of its number.
type Process struct {
	file *os.File
	raw  syscall.RawConn
}

// Parent is the process that started this one, if it still lives.
func Parent() (*Process, error) {
	pid := unix.Getppid()
	p, err := Open(pid)
	if err != nil {
		return nil, err
	}
	if unix.Getppid() != pid {
		p.Close()
		return nil, errors.New("cannot watch the parent: it is gone")
	}
	return p, nil
}

// Open is the process that has a number now.
func Open(pid int) (*Process, error) {
	fd, err := unix.PidfdOpen(pid, unix.PIDFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("cannot watch process %d: %w", pid, err)
	}
	p := &Process{file: os.NewFile(uintptr(fd), "pidfd")}
	if p.raw, err = p.file.SyscallConn(); err != nil {
		p.Close()
		return nil, fmt.Errorf("cannot watch process %d: %w", pid, err)
	}
	return p, nil
}

// Close ends watching, not the process.
func (p *Process) Close() { _ = p.file.Close() }

// Kill ends the process, also one that is stopped.
func (p *Process) Kill() error {
	var err error
	cause := p.raw.Control(func(fd uintptr) { err = unix.PidfdSendSignal(int(fd), unix.SIGKILL, nil, 0) })
	return errors.Join(cause, err)
}

// Wait returns when the process has ended.
func (p *Process) Wait() {
	_ = p.raw.Read(func(fd uintptr) bool {
		fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(fds, 0)
		return n > 0 || err != nil && err != unix.EINTR
	})
}

// info is struct pidfd_info of linux/pidfd.h, as of its first version.
type info struct {
	mask, cgroup   uint64
	pid, tgid, ppi uint32
	credentials    [8]uint32
	exit           int32
}

const (
	getInfo  = 0xc040ff0b // PIDFD_GET_INFO: _IOWR(0xff, 11, 64 bytes)
	infoExit = 1 << 3     // PIDFD_INFO_EXIT, since Linux 6.15
	reaping  = 50 * time.Millisecond
)

// Fate says how the process ended, or nothing where the kernel does not tell
// strangers: before Linux 6.15, or as long as its own parent has not asked.
func (p *Process) Fate() string {
	for begun := time.Now(); ; time.Sleep(time.Millisecond) {
		i := info{mask: infoExit}
		var errno unix.Errno
		if p.raw.Control(func(fd uintptr) {
			_, _, errno = unix.Syscall(unix.SYS_IOCTL, fd, getInfo, uintptr(unsafe.Pointer(&i)))
		}) != nil || errno != 0 && errno != unix.ESRCH {
			return ""
		}
		if errno == 0 && i.mask&infoExit != 0 {
			status := unix.WaitStatus(i.exit)
			if status.Signaled() {
				return fmt.Sprintf("signal: %s", status.Signal())
			}
			return fmt.Sprintf("exit status %d", status.ExitStatus())
		}
		if time.Since(begun) > reaping {
			return ""
		}
	}
}
