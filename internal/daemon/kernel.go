package daemon

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/balance"
	"github.com/holdfast-net/holdfast/internal/balance/bpf"
	"github.com/holdfast-net/holdfast/internal/balance/pools"
	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/linux/bpffs"
)

// CodeSizes is that tables of the plane in the kernel have another size than the
// file says.
const CodeSizes = "HF3027"

// inKernel is the plane in the kernel with what it needs of the machine: a
// folder where it outlives this process, interfaces, and leave to forward.
type inKernel struct {
	*bpf.Plane
	daemon *Daemon
	memory string
	dir    string
	lets   *forwarding
	cancel context.CancelFunc
	done   chan struct{}
}

// openKernel takes the plane over from an earlier run, or begins one. While the
// process before this one still works with it, it is not to be had.
func (d *Daemon) openKernel(socket string) (balance.Plane, error) {
	if !d.alone() {
		return nil, pools.ErrNotYet
	}
	cfg := d.current.Load().cfg
	dir, err := d.kernelFolder(socket, cfg)
	if err != nil {
		return nil, err
	}
	lets, err := openForwarding(memory(socket))
	if err != nil {
		return nil, err
	}
	lets.again = func(what string) {
		d.note(api.Event{Kind: "service", Code: pools.CodePlane, Reason: what + " was switched off, and nothing was forwarded: it is on again"})
	}
	hook, err := bpf.ParseHook(cfg.Balancer.Hook)
	if err != nil {
		return nil, err
	}
	holds, err := d.doors.files()
	if err != nil {
		return nil, err
	}
	defer closeFiles(holds)
	share := partOf(cfg)
	p, err := bpf.Open(bpf.Config{
		Dir: dir, Interfaces: *d.front.Load(), Ports: share.Ports(), AllPorts: [2]uint16{share.First, share.Last}, Hook: hook, Gate: holds, Allow: lets.allow,
		Flows: cfg.Balancer.Flows, HalfOpen: cfg.Balancer.HalfOpen,
	})
	if lacks := Forwards(); err != nil && lacks != nil {
		return nil, lacks // the kernel's own words are those of its verifier
	}
	if err != nil {
		return nil, err
	}
	if flows, half := p.Sizes(); flows != cfg.Balancer.Flows || half != cfg.Balancer.HalfOpen {
		d.note(api.Event{Kind: "service", Code: CodeSizes, Reason: fmt.Sprintf(
			"tables keep the size they have (balancer.flows %d, half_open %d), as flows are in them; the file's holds after an orderly stop and a start", flows, half)})
	}
	if err := noteHooked(memory(socket), dir); err != nil {
		return nil, errors.Join(err, p.Close(true))
	}
	k := &inKernel{Plane: p, memory: memory(socket), daemon: d, dir: dir, lets: lets, done: make(chan struct{})}
	var ctx context.Context
	ctx, k.cancel = context.WithCancel(context.Background())
	go k.run(ctx)
	return k, nil
}

// alone says whether no process before this one has the plane.
func (d *Daemon) alone() bool { return d.heir == nil || d.heir.gone.Load() }

// kernelFolder is where the plane of this daemon is kept: several daemons of
// one machine have one each.
func (d *Daemon) kernelFolder(socket string, cfg *config.Config) (string, error) {
	return bpffs.Folder(filepath.Join(memory(socket), "bpf"), cfg.Node+" "+cfg.State)
}

// frontOf is the interfaces that clients of services are behind.
func frontOf(cfg *config.Config) []string {
	var names []string
	for i := range cfg.Services {
		s := &cfg.Services[i]
		if s.Forward == balance.Proxy {
			continue
		}
		for j := range cfg.Groups {
			if g := &cfg.Groups[j]; slices.Contains(s.Groups, g.Name) && g.Interface != "" {
				names = append(names, g.Interface)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Apply is balance.Plane's.
func (k *inKernel) Apply(plans []*balance.Plan) error {
	k.Use(*k.daemon.front.Load())
	return k.Plane.Apply(plans)
}

// Close is balance.Plane's.
func (k *inKernel) Close(keep bool) error {
	k.cancel()
	<-k.done
	if err := k.Plane.Close(keep); err != nil || keep {
		return err
	}
	return errors.Join(k.lets.restore(), bpffs.Release(k.dir), forgetHooked(k.memory))
}

// run keeps flows swept, and says once what stands in the way.
func (k *inKernel) run(ctx context.Context) {
	defer close(k.done)
	said := ""
	for ctx.Err() == nil {
		err := k.Run(ctx)
		if err == nil {
			return
		}
		if text := err.Error(); text != said {
			said = text
			k.daemon.note(api.Event{Kind: "service", Code: pools.CodePlane, Reason: fmt.Sprintf("flows are not looked after: %v (it is tried again)", err)})
		}
		select {
		case <-ctx.Done():
		case <-time.After(5 * time.Second):
		}
	}
}

// clearKernel removes what the plane of an earlier run has left, where no
// service wants it any more.
func (d *Daemon) clearKernel(socket string) error {
	if !d.alone() {
		return pools.ErrNotYet
	}
	lets, err := openForwarding(memory(socket))
	if err != nil {
		return err
	}
	dir, err := d.kernelFolder(socket, d.current.Load().cfg)
	if missing, none := errors.AsType[*bpffs.Missing](err); none && missing != nil {
		return lets.restore() // then nothing was kept either
	}
	if err != nil {
		return err
	}
	return errors.Join(bpf.Remove(dir), lets.restore(), bpffs.Release(dir), forgetHooked(memory(socket)))
}
