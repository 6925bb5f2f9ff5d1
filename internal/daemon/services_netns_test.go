package daemon_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/balance/proxy/apart"
)

// backend is a web server on a node that answers with its name. Closed, nobody
// listens there any more.
func (n *node) backend(port int) (name string, end func()) {
	n.s.t.Helper()
	name = fmt.Sprintf("%s:%d", n.name, port)
	var l net.Listener
	n.s.must(n.host.Do(func() (err error) {
		l, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		return err
	}))
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, name) })}
	go func() { _ = srv.Serve(l) }()
	n.s.t.Cleanup(func() { _ = srv.Close() })
	return name, func() { _ = srv.Close() }
}

// services is the text of a service at the address of the tests, and of what
// it is checked by.
const services = `services:
  shop:
    listen: 192.0.2.10:80/tcp
    scheduler: round-robin
    forward: proxy
    backends: [{address: "127.0.0.1:8081"}, {address: "127.0.0.1:8082"}]
    checks: [alive]
checks:
  alive: {http: {url: "http://backend/"}, interval: 100ms, timeout: 5s, rise: 2, fall: 2}
`

// shop is where the service of these files listens.
const shop = "192.0.2.10:80"

// proxy is the process of a daemon that joins connections.
func (n *node) proxy() (pid int) {
	n.s.t.Helper()
	n.s.within("the proxy runs", func() error {
		children, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", n.pid()))
		if err != nil {
			return err
		}
		for _, file := range children {
			list, _ := os.ReadFile(file)
			for _, field := range strings.Fields(string(list)) {
				if line, _ := os.ReadFile("/proc/" + field + "/cmdline"); strings.HasSuffix(string(line), "\x00"+apart.Command+"\x00") {
					pid, err = strconv.Atoi(field)
					return err
				}
			}
		}
		return errors.New("there is none")
	})
	return pid
}

func (n *node) backends() (b api.Backends) {
	n.s.t.Helper()
	got := n.cli("backends", "-o", "json")
	n.s.must(json.Unmarshal([]byte(got.out), &b))
	return b
}

// A proxied service follows its address, its backends' checks and an operator,
// on the node that holds the address.
func TestService_Proxied(t *testing.T) {
	s := newSite(t)
	began := time.Now()
	a1, endA1 := s.a.backend(8081)
	a2, _ := s.a.backend(8082)
	b1, _ := s.b.backend(8081)
	b2, _ := s.b.backend(8082)
	s.pairOf(web(200)+services, web(100)+services)
	s.spread(shop, a1, a2)

	// One fails: no new connection goes there, and it is told why.
	endA1()
	s.spread(shop, a2)
	s.a.said(began, "HF3003", "backend 127.0.0.1:8081 is down: connection refused", "wanted HTTP 200-299")
	if out := s.a.cli("backends").out; !hasAll(out, []string{"shop", "192.0.2.10:80/tcp", "proxy", "127.0.0.1:8081", "down", "connection refused"}) {
		t.Errorf("backends says:\n%s", out)
	}
	if out := s.a.cli("backends", "explain", "192.0.2.200:40000", "192.0.2.10:80").out; !hasAll(out, []string{"shop", "this node holds 192.0.2.10", "it gets one of 127.0.0.1:8082", "127.0.0.1:8081 is in state down"}) {
		t.Errorf("explain says:\n%s", out)
	}
	if out := s.b.cli("backends", "explain", "192.0.2.200:40000", "shop").out; !hasAll(out, []string{"holds 192.0.2.10, not this node"}) {
		t.Errorf("on the other node explain says:\n%s", out)
	}
	_, _ = s.a.backend(8081)
	s.spread(shop, a1, a2)

	// An operator drains the other: what it has stays, and it gets no more.
	var held net.Conn
	s.must(s.client.Do(func() (err error) {
		held, err = (&net.Dialer{Timeout: patience}).DialContext(context.Background(), "tcp", "192.0.2.10:80")
		return err
	}))
	s.within("a connection is held", func() error {
		if b := s.a.backends().Services[0].Backends; b[0].Flows+b[1].Flows != 1 {
			return fmt.Errorf("%d and %d flows", b[0].Flows, b[1].Flows)
		}
		return nil
	})
	i := 0
	if s.a.backends().Services[0].Backends[1].Flows == 1 {
		i = 1
	}
	address, other := []string{"127.0.0.1:8081", "127.0.0.1:8082"}[i], []string{a2, a1}[i]
	if got := s.a.cli("backends", "drain", "shop", address, "--within", "2s"); got.code != 1 || !strings.Contains(got.err, "it has 1 connection left after 2s") {
		t.Errorf("a drain with a connection that stays: exit %d, %s%s", got.code, got.out, got.err)
	}
	s.spread(shop, other)
	_ = held.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(held, "GET / HTTP/1.0\r\n\r\n"); err != nil {
		t.Errorf("a connection to one that drains: %v", err)
	}
	if b, err := io.ReadAll(held); err != nil || len(b) == 0 {
		t.Errorf("a connection to one that drains: %q, %v", b, err)
	}
	s.must(held.Close())
	if got := s.a.cli("backends", "drain", "shop", address); got.code != 0 || !strings.Contains(got.out, "it has no connection left") {
		t.Errorf("a drain: exit %d, %s%s", got.code, got.out, got.err)
	}
	if got := s.a.cli("backends", "up", "shop", address); got.code != 0 {
		t.Errorf("up: %s", got.err)
	}
	s.spread(shop, a1, a2)

	// The process that joins connections is not in the real-time class, and
	// another one takes its place.
	pid := s.a.proxy()
	if policy, err := unix.SchedGetAttr(pid, 0); err != nil || policy.Policy != unix.SCHED_NORMAL {
		t.Errorf("the proxy is in class %+v, %v", policy, err)
	}
	s.must(unix.Kill(pid, unix.SIGKILL))
	s.spread(shop, a1, a2)
	s.a.said(began, "HF3014", "cannot reach the proxy")

	// The address moves, and its service with it.
	if got := s.a.cli("handover", "web"); got.code != 0 {
		t.Fatalf("handover: %s", got.err)
	}
	s.spread(shop, b1, b2)

	// A reload takes a backend out, and then the service.
	s.b.write(web(100) + strings.Replace(services, `{address: "127.0.0.1:8081"}, `, "", 1))
	if _, got := s.b.reload(); got.code != 0 {
		t.Fatalf("reload: %s", got.err)
	}
	s.spread(shop, b2)
	s.b.write(web(100))
	if _, got := s.b.reload(); got.code != 0 {
		t.Fatalf("reload: %s", got.err)
	}
	s.within("nobody serves", func() error {
		if name, err := s.ask(shop); err == nil {
			return fmt.Errorf("%s does", name)
		}
		return nil
	})
	s.over()
}
