package proxy

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/balance"
)

const patience = 20 * time.Second

// backend is a server that says its name and then answers every line with
// itself.
type backend struct {
	name string
	at   netip.AddrPort
	ln   net.Listener
	mu   sync.Mutex
	open map[net.Conn]bool
}

func newBackend(t *testing.T, name string) *backend {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &backend{name: name, ln: ln, at: ln.Addr().(*net.TCPAddr).AddrPort(), open: map[net.Conn]bool{}}
	t.Cleanup(b.close)
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			b.mu.Lock()
			b.open[c] = true
			b.mu.Unlock()
			go b.serve(c)
		}
	}()
	return b
}

func (b *backend) serve(c net.Conn) {
	defer func() {
		_ = c.Close()
		b.mu.Lock()
		delete(b.open, c)
		b.mu.Unlock()
	}()
	if _, err := fmt.Fprintf(c, "%s\n", b.name); err != nil {
		return
	}
	_, _ = io.Copy(c, c)
}

func (b *backend) connections() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.open)
}

func (b *backend) close() {
	_ = b.ln.Close()
	b.mu.Lock()
	defer b.mu.Unlock()
	for c := range b.open {
		_ = c.Close()
	}
}

// site is a plane with one service.
type site struct {
	*testing.T
	plane *Plane
	plan  balance.Plan
	at    netip.AddrPort
}

// freePort finds one that nobody has now.
func freePort(t *testing.T) netip.AddrPort {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).AddrPort()
}

func newSite(t *testing.T, how balance.Select, targets ...netip.AddrPort) *site {
	t.Helper()
	p, err := New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(false); err != nil {
			t.Error(err)
		}
	})
	at := freePort(t)
	s := &site{T: t, plane: p, at: at, plan: balance.Plan{
		Service: &balance.Service{
			Name: "web", Listen: []balance.Endpoint{{AddrPort: at, Proto: balance.TCP}}, Forward: balance.Proxy,
			Proxying: balance.Proxying{Connect: patience, Retries: 2},
		},
		Select: how,
	}}
	for i, a := range targets {
		s.plan.Targets = append(s.plan.Targets, balance.Target{ID: uint32(i + 1), Addr: a, Weight: 1})
		s.plan.Table = append(s.plan.Table, uint16(i))
	}
	s.apply(nil)
	return s
}

// apply gives the plane a changed plan.
func (s *site) apply(change func(p *balance.Plan, svc *balance.Service)) {
	s.Helper()
	svc, next := *s.plan.Service, s.plan
	next.Targets = append([]balance.Target(nil), s.plan.Targets...)
	next.Table = append([]uint16(nil), s.plan.Table...)
	next.Service = &svc
	next.Generation++
	if change != nil {
		change(&next, &svc)
	}
	s.plan = next
	if err := s.plane.Apply([]*balance.Plan{&next}); err != nil {
		s.Fatal(err)
	}
}

// through is a connection through the plane.
type through struct {
	net.Conn
	r    *bufio.Reader
	name string // of the backend that it got
}

func (s *site) dial() (*through, error) {
	c, err := net.DialTimeout("tcp", s.at.String(), patience)
	if err != nil {
		return nil, err
	}
	_ = c.SetDeadline(time.Now().Add(patience))
	x := &through{Conn: c, r: bufio.NewReader(c)}
	s.Cleanup(func() { _ = c.Close() })
	name, err := x.r.ReadString('\n')
	if err != nil {
		_ = c.Close()
		return nil, err
	}
	x.name = name[:len(name)-1]
	return x, nil
}

func (s *site) mustDial() *through {
	s.Helper()
	c, err := s.dial()
	if err != nil {
		s.Fatal(err)
	}
	return c
}

// echo sends a line and wants it back.
func (c *through) echo(line string) error {
	if _, err := io.WriteString(c, line+"\n"); err != nil {
		return err
	}
	got, err := c.r.ReadString('\n')
	if err == nil && got != line+"\n" {
		err = errors.New("got " + got)
	}
	return err
}

func (s *site) usage() map[uint32]balance.Usage {
	s.Helper()
	u, err := s.plane.Usage("web")
	if err != nil {
		s.Fatal(err)
	}
	return u
}

func (s *site) until(what string, ok func() bool) {
	s.Helper()
	for begun := time.Now(); !ok(); time.Sleep(time.Millisecond) {
		if time.Since(begun) > patience {
			s.Fatalf("%s: not within %v", what, patience)
		}
	}
}
