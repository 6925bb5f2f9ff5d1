package load

import (
	"errors"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

type state uint8

const (
	unused state = iota
	connects
	waits // for what it has asked for
	rests
)

// conn is a client's connection. It is used again for another one: gen tells an
// event of the one before.
type conn struct {
	fd      int
	slot    int32
	gen     int32
	kind    Kind
	state   state
	fresh   bool // has not heard anything yet
	place   int  // in long
	id, seq uint32
	began   time.Duration // of the exchange
	in      []byte        // what has come of it
	offset  int64         // of a download
	backend uint8
}

// open begins a connection. One that fails at once is recorded, and nil.
func (c *Client) open(kind Kind, place int) *conn {
	k := c.slot()
	c.seq++
	*k = conn{fd: -1, slot: k.slot, gen: k.gen + 1, kind: kind, place: place, state: connects, id: c.seq, began: c.now(), in: k.in[:0]}
	if err := c.connect(k); err != nil {
		c.lose(k, outcomeOf(err))
		return nil
	}
	if kind == Request {
		c.waiting = append(c.waiting, deadline{k, k.gen, k.began + c.cfg.Patience})
	}
	return k
}

func (c *Client) slot() *conn {
	if n := len(c.free); n > 0 {
		k := c.conns[c.free[n-1]]
		c.free = c.free[:n-1]
		return k
	}
	k := &conn{slot: int32(len(c.conns))}
	c.conns = append(c.conns, k)
	return k
}

func (c *Client) connect(k *conn) (err error) {
	if k.fd, err = socket(c.cfg.To.Addr()); err != nil {
		return err
	}
	if n := len(c.cfg.From); n > 0 {
		from := sockaddrOf(c.cfg.From[int(k.id)%n])
		// The port is chosen at connect, for the pair of addresses.
		err = errors.Join(unix.SetsockoptInt(k.fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1), unix.Bind(k.fd, from))
		if err != nil {
			return err
		}
	}
	if err := unix.Connect(k.fd, sockaddr(c.cfg.To)); err != nil && !errors.Is(err, unix.EINPROGRESS) {
		return err
	}
	_ = unix.SetsockoptInt(k.fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	return unix.EpollCtl(c.ep, unix.EPOLL_CTL_ADD, k.fd, &unix.EpollEvent{
		Events: unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET, Fd: k.slot, Pad: k.gen,
	})
}

// event is news of a connection.
func (c *Client) event(k *conn) {
	if k.state == connects {
		if code, err := unix.GetsockoptInt(k.fd, unix.SOL_SOCKET, unix.SO_ERROR); err != nil || code != 0 {
			c.lose(k, outcomeOf(unix.Errno(code)))
			return
		}
		if _, err := unix.Getpeername(k.fd); err != nil {
			return // not yet
		}
		began := k.began // what a client waits for begins with the connecting
		if c.say(k); k.state == waits {
			k.began = began
		}
	}
	gen := k.gen
	for k.gen == gen && k.state != unused {
		n, err := unix.Read(k.fd, c.buf)
		switch {
		case errors.Is(err, unix.EAGAIN):
			return
		case errors.Is(err, unix.EINTR):
		case err != nil:
			c.lose(k, outcomeOf(err))
		case n == 0:
			c.closed(k)
		default:
			c.heard(k, c.buf[:n])
		}
	}
}

// say begins an exchange.
func (c *Client) say(k *conn) {
	k.began, k.in, k.state = c.now(), k.in[:0], waits
	var b []byte
	switch k.kind {
	case Echo, Idle:
		k.seq++
		var number [numberSize]byte
		putNumber(number[:], k.id, k.seq)
		b = number[:]
	case Download:
		if k.fresh {
			b = []byte{modeDownload}
		}
	case Request:
		b = requests[k.id%2]
	}
	if n, err := unix.Write(k.fd, b); err != nil || n != len(b) {
		c.lose(k, outcomeOf(err))
	}
}

// heard is what came.
func (c *Client) heard(k *conn, b []byte) {
	if k.kind == Download {
		if !isStream(b, k.offset) {
			c.lose(k, Wrong)
			return
		}
		c.note(k, Done)
		k.offset, k.began, k.fresh = k.offset+int64(len(b)), c.now(), false
		return
	}
	k.in = append(k.in, b...)
	var ok bool
	switch {
	case k.state == rests:
	case k.kind == Request && len(k.in) < answerSize, k.kind != Request && len(k.in) < numberSize:
		return
	case k.kind == Request:
		k.backend, ok = isAnswer(k.in)
	default:
		k.backend, ok = isNumber(k.in, k.id, k.seq)
	}
	switch {
	case !ok:
		c.lose(k, Wrong)
	case k.kind != Request:
		c.note(k, Done)
		k.state, k.fresh = rests, false
	case k.id%2 == 1: // the client closes first
		c.note(k, Done)
		c.end(k)
	}
}

// closed: the server says that this is all. That is right for requests of one kind.
func (c *Client) closed(k *conn) {
	if _, ok := isAnswer(k.in); k.kind == Request && ok {
		c.note(k, Done)
		c.end(k)
		return
	}
	c.lose(k, Closed)
}

func isAnswer(b []byte) (backend uint8, ok bool) {
	const at = len("HTTP/1.1 200 OK\r\nContent-Length: 1234\r\nX-Backend: ")
	if len(b) != answerSize {
		return 0, false
	}
	digits := b[at : at+3]
	for digits[0] == ' ' && len(digits) > 1 {
		digits = digits[1:]
	}
	n, err := strconv.ParseUint(string(digits), 10, 8)
	return uint8(n), err == nil && string(b) == string(answers[n])
}

// lose ends a connection that did not do what it had to.
func (c *Client) lose(k *conn, o Outcome) {
	if k.state == rests {
		k.began = c.now()
	}
	c.note(k, o)
	c.end(k)
}

func (c *Client) end(k *conn) {
	if k.fd >= 0 {
		unix.Close(k.fd)
	}
	if k.kind != Request && c.long[k.place] == k {
		c.long[k.place] = nil
	}
	k.state, k.fd = unused, -1
	k.gen++
	c.free = append(c.free, k.slot)
}

func outcomeOf(err error) Outcome {
	switch {
	case errors.Is(err, unix.ECONNRESET), errors.Is(err, unix.ECONNREFUSED), errors.Is(err, unix.EPIPE):
		return Reset
	case errors.Is(err, unix.ETIMEDOUT), errors.Is(err, unix.EHOSTUNREACH), errors.Is(err, unix.ENETUNREACH):
		return Silence
	}
	return Failed
}
