package survival

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/balance/mirror"
	"github.com/holdfast-net/holdfast/interop/peer"
)

// Service is how holdfast's service is set.
type Service struct {
	Forward   string
	Scheduler string
	Further   []string // lines of the service
}

// holdfast is a pair of nodes with a service.
type holdfast struct {
	site    *Site
	service Service
	binary  string
	dir     string
	removed int // so many of the first backends are not in the file
	nodes   [2]*peer.Node
	old     []*peer.Node // that ran before
}

// Holdfast is the pair, with a binary, and a folder for files.
func Holdfast(site *Site, service Service, binary, dir string) (Pair, error) {
	var err error
	switch service.Forward {
	case "nat":
		err = site.back()
	case "tunnel":
		err = site.unwrap(binary, dir)
	}
	if err != nil {
		return nil, err
	}
	return &holdfast{site: site, service: service, binary: binary, dir: dir}, nil
}

func (p *holdfast) Name() string { return "holdfast " + p.service.Forward + " " + p.service.Scheduler }

// global is the file but for the group.
func (p *holdfast) global() []string {
	lines := []string{
		"services:",
		"  web:",
		fmt.Sprintf("    listen: %s:%d/tcp", vip.Addr(), servicePort),
		"    forward: " + p.service.Forward,
		"    scheduler: " + p.service.Scheduler,
		"    checks: [open]",
	}
	for _, f := range p.service.Further {
		lines = append(lines, "    "+f)
	}
	if p.service.Forward == "full-nat" {
		lines = append(lines, "    translate: ["+inner.Addr().String()+"]")
	}
	lines = append(lines, "    backends:")
	for i, a := 0, firstIn; i < len(p.site.Backends); i, a = i+1, a.Next() {
		if i < p.removed {
			continue
		}
		lines = append(lines, fmt.Sprintf("    - {address: %q}", netip.AddrPortFrom(a, p.port())))
	}
	return append(lines, "checks:", "  open: {tcp: backend, interval: 1s}")
}

// port is where backends serve: what is not translated comes to the service's.
func (p *holdfast) port() uint16 {
	if p.service.Forward == "dsr" || p.service.Forward == "tunnel" {
		return servicePort
	}
	return serverPort
}

func (p *holdfast) options(i int) peer.Options {
	return peer.Options{
		Dir: filepath.Join(p.dir, p.site.Balancers[i].Name()), Binary: p.binary, Node: p.site.Balancers[i].Name(),
		Global: p.global(),
	}
}

// file is the whole file of a node.
func (p *holdfast) file(i int) string {
	return peer.HoldfastConf(p.options(i), []peer.Router{p.router(i)})
}

// key signs adverts, and makes the same tables of hashes on both.
func (p *holdfast) router(i int) peer.Router {
	r := router(i)
	r.Further = []string{"auth: {hmac: {keys: {1: {file: " + filepath.Join(p.dir, "key") + "}}, active: 1}}"}
	return r
}

func (p *holdfast) Start(i int) error {
	if len(program(p.site.Balancers[i], p.running()...)) > 0 {
		return nil
	}
	if err := os.WriteFile(filepath.Join(p.dir, "key"), []byte(strings.Repeat("k", 32)), 0o600); err != nil {
		return fmt.Errorf("cannot write the key: %w", err)
	}
	d, err := peer.Start(peer.Holdfast, p.site.Balancers[i], p.options(i), p.router(i))
	if err != nil {
		return err
	}
	if p.nodes[i] != nil {
		p.old = append(p.old, p.nodes[i])
	}
	p.nodes[i] = d.(*peer.Node)
	return nil
}

// running is how the daemon's command line begins.
func (p *holdfast) running() []string { return []string{filepath.Base(p.binary), "run"} }

// Ready waits for the first time that the second node has what the first one has.
func (p *holdfast) Ready() error {
	if p.service.Forward != "proxy" && !strings.Contains(p.nodes[1].Log(), "code="+mirror.CodeSynced) {
		return fmt.Errorf("%s has not said yet that it has all connections (%s)", p.nodes[1].Host().Name(), mirror.CodeSynced)
	}
	return nil
}

func (p *holdfast) Kill(i int) error {
	h := p.site.Balancers[i]
	if err := signal(h, unix.SIGKILL, p.running()...); err != nil {
		return err
	}
	return gone(h, p.running()...)
}

func (p *holdfast) Freeze(i int) error {
	return signal(p.site.Balancers[i], unix.SIGSTOP, p.running()...)
}

func (p *holdfast) Thaw(i int) error {
	return signal(p.site.Balancers[i], unix.SIGCONT, p.running()...)
}

func (p *holdfast) command(i int, args ...string) error {
	_, err := p.nodes[i].Command(args...)
	return err
}

func (p *holdfast) Leave(i int) error   { return p.command(i, "handover", "web") }
func (p *holdfast) Return(i int) error  { return p.command(1-i, "handover", "web") }
func (p *holdfast) Upgrade(i int) error { return p.command(i, "upgrade") }

func (p *holdfast) Stop() error {
	var errs []error
	for i, h := range p.site.Balancers {
		errs = append(errs, stop(h, p.running()...))
		// Where the machine has no BPF file system the daemon mounts one, and one
		// that was killed has left it there.
		if err := unix.Unmount(filepath.Join(p.options(i).Dir, "bpf"), unix.MNT_DETACH); err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOENT) {
			errs = append(errs, err)
		}
	}
	return errors.Join(append(errs, p.site.wrapped(p.binary))...)
}

func (p *holdfast) Logs() string {
	var b strings.Builder
	for _, n := range append(p.old, p.nodes[:]...) {
		if n != nil {
			fmt.Fprintf(&b, "%s:\n%s\n", n.Host().Name(), n.Log())
		}
	}
	return b.String()
}
