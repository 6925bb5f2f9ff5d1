package etcd

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/lease"
)

// cluster is three of Debian's etcd on the loopback.
type cluster struct {
	t         *testing.T
	dir       string
	initial   string
	names     []string
	clients   []string // host:port
	peers     []string
	processes []*exec.Cmd
	args      []string
}

// newCluster starts a cluster of n members. Their elections take 100 to 200 ms.
func newCluster(t *testing.T, n int, args ...string) *cluster {
	t.Helper()
	if _, err := exec.LookPath("etcd"); err != nil {
		t.Skipf("needs etcd, which `make test` installs: %v", err)
	}
	c := &cluster{t: t, dir: t.TempDir(), processes: make([]*exec.Cmd, n), args: args}
	var initial []string
	for i := range n {
		c.names = append(c.names, fmt.Sprintf("m%d", i))
		c.clients, c.peers = append(c.clients, freePort(t)), append(c.peers, freePort(t))
		initial = append(initial, c.names[i]+"=http://"+c.peers[i])
	}
	c.initial = strings.Join(initial, ",")
	for i := range n {
		c.start(i)
	}
	t.Cleanup(func() {
		for i := range c.processes {
			c.kill(i)
		}
	})
	return c
}

func freePort(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func (c *cluster) start(i int) {
	c.t.Helper()
	cmd := exec.Command("etcd", append([]string{
		"--name", c.names[i], "--data-dir", filepath.Join(c.dir, c.names[i]),
		"--listen-client-urls", "http://" + c.clients[i], "--advertise-client-urls", "http://" + c.clients[i],
		"--listen-peer-urls", "http://" + c.peers[i], "--initial-advertise-peer-urls", "http://" + c.peers[i],
		"--initial-cluster", c.initial, "--initial-cluster-token", c.dir, "--logger", "zap", "--log-level", "error",
		"--heartbeat-interval", "20", "--election-timeout", "200", "--unsafe-no-fsync",
	}, c.args...)...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.Env = append(os.Environ(), "ETCD_UNSUPPORTED_ARCH=arm64")
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.processes[i] = cmd
	c.t.Cleanup(func() {
		if c.t.Failed() {
			c.t.Logf("%s: %s", c.names[i], out.String())
		}
	})
}

func (c *cluster) kill(i int) {
	if p := c.processes[i]; p != nil {
		_ = p.Process.Kill()
		_ = p.Wait()
		c.processes[i] = nil
	}
}

func (c *cluster) signal(i int, s syscall.Signal) { _ = c.processes[i].Process.Signal(s) }

// store connects to the cluster and waits until it answers.
func (c *cluster) store(endpoints ...string) *Store {
	c.t.Helper()
	if len(endpoints) == 0 {
		endpoints = c.clients
	}
	s, err := New(Config{Endpoints: endpoints})
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = s.Close() })
	until(c.t, func() bool {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_, err := s.Get(ctx, "ready")
		return err == nil
	})
	return s
}

// until waits for a condition.
func until(t *testing.T, ok func() bool) {
	t.Helper()
	for begun := time.Now(); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Since(begun) > 30*time.Second {
			t.Fatal("it did not come in 30 s")
		}
	}
}

func bound(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

// record is one with a number.
func record(n uint64) lease.Record {
	return lease.Record{Format: lease.Format, Holder: "a", Instance: "a1", Epoch: 1, Renewal: n, Term: time.Second}
}
