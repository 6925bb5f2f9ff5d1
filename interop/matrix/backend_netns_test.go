package matrix

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/linux/netns"
)

const (
	servicePort = 80
	serverPort  = 8080 // of backends, where ports may differ
	voidPort    = 81   // of a service behind which nobody listens
)

// backend is a server: nginx, and what answers datagrams.
type backend struct {
	name   string
	ns     *netns.NS
	routed bool
	dir    string // where nginx has its files
	*echo
}

// file is what is downloaded and uploaded.
var file = sync.OnceValue(func() []byte {
	b := make([]byte, 8<<20)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(b)
	return b
})

// at is where a backend serves a family, as its service names it.
func (m mode) at(i int, f family) netip.AddrPort {
	port := uint16(serverPort)
	if m.direct() {
		port = servicePort
	}
	if m.crossed {
		f = f.other()
	}
	if i == 2 && m.forward != "dsr" {
		return netip.AddrPortFrom(f.at(f.deep, first+i), port)
	}
	return netip.AddrPortFrom(f.at(f.in, first+i), port)
}

const nginxConf = `daemon off; master_process off; worker_processes 1; pid %[2]s/pid; error_log %[2]s/log;
events { worker_connections 4096; }
http {
  access_log off; sendfile on; keepalive_timeout 1h; keepalive_requests 1000000; client_max_body_size 64m;
  client_body_temp_path %[2]s/body; proxy_temp_path %[2]s/proxy; fastcgi_temp_path %[2]s/fastcgi; uwsgi_temp_path %[2]s/uwsgi; scgi_temp_path %[2]s/scgi;
  add_header X-Backend "%[1]s" always; add_header X-Client "$remote_addr" always;
  server {
    listen 80; listen [::]:80; listen 8080; listen [::]:8080;
    root %[2]s/www;
    location = /who { return 200 "%[1]s"; }
    location /in/ { dav_methods PUT; }
  }
}
`

// begin has a backend serve.
func (s *site) begin(b *backend, i int) {
	s.Helper()
	b.dir = filepath.Join(s.dir, b.name)
	s.must(os.MkdirAll(filepath.Join(b.dir, "www", "in"), 0o755))
	s.must(os.WriteFile(filepath.Join(b.dir, "www", "file"), file(), 0o644))
	conf := filepath.Join(b.dir, "nginx.conf")
	s.must(os.WriteFile(conf, fmt.Appendf(nil, nginxConf, b.name, b.dir), 0o644))
	s.start(b.ns, "nginx of "+b.name, "nginx", "-c", conf, "-e", filepath.Join(b.dir, "log"))
	at := []netip.AddrPort{}
	for _, f := range families {
		if s.mode.direct() {
			at = append(at, netip.AddrPortFrom(f.vip(), servicePort))
		} else {
			at = append(at, s.mode.at(i, f))
		}
	}
	if s.mode.direct() {
		s.set(b.ns, "ipv4/conf/all/arp_ignore=1", "ipv4/conf/all/arp_announce=2")
		words := []string{"unwrap", "--interface", "eth0", "--dir", filepath.Join(b.dir, "unwrap")}
		for _, f := range families {
			nodad := ""
			if f.vip().Is6() {
				nodad = " nodad"
			}
			s.ip(b.ns, fmt.Sprintf("addr add %s/%d dev lo%s", f.vip(), f.vip().BitLen(), nodad))
			words = append(words, f.vip().String())
		}
		if s.mode.forward == "tunnel" {
			out := s.start(b.ns, "unwrap of "+b.name, product(s), words...)
			s.within("unwrap begins", func() error {
				if text, _ := os.ReadFile(out); !strings.Contains(string(text), "is taken out") {
					return fmt.Errorf("it says %q", text)
				}
				return nil
			})
		}
	}
	b.echo = &echo{name: b.name}
	for _, a := range at {
		b.echo.serve(s, b.ns, a)
	}
}

// start starts a program that ends with the test, and gives the file that has
// what it prints.
func (s *site) start(ns *netns.NS, what, name string, args ...string) string {
	s.Helper()
	path := filepath.Join(s.dir, strings.ReplaceAll(what, " ", "-"))
	out, err := os.Create(path)
	s.must(err)
	defer out.Close()
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	s.must(ns.Start(cmd))
	s.Cleanup(func() {
		_ = cmd.Process.Signal(unix.SIGTERM)
		timer := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
		defer timer.Stop()
		_ = cmd.Wait()
		if text, _ := os.ReadFile(path); s.Failed() && len(text) > 0 {
			s.Logf("%s printed:\n%s", what, text)
		}
	})
	return path
}
