package daemon_test

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/lab"
	"github.com/holdfast-net/holdfast/internal/peer"
	"github.com/holdfast-net/holdfast/internal/tickle"
)

// manyClients is how many connections TestClients_Many makes. The figures in
// docs/clients.md are of 10000.
var manyClients = flag.Int("clients", 500, "connections of TestClients_Many")

const servicePort = 5433

// tcpService is a TCP service on a node, for both families on one socket. Asked
// "who" it says the node's name; asked "wait" it works on the answer for ever.
type tcpService struct {
	mu    sync.Mutex
	open  int
	ended []error // of connections that the service did not end
}

func (n *node) serveTCP() *tcpService {
	n.s.t.Helper()
	v := &tcpService{}
	var l net.Listener
	n.s.must(n.host.Do(func() (err error) {
		l, err = net.Listen("tcp", fmt.Sprint(":", servicePort))
		return err
	}))
	n.s.t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go v.answer(c, n.name)
		}
	}()
	return v
}

func (v *tcpService) answer(c net.Conn, name string) {
	v.count(1, nil)
	defer c.Close()
	for in := bufio.NewScanner(c); ; {
		if !in.Scan() {
			v.count(-1, in.Err())
			return
		}
		if in.Text() == "who" {
			_, _ = fmt.Fprintln(c, name)
		}
	}
}

func (v *tcpService) count(change int, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.open += change
	if err != nil {
		v.ended = append(v.ended, err)
	}
}

// dial connects a client to the service.
func (s *site) dial(to netip.Addr) (net.Conn, error) {
	var c net.Conn
	err := s.client.Do(func() (err error) {
		c, err = net.DialTimeout("tcp", netip.AddrPortFrom(to, servicePort).String(), patience)
		return err
	})
	return c, err
}

// waiter is a client that waits on a connection: for an answer, or for whatever
// comes.
type waiter struct {
	conn net.Conn
	at   time.Time // when it learnt of the end
	err  error
}

// waiters are many clients. Every other one has sent something.
type waiters struct {
	s    *site
	all  []*waiter
	done sync.WaitGroup
}

func (s *site) waiters(to netip.Addr, count int) *waiters {
	s.t.Helper()
	w := &waiters{s: s}
	for i := range count {
		c, err := s.dial(to)
		s.must(err)
		s.t.Cleanup(func() { _ = c.Close() })
		x := &waiter{conn: c}
		w.all = append(w.all, x)
		if i%2 == 1 {
			_, err := fmt.Fprintln(c, "wait")
			s.must(err)
		}
		w.done.Go(func() {
			_, x.err = x.conn.Read(make([]byte, 1))
			x.at = time.Now()
		})
	}
	return w
}

// told waits until all of them know, and lists after which time each did.
func (w *waiters) told(since time.Time) []time.Duration {
	w.s.t.Helper()
	deadline := time.Now().Add(patience)
	for _, x := range w.all {
		w.s.must(x.conn.SetReadDeadline(deadline))
	}
	w.done.Wait()
	var out []time.Duration
	for _, x := range w.all {
		if !errors.Is(x.err, unix.ECONNRESET) {
			w.s.t.Errorf("client %s: %v", x.conn.LocalAddr(), x.err)
		}
		out = append(out, x.at.Sub(since))
	}
	slices.Sort(out)
	return out
}

// untold waits for a while, in which none of them may learn anything.
func (w *waiters) untold(d time.Duration) {
	w.s.t.Helper()
	deadline := time.Now().Add(d)
	for _, x := range w.all {
		w.s.must(x.conn.SetReadDeadline(deadline))
	}
	w.done.Wait()
	for _, x := range w.all {
		if nerr := net.Error(nil); !errors.As(x.err, &nerr) || !nerr.Timeout() {
			w.s.t.Errorf("client %s: %v", x.conn.LocalAddr(), x.err)
		}
	}
}

// knows waits until a node knows so many connections of a node.
func (n *node) knows(of string, count int) {
	n.s.t.Helper()
	n.s.within(fmt.Sprintf("%s knows %d connections of %s", n.name, count, of), func() error {
		g, err := n.group("web")
		if err == nil && (g.Clients == nil || g.Clients.Known != count || g.Clients.Node != of) {
			err = fmt.Errorf("it says %+v", g.Clients)
		}
		return err
	})
}

// since is the instant at which a group became active on a node.
func (n *node) since(name string) time.Time {
	n.s.t.Helper()
	g, err := n.group(name)
	n.s.must(err)
	if g.State != "active" {
		n.s.t.Fatalf("%s is %s on %s", name, g.State, n.name)
	}
	return g.Since
}

const resetClients = "    reset_clients: true\n"

// When the holder is cut off, its clients learn at once that their connections
// are gone, whether they have sent something or not, and go on with the next
// one. When it comes back, its own halves are ended, too.
func TestClients_AreReset(t *testing.T) {
	s := newSite(t)
	old := s.a.serveTCP()
	s.b.serveTCP()
	s.a.start(web(200) + resetClients)
	s.a.becomes("web", "active")
	s.b.start(web(100) + resetClients)
	s.b.becomes("web", "backup")
	s.answers(vip, "a")

	four, six := s.waiters(vip.Addr(), 10), s.waiters(vip6.Addr(), 10)
	s.b.knows("a", 20)
	s.a.knows("a", 20)
	began := time.Now()
	s.must(s.a.host.Cut(lab.Carrier))
	all := append(four.told(began), six.told(began)...)
	s.b.becomes("web", "active")
	s.b.said(began, "HF2910", "10 connections with a at "+vip.Addr().String()+" were reset")
	s.b.said(began, "HF2910", "10 connections with a at "+vip6.Addr().String()+" were reset")
	s.b.knows("b", 0)
	if g, err := s.b.group("web"); err != nil || g.Clients.Last == nil || g.Clients.Last.Answered != 20 || g.Clients.Last.From != "a" {
		t.Errorf("status: %v, %+v", err, g.Clients.Last)
	}
	took := slices.Max(all) - s.b.since("web").Sub(began)
	t.Logf("after the takeover clients knew within %v, %v after the cut", took, slices.Max(all))

	c, err := s.dial(vip.Addr())
	s.must(err)
	if _, err := fmt.Fprintln(c, "who"); err != nil {
		t.Error(err)
	}
	if got, err := bufio.NewReader(c).ReadString('\n'); got != "b\n" {
		t.Errorf("the service says %q, %v", got, err)
	}
	s.must(c.Close())

	s.must(s.a.host.Restore())
	s.within("the service on a is rid of its clients", func() error {
		old.mu.Lock()
		defer old.mu.Unlock()
		if old.open > 0 || len(old.ended) != 20 {
			return fmt.Errorf("%d are open, %d were ended", old.open, len(old.ended))
		}
		for _, err := range old.ended {
			if !errors.Is(err, unix.ECONNABORTED) {
				t.Errorf("a connection ended with %v", err)
			}
		}
		return nil
	})
	s.over()
}

// Without the setting nobody tells them.
func TestClients_AreNotToldUnasked(t *testing.T) {
	s := newSite(t)
	s.a.serveTCP()
	s.b.serveTCP()
	s.a.start(web(200))
	s.a.becomes("web", "active")
	s.b.start(web(100))
	s.b.becomes("web", "backup")
	s.answers(vip, "a")
	four, six := s.waiters(vip.Addr(), 4), s.waiters(vip6.Addr(), 4)
	s.must(s.a.host.Cut(lab.Carrier))
	s.b.becomes("web", "active")
	four.untold(5 * time.Second)
	six.untold(0)
	if g, err := s.b.group("web"); err != nil || g.Clients != nil {
		t.Errorf("status: %v, %+v", err, g.Clients)
	}
	s.must(s.a.host.Restore())
	s.over()
}

// In a handover the clients learn it as soon, and both nodes' kernels are rid of
// the old connections; so when a daemon ends in order.
func TestClients_Handover(t *testing.T) {
	s := newSite(t)
	old := s.a.serveTCP()
	s.b.serveTCP()
	s.a.start(web(200) + resetClients)
	s.a.becomes("web", "active")
	s.b.start(web(100) + resetClients)
	s.b.becomes("web", "backup")
	s.answers(vip, "a")
	w := s.waiters(vip.Addr(), 20)
	s.b.knows("a", 20)
	began := time.Now()
	if got := s.a.cli("handover", "web"); got.code != 0 {
		t.Fatalf("handover ended with %d: %s", got.code, got.err)
	}
	all := w.told(began)
	s.b.becomes("web", "active")
	t.Logf("clients knew within %v of the takeover, %v of the command", slices.Max(all)-s.b.since("web").Sub(began), slices.Max(all))
	s.a.said(began, "HF2911", "20 connections at "+vip.Addr().String()+" were ended")
	s.within("the service on a is rid of its clients", func() error {
		old.mu.Lock()
		defer old.mu.Unlock()
		if old.open > 0 {
			return fmt.Errorf("%d are open", old.open)
		}
		return nil
	})

	w = s.waiters(vip.Addr(), 6)
	s.a.knows("b", 6)
	began = time.Now()
	s.b.end()
	w.told(began)
	s.answers(vip, "a")
	s.over()
}

// With a key, nobody else can say what connections there are.
func TestClients_Forged(t *testing.T) {
	s := newSite(t)
	s.a.serveTCP()
	s.b.serveTCP()
	s.a.start(web(200, signed) + resetClients)
	s.a.becomes("web", "active")
	s.b.start(web(100, signed) + resetClients)
	s.b.becomes("web", "backup")
	w := s.waiters(vip.Addr(), 3)
	s.b.knows("a", 3)
	s.must(s.client.Do(func() error { return forge("a") }))
	s.must(s.client.Do(func() error { return forge("mallory") }))
	w.s.b.knows("a", 3)
	began := time.Now()
	s.must(s.a.host.Cut(lab.Carrier))
	w.told(began)
	s.b.said(began, "HF2910", "3 connections with a")
	s.must(s.a.host.Restore())
	s.over()
}

// Many clients, and what it takes: the figures of docs/clients.md.
func TestClients_Many(t *testing.T) {
	s := newSite(t)
	s.a.serveTCP()
	s.b.serveTCP()
	s.a.start(web(200) + resetClients)
	s.a.becomes("web", "active")
	s.b.start(web(100) + resetClients)
	s.b.becomes("web", "backup")
	s.answers(vip, "a")
	w := s.waiters(vip.Addr(), *manyClients)
	began := time.Now()
	s.b.knows("a", *manyClients)
	t.Logf("%d clients were known %v after the last had connected", *manyClients, time.Since(began))
	began = time.Now()
	s.must(s.a.host.Cut(lab.Carrier))
	all := w.told(began)
	s.b.becomes("web", "active")
	lead := s.b.since("web").Sub(began)
	t.Logf("%d clients after the takeover: the first knew after %v, half of them after %v, 99 %% after %v, all after %v; after the cut: %v",
		len(all), all[0]-lead, all[len(all)/2]-lead, all[len(all)*99/100]-lead, all[len(all)-1]-lead, all[len(all)-1])
	s.must(s.a.host.Restore())
	s.over()
}

// forge says in a node's name that there are no clients.
func forge(from string) error {
	m := tickle.Message{From: from, Addr: vip.Addr(), Sent: time.Now().Add(time.Second), List: time.Now().Add(time.Second), Buckets: 1}
	c, err := net.ListenPacket("udp4", "192.0.2.100:0")
	if err != nil {
		return err
	}
	defer c.Close()
	eth0, err := net.InterfaceByName("eth0")
	if err == nil {
		p := ipv4.NewPacketConn(c)
		err = errors.Join(p.SetMulticastInterface(eth0), p.SetMulticastTTL(255))
	}
	if err == nil {
		_, err = c.WriteTo(m.Append(nil, peer.Key{}), &net.UDPAddr{IP: net.IPv4(224, 0, 0, 18), Port: 9112})
	}
	return err
}
