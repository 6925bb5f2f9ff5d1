package cluster

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/lease"
	"github.com/holdfast-net/holdfast/internal/store/etcd"
)

// TestMain is a member where a test started it as one.
func TestMain(m *testing.M) {
	if os.Getenv("HOLDFAST_MEMBER") != "" {
		if err := Main(os.Stdin, os.Stdout); err != nil {
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// site is the members of a cluster on the loopback, each a process.
type site struct {
	t       *testing.T
	certs   string
	peers   []Peer
	dirs    map[string]string
	keepers map[string]*running
}

type running struct {
	*Keeper
	end  context.CancelFunc
	over chan struct{}
}

func newSite(t *testing.T, names ...string) *site {
	t.Helper()
	s := &site{t: t, certs: filepath.Join(t.TempDir(), "certs"), dirs: map[string]string{}, keepers: map[string]*running{}}
	for _, n := range names {
		s.add(n)
	}
	if _, err := Init(s.certs, "votes.key", s.peers); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for n := range s.keepers {
			s.stop(n)
		}
	})
	return s
}

// add lists a member, with three ports in a row that are free.
func (s *site) add(name string) {
	s.peers = append(s.peers, Peer{name, netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), freePorts(s.t))})
	s.dirs[name] = filepath.Join(s.t.TempDir(), name)
}

var ports struct {
	sync.Mutex
	next uint16
}

func freePorts(t *testing.T) uint16 {
	ports.Lock()
	defer ports.Unlock()
	if ports.next == 0 {
		ports.next = 20000 + uint16(os.Getpid()%1000)*8
	}
	for range 1000 {
		at := ports.next
		ports.next += 3
		free := true
		for i := range uint16(3) {
			l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", at+i))
			if err != nil {
				free = false
				break
			}
			_ = l.Close()
		}
		if free {
			return at
		}
	}
	t.Fatal("no ports are free")
	return 0
}

func (s *site) start(name string) {
	s.t.Helper()
	ctx, end := context.WithCancel(context.Background())
	k := &Keeper{
		Spec: Spec{Name: name, Dir: s.dirs[name], Peers: s.peers, Certificates: s.certs, Heartbeat: 20 * time.Millisecond, Version: "test"},
		Command: func() *exec.Cmd {
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), "HOLDFAST_MEMBER=1")
			return cmd
		},
		Start: (*exec.Cmd).Start,
		Log:   slog.New(slog.NewTextHandler(s.t.Output(), nil)).With("member", name),
		Note:  func(text string) { s.t.Logf("%s: %s", name, text) },
	}
	r := &running{k, end, make(chan struct{})}
	s.keepers[name] = r
	go func() {
		defer close(r.over)
		k.Run(ctx)
	}()
}

func (s *site) stop(name string) {
	if r := s.keepers[name]; r != nil {
		delete(s.keepers, name)
		r.end()
		<-r.over
	}
}

// word is what a member says at its door; nil where it says nothing.
func (s *site) word(name string) *Word {
	s.t.Helper()
	t, err := FilesOf(s.certs, s.peers[0].Name).TLS()
	if err != nil {
		s.t.Fatal(err)
	}
	d := NewDoors(t)
	defer d.Close()
	for _, p := range s.peers {
		if p.Name == name {
			w, _ := d.Ask(context.Background(), p)
			return w
		}
	}
	return nil
}

func (s *site) admin() *Admin {
	s.t.Helper()
	a, err := NewAdmin(Spec{Peers: s.peers, Certificates: s.certs, Name: s.peers[0].Name, Heartbeat: 20 * time.Millisecond})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(a.Close)
	return a
}

// whole waits until all listed members run, none is a learner, and there is a
// leader.
func (s *site) whole(names ...string) {
	s.t.Helper()
	until(s.t, func() bool {
		for _, n := range names {
			w := s.word(n)
			if w == nil || w.State != Running || w.Leader == "" || len(w.Members) != len(names) {
				return false
			}
			for _, i := range w.Members {
				if i.Learner || i.Name == "" {
					return false
				}
			}
		}
		return true
	})
}

func until(t *testing.T, ok func() bool) {
	t.Helper()
	for begun := time.Now(); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Since(begun) > 60*time.Second {
			t.Fatal("it did not come in 60 s")
		}
	}
}

// store asks for leases as a daemon does.
func (s *site) store() *etcd.Store {
	s.t.Helper()
	t, err := FilesOf(s.certs, s.peers[0].Name).TLS()
	if err != nil {
		s.t.Fatal(err)
	}
	var at []string
	for _, p := range s.peers {
		at = append(at, p.Client())
	}
	st, err := etcd.New(etcd.Config{Endpoints: at, TLS: t})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = st.Close() })
	return st
}

// renew replaces the record once, whatever is there.
func (s *site) renew(st *etcd.Store, n uint64, within time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	f, err := st.Get(ctx, "g")
	if err != nil {
		return err
	}
	ok, _, err := st.Swap(ctx, "g", lease.Condition{Revision: f.Revision}, lease.Record{Format: lease.Format, Instance: "i", Renewal: n, Term: time.Second})
	if err == nil && !ok {
		err = fmt.Errorf("somebody else wrote it")
	}
	return err
}
