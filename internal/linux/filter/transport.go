package filter

import (
	"errors"
	"fmt"
	"time"

	"github.com/google/nftables"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// patience bounds one transaction. The kernel answers within a millisecond;
// the caller has addresses to move and must not hang on an answer that was
// lost.
const patience = 2 * time.Second

// transport is one netlink socket to nftables, opened when needed.
type transport struct {
	conn *nftables.Conn
	raw  *netlink.Conn
}

func (t *transport) open() error {
	if t.conn != nil {
		return nil
	}
	conn, err := nftables.New(nftables.AsLasting(), nftables.WithSockOptions(func(c *netlink.Conn) error {
		t.raw = c
		return nil
	}))
	if err != nil {
		return err
	}
	t.conn = conn
	return nil
}

// flush sends what is queued. After an error the socket is not used again:
// answers could still be in it.
func (t *transport) flush() error {
	err := t.raw.SetDeadline(time.Now().Add(patience))
	if err == nil {
		err = t.conn.Flush()
	}
	if err != nil {
		t.close()
	}
	return err
}

func (t *transport) close() {
	if t.conn != nil {
		_ = t.conn.CloseLasting() // nothing of ours is lost with it
		t.conn, t.raw = nil, nil
	}
}

// missing says whether the kernel did not find what we changed.
func missing(err error) bool { return errors.Is(err, unix.ENOENT) }

// unavailable says whether the kernel has no nftables, or not this family.
func unavailable(err error) bool {
	for _, no := range []error{unix.EOPNOTSUPP, unix.EAFNOSUPPORT, unix.EPROTONOSUPPORT} {
		if errors.Is(err, no) {
			return true
		}
	}
	return false
}

func explain(err error) error {
	if unavailable(err) {
		return fmt.Errorf("this kernel has no nftables for it: %w", err)
	}
	return err
}
