package main

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/balance"
	"github.com/holdfast-net/holdfast/internal/balance/bpf"
	"github.com/holdfast-net/holdfast/internal/balance/proxy"
)

// contender is one way from the client to the servers.
type contender struct {
	name  string
	to    netip.AddrPort // where the client connects
	start func(s *stage) (*exec.Cmd, error)
	// ends says that connections end in the middle, in a process: its work is
	// not the kernel's alone.
	ends bool
	// noDatagrams says that it knows TCP only.
	noDatagrams bool
	// card says that its cables are like those of cards (card.go).
	card bool
	// tracked says that its flows are the kernel's conntrack's, of which a
	// machine has a limit.
	tracked bool
}

var service = netip.AddrPortFrom(balancerIP, port)

var contenders = []contender{
	{name: "routing", to: netip.AddrPortFrom(serverIPs[0], port)},
	{name: "nftables", to: service, start: func(s *stage) (*exec.Cmd, error) { return nil, run(s.balancer, nftables(""), "nft", "-f", "-") }, tracked: true},
	{name: "nftables-full", to: service, start: func(s *stage) (*exec.Cmd, error) { return nil, run(s.balancer, nftables(masquerade), "nft", "-f", "-") }, tracked: true},
	{name: "nginx", to: service, start: startNginx, ends: true},
	{name: "haproxy", to: service, start: startHAProxy, ends: true, noDatagrams: true},
	{name: "holdfast-proxy", to: service, start: startProxy, ends: true},
	{name: "holdfast-nat", to: service, start: kernelRole("nat")},
	{name: "holdfast-full-nat", to: service, start: kernelRole("full-nat")},
	{name: "routing-card", to: netip.AddrPortFrom(serverIPs[0], port), card: true},
	{name: "holdfast-nat-xdp", to: service, start: kernelRole("nat"), card: true},
	{name: "holdfast-full-nat-xdp", to: service, start: kernelRole("full-nat"), card: true},
}

// hook is where holdfast's plane in the kernel is.
func (s *stage) hook() bpf.Hook {
	if s.contender.card {
		return bpf.XDP
	}
	return bpf.TC
}

func startProxy(s *stage) (*exec.Cmd, error) { return s.begin(s.balancer, "proxy") }

func kernelRole(forward string) func(*stage) (*exec.Cmd, error) {
	return func(s *stage) (*exec.Cmd, error) {
		return s.begin(s.balancer, "kernel", s.dir, forward, strconv.Itoa(s.flows), s.hook().String())
	}
}

// proxyHere is holdfast's process: the proxy without the daemon.
func proxyHere() error {
	p, err := proxy.New()
	if err != nil {
		return err
	}
	plan := servicePlan(balance.Proxy, balance.InTurn)
	plan.Service.Proxying = balance.Proxying{Connect: connectTimeout}
	if err := p.Apply([]*balance.Plan{plan}); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	<-ctx.Done()
	return p.Close(false)
}

const masquerade = `chain out { type nat hook postrouting priority srcnat; oifname "` + inner + `" masquerade; }`

func nftables(more string) string {
	to := make([]string, len(serverIPs))
	for i, ip := range serverIPs {
		to[i] = fmt.Sprintf("%d : %s", i, ip)
	}
	turn := fmt.Sprintf("dnat to numgen inc mod %d map { %s };", len(to), strings.Join(to, ", "))
	return fmt.Sprintf(`table ip balance {
 chain in { type nat hook prerouting priority dstnat;
  ip daddr %[1]s tcp dport %[2]d %[3]s
  ip daddr %[1]s udp dport %[2]d %[3]s
 }
 %[4]s
}`, balancerIP, port, turn, more)
}

func each(format string) string {
	var b strings.Builder
	for i, ip := range serverIPs {
		fmt.Fprintf(&b, format, i, netip.AddrPortFrom(ip, port))
	}
	return b.String()
}

func startHAProxy(s *stage) (*exec.Cmd, error) {
	return s.program(`global
 maxconn 6000
 nbthread 2
defaults
 mode tcp
 option splice-auto
 timeout connect 5s
 timeout client 600s
 timeout server 600s
listen web
 bind `+service.String()+`
 balance roundrobin
`+each(" server s%d %s\n"), "haproxy", "-db", "-q", "-f", "/dev/stdin")
}

func startNginx(s *stage) (*exec.Cmd, error) {
	conf := filepath.Join(s.dir, "nginx.conf")
	err := os.WriteFile(conf, fmt.Appendf(nil, `load_module /usr/lib/nginx/modules/ngx_stream_module.so;
user root;
daemon off;
pid %[1]s.pid;
error_log stderr crit;
worker_processes 2;
worker_rlimit_nofile 20000;
events { worker_connections 19000; multi_accept on; }
stream {
 upstream web { %[2]s }
 server { listen %[3]s reuseport; listen %[3]s udp reuseport; proxy_pass web; proxy_timeout 600s; proxy_connect_timeout 5s; tcp_nodelay on; }
}`, conf, each("server %[2]s;\n"), service), 0o600)
	if err != nil {
		return nil, err
	}
	return s.program("", "nginx", "-c", conf)
}

// program starts one in the balancer's namespace.
func (s *stage) program(stdin, name string, args ...string) (*exec.Cmd, error) {
	cmd := exec.Command(name, args...)
	cmd.Stdin, cmd.Stderr = strings.NewReader(stdin), os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	return cmd, s.balancer.Start(cmd)
}

// self is this program in another role, with mounts that nobody else sees.
func self(args ...string) (*exec.Cmd, error) {
	name, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(name, args...)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS, Pdeathsig: syscall.SIGTERM}
	return cmd, nil
}
