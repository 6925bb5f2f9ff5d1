package matrix

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/linux/netns"
)

// visit is a connection of a client.
type visit struct {
	net.Conn
	from netip.AddrPort
	r    *bufio.Reader
}

// connect connects to a family's service, from an address where that is valid.
func connect(ns *netns.NS, f family, from netip.Addr) (*visit, error) {
	d := net.Dialer{Timeout: patience}
	if from.IsValid() {
		d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0))
	}
	var c net.Conn
	err := ns.Do(func() (err error) {
		c, err = d.Dial("tcp", netip.AddrPortFrom(f.vip(), servicePort).String())
		return err
	})
	if err != nil {
		return nil, err
	}
	at := c.LocalAddr().(*net.TCPAddr).AddrPort()
	return &visit{Conn: c, from: netip.AddrPortFrom(at.Addr().Unmap(), at.Port()), r: bufio.NewReader(c)}, nil
}

// ask makes a request, and says which backend answers.
func (v *visit) ask(method, path string, body []byte) (*http.Response, string, error) {
	if err := v.SetDeadline(time.Now().Add(2 * patience)); err != nil {
		return nil, "", err
	}
	req, err := http.NewRequest(method, "http://service"+path, bytes.NewReader(body))
	if err != nil {
		return nil, "", err
	}
	if err := req.Write(v); err != nil {
		return nil, "", err
	}
	resp, err := http.ReadResponse(v.r, req)
	if err != nil {
		return nil, "", err
	}
	if resp.StatusCode/100 != 2 {
		return nil, "", fmt.Errorf("%s %s: %s", method, path, resp.Status)
	}
	return resp, resp.Header.Get("X-Backend"), nil
}

// who asks which backend this is.
func (v *visit) who() (string, error) {
	resp, name, err := v.ask(http.MethodGet, "/who", nil)
	if err != nil {
		return "", err
	}
	body, err := io.ReadAll(resp.Body)
	if err == nil && string(body) != name {
		err = fmt.Errorf("%s answered %q", name, body)
	}
	return name, err
}

// download asks for the first n bytes of the file, and compares them.
func (v *visit) download(n int) (string, error) {
	req := fmt.Sprintf("GET /file HTTP/1.1\r\nHost: service\r\nRange: bytes=0-%d\r\n\r\n", n-1)
	if err := v.SetDeadline(time.Now().Add(2 * patience)); err != nil {
		return "", err
	}
	if _, err := io.WriteString(v, req); err != nil {
		return "", err
	}
	resp, err := http.ReadResponse(v.r, nil)
	if err != nil {
		return "", err
	}
	return resp.Header.Get("X-Backend"), same(resp.Body, file()[:n])
}

// same reads and compares.
func same(r io.Reader, want []byte) error {
	got := make([]byte, len(want))
	n, err := io.ReadFull(r, got)
	if !bytes.Equal(got[:n], want[:n]) {
		return fmt.Errorf("what came of the first %d bytes is not what was sent", n)
	}
	if err != nil {
		return fmt.Errorf("after %d of %d bytes: %w", n, len(want), err)
	}
	return nil
}

// upload puts n bytes on the backend's disk, and compares them there.
func (s *site) upload(v *visit, n int) error {
	_, name, err := v.ask(http.MethodPut, "/in/a", file()[:n])
	if err != nil {
		return err
	}
	stored := filepath.Join(s.backend(name).dir, "www", "in", "a")
	got, err := os.ReadFile(stored)
	if err == nil && !bytes.Equal(got, file()[:n]) {
		err = fmt.Errorf("%s has not got what was sent", name)
	}
	return errors.Join(err, os.Remove(stored))
}

// backend is the one of that name.
func (s *site) backend(name string) *backend {
	s.Helper()
	for _, b := range s.backends {
		if b.name == name {
			return b
		}
	}
	s.Fatalf("there is no backend %q", name)
	return nil
}

// flow is a socket of UDP to a service's port.
func (s *site) flow(ns *netns.NS, f family, from netip.Addr, port uint16) *net.UDPConn {
	s.Helper()
	var local string
	if from.IsValid() {
		local = from.String()
	}
	c, err := datagrams(ns, func(l net.ListenConfig) (net.PacketConn, error) {
		d := net.Dialer{Control: l.Control}
		if local != "" {
			d.LocalAddr = net.UDPAddrFromAddrPort(netip.AddrPortFrom(from, 0))
		}
		c, err := d.DialContext(context.Background(), "udp", netip.AddrPortFrom(f.vip(), port).String())
		if err != nil {
			return nil, err
		}
		return c.(*net.UDPConn), nil
	})
	s.must(err)
	return c
}

// say sends a datagram of so many bytes until it comes back, and gives the name of
// the backend. What is lost on the way is lost: nobody else sends it again. An error
// of ICMP is the answer, but that a datagram was too big: the next one is not.
func say(c *net.UDPConn, hops byte, size int) (string, error) {
	message := bytes.Clone(file()[:size])
	message[0] = hops
	var last error
	for try := range tries {
		if _, err := c.Write(message); err != nil {
			last = err
			continue
		}
		name, err := hear(c, message, wait(try))
		if err == nil {
			return name, nil
		}
		if errors.Is(err, unix.ECONNREFUSED) || errors.Is(err, unix.EHOSTUNREACH) {
			return "", err
		}
		last = err
	}
	return "", fmt.Errorf("%d bytes did not come back: %w", size, last)
}

const (
	tries    = 24
	nameSize = len("b1")
)

// wait is for how long a datagram is waited for: the first one is often too big
// for a link that nobody knew of.
func wait(try int) time.Duration { return min(100*time.Millisecond<<try, time.Second) }

// hear waits for an answer.
func hear(c *net.UDPConn, message []byte, d time.Duration) (string, error) {
	buf := make([]byte, 65536)
	if err := c.SetReadDeadline(time.Now().Add(d)); err != nil {
		return "", err
	}
	for {
		n, err := c.Read(buf)
		if err != nil {
			if told := reports(c); len(told) > 0 {
				return "", fmt.Errorf("%w: %v", err, told)
			}
			return "", err
		}
		if n > nameSize && bytes.Equal(buf[nameSize:n], message) {
			return string(buf[:nameSize]), nil
		}
	}
}
