package server

import (
	"net"
	"sync"
)

// limited is a listener with a bound on open connections; further clients wait
// in the kernel's queue. It also asks who is at the other end.
type limited struct {
	net.Listener
	slots  chan struct{}
	closed chan struct{}
	once   sync.Once
}

func limit(l net.Listener, n int) *limited {
	return &limited{Listener: l, slots: make(chan struct{}, n), closed: make(chan struct{})}
}

// Accept waits for a client and for a place.
func (l *limited) Accept() (net.Conn, error) {
	select {
	case l.slots <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.slots
		return nil, err
	}
	out := &conn{Conn: c, leave: func() { <-l.slots }}
	if u, ok := c.(*net.UnixConn); ok {
		p := credentials(u)
		out.peer = &p
	}
	return out, nil
}

// Close stops listening.
func (l *limited) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// conn is an accepted connection.
type conn struct {
	net.Conn
	peer  *peer // of a unix socket
	leave func()
	once  sync.Once
}

// Close gives the place back.
func (c *conn) Close() error {
	err := c.Conn.Close()
	c.once.Do(c.leave)
	return err
}
