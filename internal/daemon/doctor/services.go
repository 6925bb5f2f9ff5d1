package doctor

import (
	"net/netip"
	"path/filepath"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/balance"
	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/daemon"
	"github.com/holdfast-net/holdfast/internal/linux/bpffs"
	"github.com/holdfast-net/holdfast/internal/linux/capability"
)

// services looks at what services that the kernel forwards need of it, and at
// the ways to their backends.
func (e *examination) services(cfg *config.Config) {
	kernel := func(s config.Service) bool { return s.Forward != balance.Proxy }
	if !slices.ContainsFunc(cfg.Services, kernel) {
		return
	}
	e.forwards(cfg)
	for _, s := range cfg.Services {
		if kernel(s) {
			e.ways(s)
		}
	}
}

// forwards says whether a daemon with the rights of this process could.
func (e *examination) forwards(cfg *config.Config) {
	own := filepath.Join(filepath.Dir(cfg.Control.Socket), "bpf")
	if err := daemon.Forwards(); err != nil {
		e.add(api.FindingMissing, "services", "run doctor as root to see what the machine can do; packaging/holdfast.service.d/services.conf is for the unit", "services cannot be forwarded in the kernel: %v", err)
		return
	}
	switch {
	case bpffs.Shared():
		e.ok("services", "flows outlive the daemon in /sys/fs/bpf/holdfast")
	case capability.Has(unix.CAP_SYS_ADMIN):
		e.ok("services", "flows outlive the daemon in a BPF file system that root mounts at %s", own)
	}
}

// ways looks at how packets get to the backends of a service.
func (e *examination) ways(s config.Service) {
	subject := "service " + s.Name
	fine := true
	for _, b := range s.Backends {
		a := b.Addr.Addr()
		routes, err := netlink.RouteGet(a.AsSlice())
		switch {
		case err != nil || len(routes) == 0:
			fine = false
			e.add(api.FindingMissing, subject, "add a route", "there is no way to backend %s: %v", b.Addr, err)
		case routes[0].Type == unix.RTN_LOCAL:
			fine = false
			e.add(api.FindingMissing, subject, "write forward: proxy, or name another machine", "backend %s is this machine itself, and the kernel forwards to others only", b.Addr)
		case s.Forward == balance.DSR && routes[0].Gw != nil:
			fine = false
			e.add(api.FindingMissing, subject, "write forward: tunnel, or full-nat", "backend %s is behind a router, and frames of direct return do not get there", b.Addr)
		default:
			fine = e.wide(s, a, routes[0]) && fine
		}
	}
	if fine {
		e.ok(subject, "there is a way to each of %d backends", len(s.Backends))
	}
}

// wide looks whether full packets of clients fit into a tunnel.
func (e *examination) wide(s config.Service, to netip.Addr, way netlink.Route) bool {
	if s.Forward != balance.Tunnel {
		return true
	}
	l, err := netlink.LinkByIndex(way.LinkIndex)
	if err != nil {
		return true
	}
	outer := 40
	if to.Is4() {
		outer = 20
	}
	if s.Encapsulation == balance.GUE {
		outer += 8
	}
	// What is wrapped arrives here by interfaces of 1500 bytes, as a rule.
	if mtu := l.Attrs().MTU; mtu < 1500+outer && !strings.HasPrefix(l.Attrs().Name, "lo") {
		e.add(api.FindingWeaker, "service "+s.Name, "raise the MTU of the way, or lower the MSS of backends",
			"the tunnel to %s takes %d bytes of the %d of %s: full packets of clients are answered with what fits (%d bytes)", to, outer, mtu, l.Attrs().Name, mtu-outer)
		return false
	}
	return true
}
