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

	mu      sync.Mutex
	open    []net.Conn
	release []func()
	ended   bool
	failed  error // of the last dial
}

// dial is for the library. The connection ends with ctx, which is that of the
// look and not what the library made of it.
func (c *conns) dial(ctx context.Context, address string) (net.Conn, error) {
	c.mu.Lock()
	ended := c.ended
	c.mu.Unlock()
	if ended {
		return nil, errEnded
	}
	conn, release, err := c.dialer.dial(ctx, "tcp", address)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.failed = err
		return nil, err
	}
	if c.ended {
		release()
		conn.Close()
		return nil, errEnded
	}
	c.open = append(c.open, conn)
	c.release = append(c.release, release)
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
