package local

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// shared is for how long one look at /proc serves all that ask.
const shared = 100 * time.Millisecond

// Processes is the list of running processes, read once for all checks that
// ask at about the same time.
type Processes struct {
	root string // "/proc"

	mu   sync.Mutex
	at   time.Time
	list []process
	err  error
	buf  []byte
	// dir stays open: it is read from the start each time.
	dir *os.File
}

// process is one of them.
type process struct {
	pid  int
	comm string // the kernel's name for it, 15 bytes at most
	args []byte // the command line, each argument ended by a zero byte
}

// NewProcesses returns an empty list: it is read when somebody asks.
func NewProcesses() *Processes { return &Processes{root: "/proc"} }

// Close releases /proc.
func (p *Processes) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dir == nil {
		return nil
	}
	err := p.dir.Close()
	p.dir = nil
	return err
}

// now is the list, which the caller must not change.
func (p *Processes) now() ([]process, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if begin := time.Now(); begin.Sub(p.at) > shared {
		p.list, p.err = p.read()
		p.at = begin
	}
	return p.list, p.err
}

func (p *Processes) read() ([]process, error) {
	if p.dir == nil {
		dir, err := os.Open(p.root)
		if err != nil {
			return nil, fmt.Errorf("cannot list processes: %w", err)
		}
		p.dir, p.buf = dir, make([]byte, 4096)
	}
	if _, err := p.dir.Seek(0, 0); err != nil {
		return nil, fmt.Errorf("cannot list processes: %w", err)
	}
	names, err := p.dir.Readdirnames(-1)
	if err != nil {
		return nil, fmt.Errorf("cannot list processes: %w", err)
	}
	list := make([]process, 0, len(names))
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		// One that is gone by now is not running.
		if stat, ok := p.file(name + "/stat"); ok {
			if comm, alive := parseStat(stat); alive {
				if args, ok := p.file(name + "/cmdline"); ok {
					list = append(list, process{pid, comm, bytes.Clone(args)})
				}
			}
		}
	}
	return list, nil
}

// maxCommand is how much of a command line is looked at.
const maxCommand = 64 << 10

// file reads a file below /proc into the buffer. Raw system calls: files of
// /proc never wait, and there may be thousands.
func (p *Processes) file(name string) ([]byte, bool) {
	fd, err := openat(int(p.dir.Fd()), name)
	if err != nil {
		return nil, false
	}
	defer unix.Close(fd)
	n := 0
	for {
		m, err := unix.Read(fd, p.buf[n:])
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return nil, false
		case m == 0:
			return p.buf[:n], true
		}
		if n += m; n == len(p.buf) {
			if n >= maxCommand {
				return p.buf[:n], true
			}
			p.buf = append(p.buf, make([]byte, len(p.buf))...)
		}
	}
}

func openat(dir int, name string) (int, error) {
	for {
		fd, err := unix.Openat(dir, name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != unix.EINTR {
			return fd, err
		}
	}
}

// parseStat reads /proc/PID/stat (proc_pid_stat(5)): the name, which may hold
// anything, and whether the process runs. Of a process whose first thread has
// ended the others still count.
func parseStat(b []byte) (comm string, alive bool) {
	open, end := bytes.IndexByte(b, '('), bytes.LastIndexByte(b, ')')
	if open < 0 || end < open {
		return "", false
	}
	fields := bytes.Fields(b[end+1:])
	if len(fields) < 18 || len(fields[0]) == 0 {
		return "", false
	}
	const threads = 17 // num_threads, counted from the state on
	dead := fields[0][0] == 'Z' || fields[0][0] == 'X'
	return string(b[open+1 : end]), !dead || len(fields[threads]) > 1 || fields[threads][0] > '1'
}

// user is the effective user of a process. The owner of its folder will not
// do: it is root for one that has changed its user.
func (p *Processes) user(pid int) (uint32, bool) {
	data, err := os.ReadFile(p.root + "/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0, false
	}
	for line := range bytes.Lines(data) {
		if rest, ok := bytes.CutPrefix(line, []byte("Uid:")); ok {
			if ids := bytes.Fields(rest); len(ids) == 4 {
				uid, err := strconv.ParseUint(string(ids[1]), 10, 32)
				return uint32(uid), err == nil
			}
		}
	}
	return 0, false
}
