package probe

import (
	"context"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/check"
)

// patience is for a machine that is busy with something else. Nothing waits
// for it to pass.
const patience = 20 * time.Second

// try looks once at a kind.
func try(t *testing.T, kind check.Kind) check.Seen {
	t.Helper()
	return tryFor(t, kind, patience)
}

func tryFor(t *testing.T, kind check.Kind, timeout time.Duration) check.Seen {
	t.Helper()
	if p, ok := kind.(interface{ Problems() []check.Problem }); ok {
		if found := p.Problems(); len(found) > 0 {
			t.Fatalf("the test's own settings: %v", found)
		}
	}
	p, err := New(kind)
	if err != nil {
		t.Fatal(err)
	}
	if c, ok := p.(interface{ Close() error }); ok {
		defer c.Close()
	}
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	return p.Try(ctx)
}

// sees wants an answer that has some words in it.
func sees(t *testing.T, got check.Seen, ok bool, words ...string) {
	t.Helper()
	if got.OK != ok {
		t.Errorf("OK is %v: %s", got.OK, got.Text)
	}
	for _, w := range words {
		if !strings.Contains(got.Text, w) {
			t.Errorf("%q is not in %q", w, got.Text)
		}
	}
	if strings.ContainsAny(got.Text, "\n\r") {
		t.Errorf("more than a line: %q", got.Text)
	}
}

// endpoint is where a listener of a test is.
func endpoint(t *testing.T, a net.Addr) check.Endpoint {
	t.Helper()
	e, err := check.ParseEndpoint(a.String(), 0)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// listen serves each connection of a port of its own with handle, until the
// test ends.
func listen(t *testing.T, handle func(net.Conn)) check.Endpoint {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serve(t, l, handle)
	return endpoint(t, l.Addr())
}

func serve(t *testing.T, l net.Listener, handle func(net.Conn)) {
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				handle(c)
			}()
		}
	}()
}

// closed is a port where nobody listens.
func closed(t *testing.T) check.Endpoint {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return endpoint(t, l.Addr())
}

// leavesNothing runs f and waits until there are as few goroutines and
// descriptors as before.
func leavesNothing(t *testing.T, f func()) {
	t.Helper()
	goroutines, files := runtime.NumGoroutine(), descriptors(t)
	f()
	eventually(t, func() bool { return runtime.NumGoroutine() <= goroutines && descriptors(t) <= files }, func() {
		stacks := make([]byte, 1<<18)
		t.Errorf("%d goroutines and %d descriptors became %d and %d:\n%s",
			goroutines, files, runtime.NumGoroutine(), descriptors(t), stacks[:runtime.Stack(stacks, true)])
	})
}

func descriptors(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// eventually waits for a condition.
func eventually(t *testing.T, ok func() bool, or func()) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if ok() {
			return
		}
	}
	or()
}
