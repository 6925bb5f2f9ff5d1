package load

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/linux/netns"
)

// Backend is where one server listens.
type Backend struct {
	NS *netns.NS
	At []netip.AddrPort
}

// How a download flows.
const (
	pieceSize  = 4096
	pieceEvery = 100 * time.Millisecond
)

// Server is all servers: one thread that waits for the sockets of all
// namespaces.
type Server struct {
	ep       int
	conns    []*served // by file descriptor
	paced    map[int]*served
	next     time.Time // of the downloads' next piece
	buf      []byte
	stopping atomic.Bool
	done     sync.WaitGroup
}

// served is a socket of a server.
type served struct {
	backend uint8
	listens bool
	mode    byte
	sent    int64  // of a download
	part    []byte // of a request or a number, until it is whole
}

// Serve starts a server on each backend. The number of a backend is its place.
func Serve(backends []Backend) (*Server, error) {
	ep, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("cannot start servers: %w", err)
	}
	s := &Server{ep: ep, paced: map[int]*served{}, buf: make([]byte, 65536)}
	for i, b := range backends {
		for _, at := range b.At {
			if err := b.NS.Do(func() error { return s.listen(uint8(i), at) }); err != nil {
				s.close()
				return nil, fmt.Errorf("cannot start a server at %s: %w", at, err)
			}
		}
	}
	s.done.Go(s.run)
	return s, nil
}

func (s *Server) listen(backend uint8, at netip.AddrPort) error {
	fd, err := socket(at.Addr())
	if err != nil {
		return err
	}
	err = errors.Join(
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1),
		unix.Bind(fd, sockaddr(at)),
		unix.Listen(fd, 4096))
	if err == nil {
		err = s.add(fd, &served{backend: backend, listens: true})
	}
	if err != nil {
		unix.Close(fd)
	}
	return err
}

func (s *Server) add(fd int, c *served) error {
	for fd >= len(s.conns) {
		s.conns = append(s.conns, make([]*served, 1024)...)
	}
	s.conns[fd] = c
	return unix.EpollCtl(s.ep, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)})
}

// Stop ends them all.
func (s *Server) Stop() {
	s.stopping.Store(true)
	s.done.Wait()
	s.close()
}

func (s *Server) close() {
	for fd, c := range s.conns {
		if c != nil {
			unix.Close(fd)
		}
	}
	unix.Close(s.ep)
}

func (s *Server) run() {
	runtime.LockOSThread()
	events := make([]unix.EpollEvent, 512)
	for !s.stopping.Load() {
		n, err := unix.EpollWait(s.ep, events, 20)
		if err != nil && !errors.Is(err, unix.EINTR) {
			panic(os.NewSyscallError("epoll_wait", err)) // of a descriptor that is ours
		}
		for i := range max(n, 0) {
			fd := int(events[i].Fd)
			c := s.conns[fd]
			switch {
			case c == nil:
			case c.listens:
				s.accept(fd, c.backend)
			case !s.read(fd, c):
				s.end(fd)
			}
		}
		if now := time.Now(); now.After(s.next) {
			s.next = now.Add(pieceEvery)
			for fd, c := range s.paced {
				if !c.piece(fd) {
					s.end(fd)
				}
			}
		}
	}
}

func (s *Server) end(fd int) {
	delete(s.paced, fd)
	s.conns[fd] = nil
	unix.Close(fd)
}

func (s *Server) accept(fd int, backend uint8) {
	for range 64 {
		c, _, err := unix.Accept4(fd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		if err != nil {
			return // that one is gone, or there is none
		}
		_ = unix.SetsockoptInt(c, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
		if s.add(c, &served{backend: backend}) != nil {
			s.end(c)
		}
	}
}

// read does what a client asks for. It tells whether the connection goes on.
func (s *Server) read(fd int, c *served) bool {
	n, err := unix.Read(fd, s.buf)
	switch {
	case errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR):
		return true
	case err != nil || n == 0:
		return false
	}
	if c.mode == 0 {
		c.mode = s.buf[0]
	}
	switch c.mode {
	case modeDownload:
		s.paced[fd] = c
		return true
	case modeEcho:
		return c.echo(fd, s.buf[:n])
	case modeRequest:
		return c.answer(fd, s.buf[:n])
	}
	return false
}

func (c *served) echo(fd int, b []byte) bool {
	c.part = append(c.part, b...)
	for len(c.part) >= numberSize {
		c.part[1] = c.backend
		if !write(fd, c.part[:numberSize]) {
			return false
		}
		c.part = c.part[:copy(c.part, c.part[numberSize:])]
	}
	return true
}

// answer goes on where the client closes first.
func (c *served) answer(fd int, b []byte) bool {
	c.part = append(c.part, b...)
	if len(c.part) < len(requests[0]) {
		return true
	}
	keeps := string(c.part) == string(requests[1])
	c.part = nil
	return write(fd, answers[c.backend]) && keeps
}

func (c *served) piece(fd int) bool {
	at := int(c.sent % int64(len(stream)))
	n, err := unix.Write(fd, stream[at:min(at+pieceSize, len(stream))])
	if n > 0 {
		c.sent += int64(n)
	}
	return err == nil || errors.Is(err, unix.EAGAIN)
}

// write writes what fits into the socket's buffer, which is all that there is.
func write(fd int, b []byte) bool {
	n, err := unix.Write(fd, b)
	return err == nil && n == len(b)
}
