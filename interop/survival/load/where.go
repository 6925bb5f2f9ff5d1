package load

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"

	"github.com/holdfast-net/holdfast/internal/linux/netns"
)

// Where asks from each of these addresses and ports once, and tells which backend
// answered. The connections end at once, so the same ones can ask again.
func Where(ns *netns.NS, from []netip.AddrPort, to netip.AddrPort) (map[netip.AddrPort]uint8, error) {
	where := make(map[netip.AddrPort]uint8, len(from))
	err := ns.Do(func() error {
		for _, f := range from {
			b, err := ask(f, to)
			if err != nil {
				return fmt.Errorf("cannot ask from %s: %w", f, err)
			}
			where[f] = b
		}
		return nil
	})
	return where, err
}

func ask(from, to netip.AddrPort) (backend uint8, err error) {
	d := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(from), Timeout: 20 * time.Second}
	c, err := d.Dial("tcp", to.String())
	if err != nil {
		return 0, err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	_ = c.(*net.TCPConn).SetLinger(0) // no TIME_WAIT
	if _, err := c.Write(requests[1]); err != nil {
		return 0, err
	}
	answer := make([]byte, answerSize)
	if _, err := io.ReadFull(c, answer); err != nil {
		return 0, err
	}
	backend, ok := isAnswer(answer)
	if !ok {
		return 0, fmt.Errorf("another answer than it has to be: %q", answer[:40])
	}
	return backend, nil
}
