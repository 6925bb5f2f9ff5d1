package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/balance"
	"github.com/holdfast-net/holdfast/internal/balance/bpf"
	"github.com/holdfast-net/holdfast/internal/linux/gate"
)

// kernel is holdfast's plane in the kernel, without the daemon.
type kernel struct {
	dir   string
	plane *bpf.Plane
	gate  *gate.Gate
}

// fullPorts is how many flows to a server an address is used for, of its 64,512
// ports.
const fullPorts = 48 << 10

// openKernel serves in the namespace of this process, which has mounts of its
// own: what is pinned is gone with it.
func openKernel(dir string, forward balance.Forward, by balance.Select, flows int, hook bpf.Hook) (_ *kernel, err error) {
	k := &kernel{dir: dir}
	defer func() {
		if err != nil {
			_ = k.close()
		}
	}()
	if err := unix.Mount("bpf", dir, "bpf", 0, ""); err != nil {
		return nil, fmt.Errorf("cannot mount a BPF file system: %w", err)
	}
	links, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	c := bpf.Config{Dir: dir, Flows: flows, HalfOpen: 1 << 14, Hook: hook}
	if hook == bpf.XDP {
		if k.gate, err = openGate(); err != nil {
			return nil, err
		}
		if c.Gate, err = k.gate.Files(); err != nil {
			return nil, err
		}
	}
	for _, l := range links {
		if l.Flags&net.FlagLoopback == 0 {
			c.Interfaces = append(c.Interfaces, l.Name)
		}
	}
	if k.plane, err = bpf.Open(c); err != nil {
		return nil, err
	}
	plan := servicePlan(forward, by)
	for at := innerIP; flows > len(serverIPs)*len(plan.Service.Translate)*fullPorts; {
		at = at.Next() // another address, and its ports
		plan.Service.Translate = append(plan.Service.Translate, at)
	}
	return k, k.plane.Apply([]*balance.Plan{plan})
}

func (k *kernel) close() error {
	var err error
	if k.plane != nil {
		err = k.plane.Close(false)
	}
	if k.gate != nil {
		err = errors.Join(err, k.gate.Close())
	}
	return errors.Join(err, unix.Unmount(k.dir, unix.MNT_DETACH))
}

// kernelHere serves until it is told to end.
func kernelHere(dir string, forward balance.Forward, flows int, hook bpf.Hook) error {
	k, err := openKernel(dir, forward, balance.InTurn, flows, hook)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	return errors.Join(k.plane.Run(ctx), k.close())
}

// servicePlan is of the service with all servers behind it.
func servicePlan(forward balance.Forward, by balance.Select) *balance.Plan {
	s := &balance.Service{Name: "web", Forward: forward, Translate: []netip.Addr{innerIP}, Timeouts: balance.Timeouts{
		HalfOpen: 30 * time.Second, Established: 2 * time.Hour, Closing: time.Minute, Closed: 10 * time.Second,
		UDP: 30 * time.Second, UDPAssured: 3 * time.Minute,
	}}
	for _, proto := range []balance.Proto{balance.TCP, balance.UDP} {
		s.Listen = append(s.Listen, balance.Endpoint{AddrPort: netip.AddrPortFrom(balancerIP, port), Proto: proto})
	}
	plan := &balance.Plan{Service: s, Generation: 1, Select: by, Seed: [16]byte{1, 2, 3}}
	for i, ip := range serverIPs {
		plan.Targets = append(plan.Targets, balance.Target{ID: uint32(i + 1), Addr: netip.AddrPortFrom(ip, port), Weight: 1})
	}
	for i := range 1023 {
		plan.Table = append(plan.Table, uint16(i%len(serverIPs)))
	}
	return plan
}
