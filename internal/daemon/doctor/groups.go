package doctor

import (
	"fmt"

	"github.com/vishvananda/netlink"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/linux/macvlan"
	"github.com/holdfast-net/holdfast/internal/linux/sysctl"
	"github.com/holdfast-net/holdfast/vrrp"
)

// settings looks for what keeps an address from answering as it should.
func (e *examination) settings(cfg *config.Config) {
	all, fine := sysctl.ReadAll(), true
	wrong := func(result, do, format string, args ...any) {
		fine = false
		e.add(result, "sysctl", do, format, args...)
	}
	if all.ARPFilter != 0 {
		wrong(api.FindingWeaker, "set it to 0", "net.ipv4.conf.all.arp_filter is %d: virtual MACs would not answer, so the physical ones are used", all.ARPFilter)
	}
	if all.ARPIgnore > 2 {
		wrong(api.FindingWeaker, "set it to 2 or less", "net.ipv4.conf.all.arp_ignore is %d: virtual MACs would not answer, so the physical ones are used", all.ARPIgnore)
	}
	if cfg != nil {
		for i := range cfg.Groups {
			g := &cfg.Groups[i]
			for _, f := range g.Families() {
				if v, err := sysctl.ReadIPv6(g.Interface, "disable_ipv6"); f == vrrp.IPv6 && err == nil && v != 0 {
					wrong(api.FindingMissing, fmt.Sprintf("sysctl net.ipv6.conf.%s.disable_ipv6=0", g.Interface), "IPv6 is disabled on %s, and group %s has IPv6 addresses", g.Interface, g.Name)
				}
			}
		}
	}
	if fine {
		e.ok("sysctl", "no setting stands in the way")
	}
}

// groups says of every group what its interface and its guard mean.
func (e *examination) groups(cfg *config.Config) {
	nl, err := netlink.NewHandle()
	if err != nil {
		e.add(api.FindingMissing, "groups", "", "the interfaces cannot be looked at: %v", err)
		return
	}
	defer nl.Close()
	for i := range cfg.Groups {
		g := &cfg.Groups[i]
		e.carrier(nl, g)
		e.guard(cfg, g)
	}
}

// carrier looks at the group's interface.
func (e *examination) carrier(nl *netlink.Handle, g *config.Group) {
	subject := "group " + g.Name
	link, err := nl.LinkByName(g.Interface)
	if err != nil {
		e.add(api.FindingMissing, subject, "make it, or name another in the file", "interface %s is not there: %v", g.Interface, err)
		return
	}
	why := macvlan.Unsuitable(nl, link)
	switch {
	case g.VRRP.MAC == config.MACPhysical:
		e.ok(subject, "%s is there; the physical MAC answers, as the file says", g.Interface)
	case why == "":
		e.ok(subject, "%s is there and can carry the virtual MAC", g.Interface)
	case g.VRRP.MAC == config.MACVirtual:
		e.add(api.FindingMissing, subject, "mac: auto or physical, or another interface", "the file wants the virtual MAC, and %s", why)
	default:
		e.add(api.FindingWeaker, subject, "nothing, or another interface; `mac: physical` says that it is meant", "the physical MAC answers, for %s: clients learn a new one with each move", why)
	}
}

// guard says what becomes of a group that is cut off. What the file chose is
// no fault; what it does not do is said all the same.
func (e *examination) guard(cfg *config.Config, g *config.Group) {
	subject := "group " + g.Name
	voters := cfg.Cluster.Voters()
	switch g.Guard.Kind {
	case config.GuardMajority:
		e.ok(subject, "guarded: it is held only while %d of %d voters have promised it to one node; cut off from them, a node lets go", voters/2+1, voters)
	case config.GuardGateway:
		e.add(api.FindingWeaker, subject, "three voters (nodes and witnesses) and guard: guarded",
			"gateway %s: a cut between two nodes that both reach the gateway is not decided by it", g.Guard.Gateway)
	default:
		e.ok(subject, "available: nodes that do not hear each other may hold it at the same time; a third voter lets it be guarded")
	}
}
