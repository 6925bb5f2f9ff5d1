// Command holdfast keeps a virtual IP answering.
package main

import (
	"context"
	"os"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/balance/bpf"
	"github.com/holdfast-net/holdfast/internal/cli"
	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/daemon"
	"github.com/holdfast-net/holdfast/internal/daemon/doctor"
	"github.com/holdfast-net/holdfast/internal/demo"
	"github.com/holdfast-net/holdfast/internal/fence/agent"
	"github.com/holdfast-net/holdfast/internal/steps"
)

// version is set by the linker.
var version = "devel"

func main() {
	os.Exit(cli.Main(cli.Commands{Version: version, Run: run, Demo: show, Release: release, Guard: guard, Member: daemon.Member, Proxy: daemon.Proxy, Unwrap: unwrap, Cluster: daemon.ClusterStore{}, Doctor: doctor.Examine, Facts: facts}))
}

func run(ctx context.Context, o cli.RunOptions) error {
	return daemon.Run(ctx, daemon.Options{ConfigPath: o.ConfigPath, Socket: o.Socket, Guardian: o.Guardian, Version: api.Build(version), Log: o.Log})
}

func show(ctx context.Context, o cli.DemoOptions) error {
	return demo.Run(ctx, demo.Options{Interval: o.Interval, JSON: o.JSON, Keep: o.Keep, Version: version, In: o.In, Out: o.Out, Err: o.Err})
}

func release(_ context.Context, socket string) ([]string, error) { return daemon.Release(socket) }

func unwrap(ctx context.Context, o cli.UnwrapOptions, ready func()) error {
	return daemon.Unwrap(ctx, o.Dir, bpf.Unwrapping{Interfaces: o.Interfaces, Addresses: o.Addresses}, ready)
}

func guard(o cli.GuardOptions) error { return daemon.Guard(o.Log, o.Gate) }

// facts is what is known of this machine. Where the interfaces cannot be
// listed, a file is checked without them.
func facts() config.Facts {
	links, err := daemon.Links()
	if err != nil {
		links = nil
	}
	f := config.Here(links)
	f.Agent, f.FenceAgent = steps.Agent, agent.CheckDevice
	return f
}
