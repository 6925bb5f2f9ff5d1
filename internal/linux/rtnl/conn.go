package rtnl

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// batchBytes and batchCount bound one sendmsg. The kernel queues all answers
// of a batch before we read the first: a hundred of them fit its default
// receive buffer many times over.
const (
	batchBytes = 32 << 10
	batchCount = 100
)

// Conn is one rtnetlink socket.
type Conn struct {
	fd  int
	seq uint32
	out []byte
	in  []byte
}

// Request is one message to the kernel and, after [Conn.Do], its verdict.
type Request struct {
	Type  uint16 // unix.RTM_NEWADDR, ...
	Flags uint16 // beyond NLM_F_REQUEST and NLM_F_ACK
	Body  []byte // the family header and the attributes
	Err   error  // nil when the kernel did it; otherwise wraps a unix.Errno
	Reply []byte // the body of the answer, for requests that get one
}

// Dial opens a socket in the network namespace of the calling thread.
func Dial() (*Conn, error) { return dial(unix.NETLINK_ROUTE) }

// DialDiag opens one for questions about sockets (sock_diag(7)), which speaks
// netlink in the same way.
func DialDiag() (*Conn, error) { return dial(unix.NETLINK_SOCK_DIAG) }

func dial(protocol int) (*Conn, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, protocol)
	if err != nil {
		return nil, fmt.Errorf("cannot open rtnetlink: %w", os.NewSyscallError("socket", err))
	}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("cannot open rtnetlink: %w", os.NewSyscallError("bind", err))
	}
	// Each of these makes answers shorter or errors clearer; kernels without
	// one still work.
	for _, opt := range []int{unix.NETLINK_EXT_ACK, unix.NETLINK_CAP_ACK, unix.NETLINK_GET_STRICT_CHK} {
		_ = unix.SetsockoptInt(fd, unix.SOL_NETLINK, opt, 1)
	}
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 1<<20)
	return &Conn{fd: fd, in: make([]byte, 64<<10)}, nil
}

// Close closes the socket.
func (c *Conn) Close() error { return unix.Close(c.fd) }

// Do carries out the requests in order and sets the Err of each. A request
// that is refused does not stop the ones after it. The error is about the
// socket: what the kernel did with requests without a verdict is unknown then,
// and their Err says so.
func (c *Conn) Do(reqs []Request) error {
	for len(reqs) > 0 {
		n, err := c.doSome(reqs)
		if err != nil {
			err = fmt.Errorf("cannot talk to rtnetlink: %w", err)
			for i := range reqs {
				if i >= n || errors.Is(reqs[i].Err, errNoVerdict) {
					reqs[i].Err = err
				}
			}
			return err
		}
		reqs = reqs[n:]
	}
	return nil
}

var errNoVerdict = errors.New("the kernel gave no verdict")

// doSome sends as many requests as go into one batch and reads their verdicts.
func (c *Conn) doSome(reqs []Request) (int, error) {
	first := c.seq + 1
	c.out = c.out[:0]
	n := 0
	for n < len(reqs) && n < batchCount && (n == 0 || len(c.out)+len(reqs[n].Body) < batchBytes) {
		r := &reqs[n]
		c.seq++
		c.out = appendMessage(c.out, r.Type, r.Flags|unix.NLM_F_REQUEST|unix.NLM_F_ACK, c.seq, r.Body)
		r.Err = errNoVerdict
		n++
	}
	if err := c.send(); err != nil {
		return n, err
	}
	for waiting := n; waiting > 0; {
		err := c.receive(func(h unix.NlMsghdr, body []byte) {
			i := int(h.Seq - first)
			if i < 0 || i >= n {
				return // left over from an interrupted dump
			}
			if h.Type != unix.NLMSG_ERROR {
				reqs[i].Reply = append([]byte(nil), body...)
				return
			}
			if errors.Is(reqs[i].Err, errNoVerdict) {
				waiting--
			}
			reqs[i].Err = verdict(h, body)
		})
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// Dump asks for a list and calls fn with the body of each entry of it, valid
// during the call.
func (c *Conn) Dump(typ uint16, body []byte, fn func(body []byte)) error {
	c.seq++
	seq := c.seq
	c.out = appendMessage(c.out[:0], typ, unix.NLM_F_REQUEST|unix.NLM_F_DUMP, seq, body)
	if err := c.send(); err != nil {
		return err
	}
	var failed error
	for done := false; !done; {
		err := c.receive(func(h unix.NlMsghdr, body []byte) {
			switch {
			case h.Seq != seq || done:
			case h.Type == unix.NLMSG_DONE:
				done = true
				failed = verdict(h, body)
			case h.Type == unix.NLMSG_ERROR:
				done = true
				failed = verdict(h, body)
			default:
				fn(body)
			}
		})
		if err != nil {
			return err
		}
	}
	return failed
}

func (c *Conn) send() error {
	for {
		err := unix.Sendto(c.fd, c.out, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
		if err != unix.EINTR {
			return os.NewSyscallError("sendto", err)
		}
	}
}

// receive reads one datagram and calls fn for each message in it.
func (c *Conn) receive(fn func(h unix.NlMsghdr, body []byte)) error {
	n, _, err := unix.Recvfrom(c.fd, c.in, 0)
	if err == unix.EINTR {
		return nil
	}
	if err != nil {
		return os.NewSyscallError("recvfrom", err)
	}
	for b := c.in[:n]; len(b) >= unix.NLMSG_HDRLEN; {
		h := unix.NlMsghdr{
			Len:   binary.NativeEndian.Uint32(b),
			Type:  binary.NativeEndian.Uint16(b[4:]),
			Flags: binary.NativeEndian.Uint16(b[6:]),
			Seq:   binary.NativeEndian.Uint32(b[8:]),
			Pid:   binary.NativeEndian.Uint32(b[12:]),
		}
		if h.Len < unix.NLMSG_HDRLEN || int(h.Len) > len(b) {
			return errors.New("a netlink message with an impossible length")
		}
		fn(h, b[unix.NLMSG_HDRLEN:h.Len])
		b = b[min(align(int(h.Len)), len(b)):]
	}
	return nil
}
