package matrix

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/linux/netns"
)

// datagrams of all sizes come back, whole and in fragments, near and far.
func (s *site) datagrams(f family, _ scheduler) error {
	for _, ns := range []*netns.NS{s.client, s.far} {
		c := s.flow(ns, f, netip.Addr{}, servicePort)
		defer c.Close()
		at := ""
		for _, size := range []int{1, 1290, 1450, 4000, 20000} {
			name, err := say(c, 0, size)
			if err != nil {
				return fmt.Errorf("from %s: %w", c.LocalAddr(), err)
			}
			if at != "" && name != at {
				return fmt.Errorf("a flow went to %s and to %s", at, name)
			}
			at = name
		}
	}
	return nil
}

// The types of ICMP.
const (
	unreachable4, exceeded4 = 3, 11
	unreachable6, exceeded6 = 1, 3
)

func (f family) unreachable() uint8 {
	if f.vip().Is6() {
		return unreachable6
	}
	return unreachable4
}

func (f family) exceeded() uint8 {
	if f.vip().Is6() {
		return exceeded6
	}
	return exceeded4
}

// errors checks that both ends hear what became of their packets. What a proxy
// is told of one connection is not said on the other.
func (s *site) errors(f family, _ scheduler) error {
	if s.mode.forward == "proxy" {
		return nil
	}
	tests := []func(family) error{s.nobodyThere, s.clientGone, s.answerExpires}
	if !s.mode.direct() { // a tunnel's packet begins with new hops
		tests = append(tests, s.questionExpires)
	}
	for _, test := range tests {
		if err := test(f); err != nil {
			return err
		}
	}
	return nil
}

// nobodyThere: the backend has no such port, and the client hears it.
func (s *site) nobodyThere(f family) error {
	for _, ns := range []*netns.NS{s.client, s.far} {
		c := s.flow(ns, f, netip.Addr{}, voidPort)
		defer c.Close()
		if _, err := say(c, 0, 10); !errors.Is(err, unix.ECONNREFUSED) {
			return fmt.Errorf("of a port where nobody listens %s was told: %w", c.LocalAddr(), err)
		}
	}
	return nil
}

// clientGone: the client has closed its socket when the answer comes.
func (s *site) clientGone(f family) error {
	var err error
	for try := range tries {
		c := s.flow(s.client, f, netip.Addr{}, servicePort)
		var name string
		if name, err = say(c, 0, 1); err != nil {
			c.Close()
			return err
		}
		// An answer that is under way when the socket is closed.
		for range 20 {
			if _, err := c.Write([]byte{0}); err != nil {
				break
			}
		}
		c.Close()
		err = soon(try, func() error {
			return s.backend(name).was(func(r report) bool {
				return r.errno == unix.ECONNREFUSED && r.kind == f.unreachable() && r.from != unix.SO_EE_ORIGIN_LOCAL && s.seen(f, r.to, c)
			})
		})
		if err == nil {
			return nil
		}
	}
	return fmt.Errorf("the client has closed its socket: %w", err)
}

// answerExpires: a router on the way to the client drops the answer.
func (s *site) answerExpires(f family) error {
	c := s.flow(s.far, f, netip.Addr{}, servicePort)
	defer c.Close()
	name, err := say(c, 0, 1)
	if err != nil {
		return err
	}
	hops := byte(1) // to edge
	if !s.mode.direct() {
		hops++ // the balancer
	}
	if s.backend(name).routed {
		hops += 2
	}
	for try := range tries {
		if _, err := c.Write([]byte{hops}); err != nil {
			return err
		}
		err = soon(try, func() error {
			return s.backend(name).was(func(r report) bool {
				return r.errno == unix.EHOSTUNREACH && r.kind == f.exceeded() && s.seen(f, r.to, c)
			})
		})
		if err == nil {
			return nil
		}
	}
	return fmt.Errorf("an answer took too many hops: %w", err)
}

// seen tells whether that is a client as backends know it.
func (s *site) seen(f family, as netip.AddrPort, c *net.UDPConn) bool {
	if s.mode.forward == "full-nat" {
		return as.Addr() == f.inner()
	}
	return as == c.LocalAddr().(*net.UDPAddr).AddrPort()
}

// questionExpires: a router on the way to the backend drops what the client sends.
func (s *site) questionExpires(f family) error {
	got := map[string]int{}
	for i := range 20 * clients {
		c := s.flow(s.client, f, f.at(f.out, client+i%clients), servicePort)
		defer c.Close()
		// What was answered once only does not count as a flow that there is.
		name, err := say(c, 0, 1)
		if err == nil {
			_, err = say(c, 0, 1)
		}
		if err != nil {
			return err
		}
		got[name]++
		if !s.backend(name).routed {
			continue
		}
		if err := setHops(c, f.vip(), 2); err != nil {
			return err
		}
		if _, err := say(c, 0, 1); !errors.Is(err, unix.EHOSTUNREACH) {
			return fmt.Errorf("of a packet that took too many hops the client was told: %w", err)
		}
		return nil
	}
	return fmt.Errorf("no flow went to the backend behind routers: %v", got)
}

// soon polls for as long as a packet may take.
func soon(try int, f func() error) error {
	for deadline := time.Now().Add(wait(try)); ; time.Sleep(5 * time.Millisecond) {
		err := f()
		if err == nil || time.Now().After(deadline) {
			return err
		}
	}
}

// echo: the address answers, also to what comes in fragments.
func (s *site) echo(f family, _ scheduler) error {
	for _, ns := range []*netns.NS{s.client, s.far} {
		for _, size := range []int{56, 4000} {
			if err := ping(ns, f, size); err != nil {
				return fmt.Errorf("echo of %d bytes: %w", size, err)
			}
		}
	}
	return nil
}

func ping(ns *netns.NS, f family, size int) error {
	network, question, answer := "ip4:icmp", byte(8), byte(0)
	if f.vip().Is6() {
		network, question, answer = "ip6:ipv6-icmp", 128, 129
	}
	var c *net.IPConn
	err := ns.Do(func() (err error) {
		c, err = net.DialIP(network, nil, &net.IPAddr{IP: f.vip().AsSlice()})
		return err
	})
	if err != nil {
		return err
	}
	defer c.Close()
	message := append([]byte{question, 0, 0, 0, 0x12, 0x34, 0, 1}, file()[:size]...)
	sum := uint32(0)
	for i := 0; i < len(message); i += 2 {
		sum += uint32(message[i])<<8 | uint32(message[i+1])
	}
	for sum>>16 != 0 {
		sum = sum&0xffff + sum>>16
	}
	message[2], message[3] = byte(^sum>>8), byte(^sum) // of IPv6 by the kernel
	buf := make([]byte, 65536)
	for try := range tries {
		if _, err = c.Write(message); err != nil {
			continue // told how narrow the way is
		}
		if err = c.SetReadDeadline(time.Now().Add(wait(try))); err != nil {
			return err
		}
		var n int
		for err == nil {
			if n, _, err = c.ReadFrom(buf); err == nil && n == len(message) && buf[0] == answer && bytes.Equal(buf[8:n], message[8:]) {
				return nil
			}
		}
	}
	return err
}
