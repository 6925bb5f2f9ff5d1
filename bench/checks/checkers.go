package main

import (
	"context"
	"fmt"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/holdfast-net/holdfast/internal/check"
	"github.com/holdfast-net/holdfast/internal/check/probe"
	"github.com/holdfast-net/holdfast/internal/check/run"
)

// checker looks at one server in one way, each of a number of checks once a
// second, until it is killed.
type checker struct {
	name  string
	start func(workload, target string, number int) (*exec.Cmd, error)
}

var checkers = []checker{{"holdfast", startHoldfast}, {"haproxy", startHAProxy}}

func startHoldfast(workload, target string, number int) (*exec.Cmd, error) {
	cmd, err := self(checkerCPU, "-as", "check", "-target", target, "-checks", fmt.Sprint(number), workload)
	if err != nil {
		return nil, err
	}
	return cmd, cmd.Start()
}

// checkAll is holdfast's process: what the daemon runs, without the daemon.
func checkAll(workload, target string, number int) error {
	to, err := check.ParseEndpoint(target, 0)
	if err != nil {
		return err
	}
	specs := make([]check.Spec, number)
	for i := range specs {
		specs[i] = check.Spec{Name: fmt.Sprintf("check %d", i), Kind: kind(workload, to), Settings: check.Settings{
			Interval: time.Second, FastInterval: time.Second, DownInterval: time.Second, Timeout: time.Second, Rise: 2, Fall: 3,
		}}
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	r := run.New(run.Options{
		Probe: func(k check.Kind) check.Probe {
			p, err := probe.New(k)
			if err != nil {
				panic(err) // a benchmark that does not measure what it says
			}
			return p
		},
		Tell: func(string, check.Change) {},
	})
	r.Apply(specs)
	r.Run(ctx)
	return nil
}

func kind(workload string, to check.Endpoint) check.Kind {
	if workload == "tcp" {
		return check.TCP{To: to}
	}
	k := check.DefaultHTTP()
	k.URLs = []string{"http://" + to.String() + "/healthz"}
	return k
}

func startHAProxy(workload, target string, number int) (*exec.Cmd, error) {
	var b strings.Builder
	b.WriteString("global\n nbthread 1\n maxconn 1000\ndefaults\n mode tcp\n timeout connect 1s\n timeout client 1s\n timeout server 1s\n timeout check 1s\n")
	b.WriteString("frontend unused\n bind 127.0.0.1:1\nbackend all\n") // it ends where it has nobody to serve
	if workload == "http" {
		b.WriteString(" option httpchk\n http-check send meth GET uri /healthz ver HTTP/1.1 hdr Host 127.0.0.1\n http-check expect status 200-299\n")
	}
	for i := range number {
		fmt.Fprintf(&b, " server s%d %s check inter 1s rise 2 fall 3\n", i, target)
	}
	cmd, err := pinned(checkerCPU, "haproxy", "-db", "-q", "-f", "/dev/stdin")
	if err != nil {
		return nil, err
	}
	cmd.Stdin = strings.NewReader(b.String())
	return cmd, cmd.Start()
}
