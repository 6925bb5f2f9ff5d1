package daemon_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/lab"
)

// server is a host behind a service. It answers with its name and with whom it
// saw, and then for as long as it is asked for.
type server struct {
	host *lab.Host
	name string
}

func (s *site) server(number byte) *server {
	s.t.Helper()
	w := &server{name: fmt.Sprintf("w%d", number)}
	w.host = s.host(w.name, number)
	return w
}

func (w *server) listen(s *site, addr string) {
	s.t.Helper()
	var l net.Listener
	s.must(w.host.Do(func() (err error) {
		l, err = net.Listen("tcp", addr)
		return err
	}))
	srv := &http.Server{Handler: http.HandlerFunc(func(out http.ResponseWriter, req *http.Request) {
		from, _ := netip.ParseAddrPort(req.RemoteAddr)
		if req.URL.Path != "/long" {
			fmt.Fprintf(out, "%s %s", w.name, from.Addr())
			return
		}
		// A line every few milliseconds, until the client has enough.
		for i := 0; ; i++ {
			if _, err := fmt.Fprintln(out, i); err != nil {
				return
			}
			out.(http.Flusher).Flush()
			select {
			case <-req.Context().Done():
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	})}
	go func() { _ = srv.Serve(l) }()
	s.t.Cleanup(func() { _ = srv.Close() })
}

func (w *server) ip(s *site, format string, args ...any) {
	s.t.Helper()
	line := fmt.Sprintf(format, args...)
	s.must(w.host.Do(func() error {
		if out, err := exec.Command("ip", strings.Fields(line)...).CombinedOutput(); err != nil {
			return fmt.Errorf("ip %s: %w: %s", line, err, out)
		}
		return nil
	}))
}

// silent keeps it from saying that an address on its lo is its own.
func (w *server) silent(s *site) {
	s.t.Helper()
	s.must(w.host.Do(func() error {
		return errors.Join(os.WriteFile("/proc/sys/net/ipv4/conf/all/arp_ignore", []byte("1"), 0o644),
			os.WriteFile("/proc/sys/net/ipv4/conf/all/arp_announce", []byte("2"), 0o644))
	}))
}

// unwrap has it take packets for an address out of tunnels, until the test
// ends. Nothing of that is left then.
func (w *server) unwrap(s *site, addr string) {
	s.t.Helper()
	dir := filepath.Join(s.dir, w.name)
	out := &output{}
	cmd := exec.Command(binary.path, "unwrap", addr, "--interface", "eth0", "--dir", dir)
	cmd.Stdout, cmd.Stderr = out, out
	p, err := w.host.Start(cmd)
	s.must(err)
	s.within("packets are taken out of tunnels", func() error {
		if !strings.Contains(out.String(), "taken out") {
			return fmt.Errorf("%v %s", p.Err(), out)
		}
		return nil
	})
	s.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := p.Stop(ctx); err != nil {
			s.t.Errorf("unwrap: %v %s", err, out)
		}
		if _, err := os.Stat(filepath.Join(dir, "bpf")); !errors.Is(err, os.ErrNotExist) {
			s.t.Errorf("unwrap has left its folder: %v", err)
		}
	})
}

// ask asks a service from the client, on a new connection.
func (s *site) ask(at string) (string, error) {
	c, err := s.connect(at)
	if err != nil {
		return "", err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	return request(c, "/")
}

func request(c net.Conn, path string) (string, error) {
	if _, err := io.WriteString(c, "GET "+path+" HTTP/1.0\r\n\r\n"); err != nil {
		return "", err
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return string(b), err
}

func (s *site) connect(at string) (c net.Conn, err error) {
	err = s.client.Do(func() (err error) {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		c, err = (&net.Dialer{}).DialContext(ctx, "tcp", at)
		return err
	})
	return c, err
}

// spread waits until new connections to a service get these answers, and no
// others.
func (s *site) spread(at string, want ...string) {
	s.t.Helper()
	s.within("the client is answered by "+strings.Join(want, " and "), func() error {
		got := map[string]bool{}
		for range 8 {
			answer, err := s.ask(at)
			if err != nil {
				return err
			}
			got[answer] = true
		}
		for _, name := range want {
			if !got[name] {
				return fmt.Errorf("by %v", got)
			}
		}
		if len(got) > len(want) {
			return fmt.Errorf("by %v", got)
		}
		return nil
	})
}

// download reads from a service, until it is told to stop or it fails.
type download struct {
	conn  net.Conn
	lines chan string
	gap   atomic.Int64 // the longest time in which nothing came, in nanoseconds
	err   error
}

func (s *site) download(at string) *download {
	s.t.Helper()
	c, err := s.connect(at)
	s.must(err)
	s.t.Cleanup(func() { c.Close() })
	_, err = io.WriteString(c, "GET /long HTTP/1.1\r\nHost: service\r\n\r\n")
	s.must(err)
	d := &download{conn: c, lines: make(chan string, 1)}
	go func() {
		defer close(d.lines)
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			d.err = err
			return
		}
		in := bufio.NewScanner(resp.Body)
		for last := time.Now(); in.Scan(); last = time.Now() {
			if gap := int64(time.Since(last)); gap > d.gap.Load() {
				d.gap.Store(gap)
			}
			select {
			case d.lines <- in.Text():
			default:
			}
		}
		d.err = in.Err()
	}()
	return d
}

// goesOn waits for lines that are sent from now on.
func (d *download) goesOn(s *site, when string) {
	s.t.Helper()
	for range 10 {
		select {
		case _, ok := <-d.lines:
			if !ok {
				s.t.Fatalf("a download broke off %s: %v", when, d.err)
			}
		case <-time.After(patience):
			s.t.Fatalf("a download stands still %s", when)
		}
	}
}

// spreading is a service of two servers, in the words of a file.
func spreading(forward, listen string, port int, backends ...string) string {
	var list []string
	for _, b := range backends {
		list = append(list, fmt.Sprintf("{address: %q}", netip.AddrPortFrom(netip.MustParseAddr(b), uint16(port))))
	}
	return fmt.Sprintf("services:\n  shop:\n    listen: %q\n    forward: %s\n    backends: [%s]\n", listen, forward, strings.Join(list, ", "))
}

// Services that the kernel forwards, in each way and family.
func TestService_Forwarded(t *testing.T) {
	const w1, w2, sixW1, sixW2, client, six = "192.0.2.11", "192.0.2.12", "2001:db8::b", "2001:db8::c", "192.0.2.100", "2001:db8::64"
	for _, c := range []struct {
		name, file, at string
		answers        []string
		prepare        func(s *site, w *server)
	}{
		{
			name: "full NAT", file: spreading("full-nat", "192.0.2.10:80/tcp", 8080, w1, w2), at: "192.0.2.10:80",
			answers: []string{"w11 192.0.2.10", "w12 192.0.2.10"},
		}, {
			name: "full NAT of IPv6", file: spreading("full-nat", "[2001:db8::10]:80/tcp", 8080, sixW1, sixW2), at: "[2001:db8::10]:80",
			answers: []string{"w11 2001:db8::10", "w12 2001:db8::10"},
		}, {
			name: "NAT", file: spreading("nat", "192.0.2.10:80/tcp", 8080, w1, w2), at: "192.0.2.10:80",
			answers: []string{"w11 " + client, "w12 " + client},
			prepare: func(s *site, w *server) { w.ip(s, "route add %s/32 via 192.0.2.10", client) },
		}, {
			name: "direct return", file: spreading("dsr", "192.0.2.10:8080/tcp", 8080, w1, w2), at: "192.0.2.10:8080",
			answers: []string{"w11 " + client, "w12 " + client},
			prepare: func(s *site, w *server) {
				w.silent(s)
				w.ip(s, "addr add 192.0.2.10/32 dev lo")
			},
		}, {
			name: "direct return of IPv6", file: spreading("dsr", "[2001:db8::10]:8080/tcp", 8080, sixW1, sixW2), at: "[2001:db8::10]:8080",
			answers: []string{"w11 " + six, "w12 " + six},
			prepare: func(s *site, w *server) { w.ip(s, "addr add 2001:db8::10/128 dev lo nodad") },
		}, {
			name: "tunnel", file: spreading("tunnel", "192.0.2.10:8080/tcp", 8080, w1, w2), at: "192.0.2.10:8080",
			answers: []string{"w11 " + client, "w12 " + client},
			prepare: func(s *site, w *server) {
				w.silent(s)
				w.ip(s, "addr add 192.0.2.10/32 dev lo")
				w.unwrap(s, "192.0.2.10")
			},
		}, {
			name: "tunnel of IPv6, in UDP", at: "[2001:db8::10]:8080",
			file:    strings.Replace(spreading("tunnel", "[2001:db8::10]:8080/tcp", 8080, w1, w2), "forward: tunnel", "forward: tunnel\n    tunnel: gue", 1),
			answers: []string{"w11 " + six, "w12 " + six},
			prepare: func(s *site, w *server) {
				w.ip(s, "addr add 2001:db8::10/128 dev lo nodad")
				w.unwrap(s, "2001:db8::10")
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t)
			for _, w := range []*server{s.server(11), s.server(12)} {
				if c.prepare != nil {
					c.prepare(s, w)
				}
				w.listen(s, ":8080")
			}
			s.pairOf(web(200)+c.file, web(100)+c.file)
			s.spread(c.at, c.answers...)
			if out := s.a.cli("backends").out; !hasAll(out, []string{"shop", "up"}) {
				t.Errorf("backends says:\n%s", out)
			}
			s.within("flows and bytes are counted", func() error {
				if n := s.a.backends().Services[0].Backends; n[0].New == 0 || n[0].BytesIn == 0 {
					return fmt.Errorf("%+v", n)
				}
				return nil
			})
			if got := s.a.cli("handover", "web"); got.code != 0 {
				t.Fatalf("handover: %s", got.err)
			}
			s.b.becomes("web", "active")
			s.spread(c.at, c.answers...)
			s.over()
		})
	}
}

// What the kernel forwards goes on while files, backends and daemons change.
func TestService_ForwardedGoesOn(t *testing.T) {
	s := newSite(t)
	for _, w := range []*server{s.server(11), s.server(12)} {
		w.listen(s, ":8080")
	}
	const at, w1, w2 = "192.0.2.10:80", "192.0.2.11", "192.0.2.12"
	one, two := spreading("full-nat", at+"/tcp", 8080, w1), spreading("full-nat", at+"/tcp", 8080, w1, w2)
	s.a.startToUpgrade(s.copied(), s.a.text(web(200)+two))
	s.a.becomes("web", "active")
	s.spread(at, "w11 192.0.2.10", "w12 192.0.2.10")
	flows := []*download{s.download(at), s.download(at)} // in turn, one each
	goOn := func(when string) {
		t.Helper()
		for _, f := range flows {
			f.goesOn(s, when)
		}
	}
	goOn("at the beginning")
	s.within("both flows are counted", func() error {
		for _, b := range s.a.backends().Services[0].Backends {
			if b.Flows != 1 {
				return fmt.Errorf("%s has %d flows", b.Address, b.Flows)
			}
		}
		return nil
	})

	// A drain waits for its flow, and no new one goes there.
	if got := s.a.cli("backends", "drain", "shop", w2+":8080", "--within", "1s"); got.code != 1 || !strings.Contains(got.err, "it has 1 connection left after 1s") {
		t.Errorf("a drain with a flow that stays: exit %d, %s%s", got.code, got.out, got.err)
	}
	s.spread(at, "w11 192.0.2.10")
	goOn("in a drain")
	if got := s.a.cli("backends", "up", "shop", w2+":8080"); got.code != 0 {
		t.Errorf("up: %s", got.err)
	}
	s.spread(at, "w11 192.0.2.10", "w12 192.0.2.10")

	// A reload takes a backend out, and back in.
	for _, c := range []struct{ file, when string }{{one, "after a reload took its backend out"}, {two, "after a reload took it back in"}} {
		s.a.write(web(200) + c.file)
		if _, got := s.a.reload(); got.code != 0 {
			t.Fatalf("reload: %s", got.err)
		}
		goOn(c.when)
	}
	s.spread(at, "w11 192.0.2.10", "w12 192.0.2.10")

	// Another process goes on in the place of this one.
	pid := s.a.pid()
	if got := s.a.cli("upgrade"); got.code != 0 {
		t.Fatalf("upgrade: %s%s", got.out, got.err)
	}
	s.gone(pid)
	goOn("after an upgrade")
	s.spread(at, "w11 192.0.2.10", "w12 192.0.2.10")
	s.within("the new process counts them", func() error {
		for _, b := range s.a.backends().Services[0].Backends {
			if b.Flows != 1 {
				return fmt.Errorf("%s has %d flows", b.Address, b.Flows)
			}
		}
		return nil
	})

	// It is killed, and its guardian has another one begin: the address is gone
	// for a moment, and the flows are not.
	pid = s.a.pid()
	s.must(unix.Kill(pid, unix.SIGKILL))
	s.gone(pid)
	s.within("another daemon serves", func() error {
		_, err := s.a.status()
		return err
	})
	s.a.becomes("web", "active")
	goOn("after the daemon was killed")
	s.spread(at, "w11 192.0.2.10", "w12 192.0.2.10")
	goOn("at the end")
	s.a.finish()
	s.a.clean()
}

// A daemon that is not root forwards, with the capabilities of the unit and a
// folder of its own in a BPF file system.
func TestService_ForwardedNotRoot(t *testing.T) {
	s := newSite(t)
	s.server(11).listen(s, ":8080")
	const at = "192.0.2.10:80"
	s.must(os.MkdirAll(s.a.kernel(), 0o755))
	s.must(unix.Mount("bpf", s.a.kernel(), "bpf", 0, "mode=0700"))
	for _, dir := range []string{filepath.Dir(s.a.kernel()), s.a.kernel()} {
		s.must(os.Chown(dir, int(daemonUser.Uid), int(daemonUser.Gid)))
	}
	s.a.write(web(200) + spreading("full-nat", at+"/tcp", 8080, "192.0.2.11"))
	s.a.run(s.a.as(daemonUser, append(slices.Clone(capabilities), unix.CAP_BPF, unix.CAP_PERFMON)))
	s.a.becomes("web", "active")
	s.spread(at, "w11 192.0.2.10")
	s.a.end()
	s.must(unix.Unmount(s.a.kernel(), 0))
	s.must(os.Remove(s.a.kernel()))
	s.a.clean()
}
