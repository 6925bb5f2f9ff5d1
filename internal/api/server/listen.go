package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	defaultGroup = "holdfast"
	// maxPath is the room for a path in sockaddr_un, unix(7), less the
	// zero at its end.
	maxPath = 107
	// answerWait is how long a socket that exists is given to answer.
	answerWait = time.Second
)

// Listener is the control socket.
type Listener struct {
	net.Listener
	access Access
	lock   *os.File
}

// Listen makes the control socket at path: mode 0660, owned by the daemon's
// user and the group of a. A socket that a dead daemon left is replaced. It is
// an error if another daemon has this path, dead or alive being told by a lock
// on path.lock, which the kernel gives back when a process ends; whatever else
// answers at path, or is no socket, is left alone too.
func Listen(path string, a Access) (*Listener, error) {
	l, err := listen(path, a)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w", path, err)
	}
	return l, nil
}

func listen(path string, a Access) (*Listener, error) {
	if len(path) > maxPath {
		return nil, fmt.Errorf("the path has %d bytes, a unix socket takes %d at most", len(path), maxPath)
	}
	var err error
	if a.gid, err = groupID(a.Group); err != nil {
		return nil, err
	}
	a.uid = os.Geteuid()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	lock, err := take(path + ".lock")
	if err != nil {
		return nil, err
	}
	l, err := bind(path, &a)
	if err != nil {
		return nil, errors.Join(err, give(lock))
	}
	return &Listener{Listener: l, access: a, lock: lock}, nil
}

// bind makes the socket where nobody listens.
func bind(path string, a *Access) (net.Listener, error) {
	if err := removeStale(path); err != nil {
		return nil, err
	}
	// The socket is made with the mode that its inode has before bind, so
	// there is no instant at which others could connect.
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var err error
		if e := c.Control(func(fd uintptr) { err = unix.Fchmod(int(fd), 0o600) }); e != nil {
			return e
		}
		return err
	}}
	l, err := lc.Listen(context.Background(), "unix", path)
	if err != nil {
		return nil, bare(err)
	}
	if a.gid >= 0 {
		if err := os.Chown(path, -1, a.gid); err != nil {
			// A daemon without privileges may not be a member of the
			// default group; then only its own user and root get in.
			if a.Group != "" {
				l.Close()
				return nil, fmt.Errorf("cannot give it to group %s: %w", a.Group, bare(err))
			}
			a.gid = -1
		}
	}
	if err := os.Chmod(path, 0o660); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// Close stops listening, removes the socket and lets another daemon have the
// path.
func (l *Listener) Close() error {
	return errors.Join(l.Listener.Close(), give(l.lock))
}

// groupID finds the socket's group; -1 where there is none.
func groupID(name string) (int, error) {
	wanted := name
	if wanted == "" {
		wanted = defaultGroup
	}
	g, err := user.LookupGroup(wanted)
	if err != nil {
		if name == "" {
			return -1, nil
		}
		return 0, fmt.Errorf("there is no group %s on this machine", name)
	}
	return strconv.Atoi(g.Gid)
}

// take locks the path for as long as this process lives, and leaves the
// process id for whoever finds it taken. The file stays: removing it would
// let two processes lock two files of one name.
func take(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		defer f.Close()
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("cannot lock %s: %w", name, err)
		}
		if pid, _ := io.ReadAll(io.LimitReader(f, 20)); len(pid) > 0 {
			return nil, fmt.Errorf("another holdfast has it (process %s)", bytes.TrimSpace(pid))
		}
		return nil, errors.New("another holdfast has it")
	}
	// For people only: without it the message above is shorter.
	_ = f.Truncate(0)
	_, _ = fmt.Fprintln(f, os.Getpid())
	return f, nil
}

// give unlocks what take locked. Closing alone would not do it at once, while
// a program that is just being started has a copy of the descriptor.
func give(lock *os.File) error {
	return errors.Join(unix.Flock(int(lock.Fd()), unix.LOCK_UN), lock.Close())
}

// removeStale clears the path, if what is there is a socket where nobody
// answers.
func removeStale(path string) error {
	st, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return bare(err)
	}
	if st.Mode()&fs.ModeSocket == 0 {
		return errors.New("there is something else, not a socket")
	}
	c, err := net.DialTimeout("unix", path, answerWait)
	if err == nil {
		c.Close()
		return errors.New("somebody answers there already")
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("cannot tell whether somebody listens there: %w", bare(err))
	}
	return os.Remove(path)
}

// bare takes off what the message around it says already.
func bare(err error) error {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno
	}
	return err
}
