package main

import (
	"context"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"

	"github.com/holdfast-net/holdfast/internal/balance"
	"github.com/holdfast-net/holdfast/internal/balance/proxy"
)

// contender is one way from the client to the server.
type contender struct {
	name  string
	to    netip.AddrPort // where the client connects
	start func() (*exec.Cmd, error)
}

var contenders = []contender{
	{"direct", netip.AddrPortFrom(serverIP, port), nil},
	{"holdfast", netip.AddrPortFrom(balancerIP, port), func() (*exec.Cmd, error) { return self("-as", "proxy") }},
	{"haproxy", netip.AddrPortFrom(balancerIP, port), startHAProxy},
}

// proxyHere is holdfast's process: the proxy without the daemon.
func proxyHere() error {
	p, err := proxy.New()
	if err != nil {
		return err
	}
	err = p.Apply([]*balance.Plan{{
		Service: &balance.Service{
			Name: "web", Listen: []balance.Endpoint{{AddrPort: netip.AddrPortFrom(balancerIP, port), Proto: balance.TCP}}, Forward: balance.Proxy,
			Proxying: balance.Proxying{Connect: connectTimeout},
		},
		Select:  balance.InTurn,
		Targets: []balance.Target{{ID: 1, Addr: netip.AddrPortFrom(serverIP, port), Weight: 1}},
		Table:   []uint16{0},
	}})
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	<-ctx.Done()
	return p.Close(false)
}

func startHAProxy() (*exec.Cmd, error) {
	cmd := exec.Command("haproxy", "-db", "-q", "-f", "/dev/stdin")
	cmd.Stdin = strings.NewReader(`global
 maxconn 4000
defaults
 mode tcp
 option splice-auto
 timeout connect 5s
 timeout client 60s
 timeout server 60s
listen web
 bind ` + netip.AddrPortFrom(balancerIP, port).String() + `
 server s ` + netip.AddrPortFrom(serverIP, port).String() + `
`)
	cmd.Stderr = os.Stderr
	return cmd, nil
}

// self is this program in another role.
func self(args ...string) (*exec.Cmd, error) {
	name, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(name, args...)
	cmd.Stderr = os.Stderr
	return cmd, nil
}
