package bpf

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"

	"github.com/holdfast-net/holdfast/internal/balance"
)

// ways adds to the interfaces that clients are behind those that lead to
// backends: their answers arrive there. A backend that no way leads to has
// none; the drops for want of a route say so.
func ways(clients []string, plans []*balance.Plan) []string {
	names := slices.Clone(clients)
	byIndex := map[int]string{}
	for _, plan := range plans {
		for _, t := range plan.Targets {
			routes, err := netlink.RouteGet(t.Addr.Addr().AsSlice())
			if err != nil || len(routes) == 0 || routes[0].LinkIndex == loopback {
				continue
			}
			at := routes[0].LinkIndex
			if _, known := byIndex[at]; known {
				continue
			}
			if l, err := netlink.LinkByIndex(at); err == nil {
				byIndex[at] = l.Attrs().Name
				names = append(names, l.Attrs().Name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// checkForwarding: the routing table is asked as for a packet that the kernel
// forwards, or else as for one of this machine itself, and says no where
// neither the interface nor lo is let do so.
func checkForwarding(names []string, ip4 bool) error {
	family := "ipv6"
	if ip4 {
		family = "ipv4"
	}
	forwards := func(name string) (bool, error) {
		b, err := os.ReadFile(filepath.Join("/proc/sys/net", family, "conf", name, "forwarding"))
		return strings.TrimSpace(string(b)) != "0", err
	}
	if yes, err := forwards("lo"); yes && err == nil {
		return nil
	}
	for _, name := range names {
		yes, err := forwards(name)
		if errors.Is(err, os.ErrNotExist) {
			continue // it is gone, or has no such family
		}
		if err != nil {
			return fmt.Errorf("cannot see whether %s forwards: %w", name, err)
		}
		if !yes {
			return fmt.Errorf("%s does not forward: set net.%s.conf.lo.forwarding=1", name, family)
		}
	}
	return nil
}
