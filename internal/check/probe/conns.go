package probe

import (
	"context"
	"net"
	"sync"
)

// conns are the connections that a library opens during one look. Its
// goroutines end with them, so none outlives the look.
type conns struct {
	dialer *dialer
	look   context.Context // a library's own context may end as soon as it is connected

	mu      sync.Mutex
	open    []net.Conn
	release []func()
	ended   bool
	failed  error // of the last dial
}

// dial is for the library: ctx bounds the connecting, the look all the rest.
func (c *conns) dial(ctx context.Context, address string) (net.Conn, error) {
	c.mu.Lock()
	ended := c.ended
	c.mu.Unlock()
	if ended {
		return nil, errEnded
	}
	conn, err := c.dialer.tcp.DialContext(ctx, "tcp", address)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.failed = err
		return nil, err
	}
	if c.ended {
		conn.Close()
		return nil, errEnded
	}
	c.open = append(c.open, conn)
	c.release = append(c.release, bound(c.look, conn))
	return conn, nil
}

// end closes everything, and lets nothing new begin.
func (c *conns) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	for i, conn := range c.open {
		c.release[i]()
		conn.Close()
	}
	c.open, c.release = nil, nil
}

// dialFailure is why the last dial failed, if one did.
func (c *conns) dialFailure() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failed
}
