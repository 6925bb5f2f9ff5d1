package run_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/check"
	"github.com/holdfast-net/holdfast/internal/check/probe"
	"github.com/holdfast-net/holdfast/internal/check/run"
)

// Real sockets to servers that serve, refuse, say nothing, close, or send for
// ever: after thousands of looks no descriptor and no goroutine is left.
func TestRunner_LeavesNothingBehind(t *testing.T) {
	serve := func(conn func(net.Conn)) uint16 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				go func() {
					defer func() { _ = c.Close() }()
					conn(c)
				}()
			}
		}()
		return uint16(l.Addr().(*net.TCPAddr).Port)
	}
	read := func(c net.Conn) { _, _ = c.Read(make([]byte, 4096)) }
	ports := map[string]uint16{
		"serves":  serve(func(c net.Conn) { read(c); _, _ = c.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")) }),
		"silent":  serve(func(c net.Conn) { read(c); read(c) }),
		"closes":  serve(func(net.Conn) {}),
		"garbage": serve(func(c net.Conn) { read(c); _, _ = c.Write([]byte(strings.Repeat("x", 100_000))) }),
		"refuses": 1,
	}
	var specs []check.Spec
	for name, port := range ports {
		to := check.Endpoint{Host: "127.0.0.1", Port: port}
		for i := range 10 {
			web := check.DefaultHTTP()
			web.URLs = []string{fmt.Sprintf("http://%s/", to)}
			for _, kind := range []check.Kind{check.TCP{To: to}, web, check.TLS{To: to, Secure: check.DefaultSecure()}} {
				specs = append(specs, check.Spec{Name: fmt.Sprint(name, kind.Word(), i), Kind: kind, Settings: check.Settings{
					Interval: 20 * time.Millisecond, FastInterval: 20 * time.Millisecond, DownInterval: 20 * time.Millisecond,
					Timeout: 100 * time.Millisecond, Rise: 1, Fall: 1,
				}})
			}
		}
	}
	settled := func() (fds, goroutines int) {
		for range 100 {
			f, g := descriptors(t), runtime.NumGoroutine()
			if f == fds && g == goroutines {
				break
			}
			fds, goroutines = f, g
			time.Sleep(50 * time.Millisecond)
		}
		return fds, goroutines
	}
	fdsBefore, goroutinesBefore := settled()

	var told atomic.Int32
	r := run.New(run.Options{Workers: 64, Tell: func(string, check.Change) { told.Add(1) }, Probe: func(k check.Kind) check.Probe {
		p, err := probe.New(k)
		if err != nil {
			t.Error(err)
		}
		return p
	}})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); r.Run(ctx) }()
	r.Apply(specs)
	deadline := time.Now().Add(30 * time.Second)
	for i := 0; r.Figures().Looks < 2000 && time.Now().Before(deadline); i++ {
		time.Sleep(100 * time.Millisecond)
		r.Apply(specs[:len(specs)-i%len(specs)]) // checks come and go meanwhile
	}
	if n := r.Figures().Looks; n < 2000 {
		t.Errorf("%d looks in 30 seconds", n)
	}
	for _, v := range r.Views() {
		want := check.Down
		if strings.HasPrefix(v.Name, "serves") && v.Kind.Word() != "tls" || v.Kind.Word() == "tcp" && !strings.HasPrefix(v.Name, "refuses") {
			want = check.Up
		}
		if v.State != want && v.Counts.Passed+v.Counts.Failed > 0 && v.Counts.Timeouts == 0 {
			t.Errorf("%s is %s: %s", v.Name, v.State, v.Text)
		}
	}
	cancel()
	<-done
	fds, goroutines := settled()
	if fds > fdsBefore || goroutines > goroutinesBefore {
		t.Errorf("%d descriptors and %d goroutines; before there were %d and %d", fds, goroutines, fdsBefore, goroutinesBefore)
	}
	if f := r.Figures(); f.Hanging > 0 || f.Busy > 0 {
		t.Errorf("figures: %+v", f)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(open)
}
