package look

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/linux/rtnl"
)

// Look reads the kernel's tables. It may be used by several goroutines.
type Look struct {
	mu    sync.Mutex
	conn  *rtnl.Conn
	ioctl int // a socket for what rtnetlink does not tell
}

// New opens what is needed, in the network namespace of the calling thread.
func New() (*Look, error) {
	conn, err := rtnl.Dial()
	if err != nil {
		return nil, err
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("cannot open a socket to ask about interfaces: %w", err)
	}
	return &Look{conn: conn, ioctl: fd}, nil
}

// Close releases it.
func (l *Look) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return errors.Join(l.conn.Close(), unix.Close(l.ioctl))
}

// ask sends one request that has an answer. It is nil where there is no such
// thing.
func (l *Look) ask(typ uint16, body []byte) ([]byte, error) {
	reqs := []rtnl.Request{{Type: typ, Body: body}}
	if err := l.conn.Do(reqs); err != nil {
		return nil, err
	}
	switch err := reqs[0].Err; {
	case err == nil:
		return reqs[0].Reply, nil
	case errors.Is(err, unix.ENODEV), errors.Is(err, unix.ENOENT), errors.Is(err, unix.ESRCH),
		errors.Is(err, unix.ENETUNREACH), errors.Is(err, unix.EHOSTUNREACH), errors.Is(err, unix.EADDRNOTAVAIL):
		return nil, nil
	default:
		return nil, err
	}
}

// names remembers what interfaces are called, for one look.
type names struct {
	look  *Look
	known map[int]string
}

func (l *Look) names() names { return names{l, map[int]string{}} }

// of is the name of an interface; one that has gone meanwhile has its number.
func (n names) of(index int) string {
	if name, ok := n.known[index]; ok {
		return name
	}
	name := fmt.Sprintf("#%d", index)
	if reply, err := n.look.ask(unix.RTM_GETLINK, linkRequest(index, "")); err == nil && reply != nil {
		if link, ok := parseLink(reply); ok {
			name = link.Name
		}
	}
	n.known[index] = name
	return name
}

func number(v []byte) int { return int(binary.NativeEndian.Uint32(v)) }

func text(v []byte) string { return string(bytes.TrimRight(v, "\x00")) }
