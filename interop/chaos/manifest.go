package chaos

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/google/nftables"
	"github.com/vishvananda/netlink"

	"github.com/holdfast-net/holdfast/internal/lab"
)

// manifest is what of a host's network a daemon may change, one thing a line:
// interfaces, addresses, nftables, queueing disciplines, filters and programs
// on them, settings.
type manifest map[string]bool

// inventory looks at a host.
func inventory(host *lab.Host) (manifest, error) {
	m := make(manifest)
	err := host.Do(func() error {
		links, err := netlink.LinkList()
		if err != nil {
			return err
		}
		for _, l := range links {
			if err := m.addLink(l); err != nil {
				return err
			}
		}
		if err := m.addTables(); err != nil {
			return err
		}
		return m.addSettings()
	})
	if err != nil {
		return nil, fmt.Errorf("cannot look what is on host %s: %w", host.Name(), err)
	}
	return m, nil
}

func (m manifest) add(format string, args ...any) { m[fmt.Sprintf(format, args...)] = true }

func (m manifest) addLink(l netlink.Link) error {
	name := l.Attrs().Name
	m.add("interface %s (%s)", name, l.Type())
	addrs, err := netlink.AddrList(l, netlink.FAMILY_ALL)
	if err != nil {
		return err
	}
	for _, a := range addrs {
		m.add("address %s on %s", a.IPNet, name)
	}
	qdiscs, err := netlink.QdiscList(l)
	if err != nil {
		return err
	}
	for _, q := range qdiscs {
		m.add("queueing discipline %s on %s", q.Type(), name)
	}
	for side, parent := range map[string]uint32{"ingress": netlink.HANDLE_MIN_INGRESS, "egress": netlink.HANDLE_MIN_EGRESS} {
		filters, err := netlink.FilterList(l, parent)
		if err != nil {
			continue // no discipline that could have filters
		}
		for _, f := range filters {
			m.add("%s filter %s on %s", side, f.Type(), name)
		}
	}
	for side, attach := range map[string]ebpf.AttachType{"ingress": ebpf.AttachTCXIngress, "egress": ebpf.AttachTCXEgress} {
		got, err := link.QueryPrograms(link.QueryOptions{Target: l.Attrs().Index, Attach: attach})
		if err != nil {
			continue // a kernel without tcx
		}
		if n := len(got.Programs); n > 0 {
			m.add("%d programs at the %s of %s", n, side, name)
		}
	}
	return nil
}

func (m manifest) addTables() error {
	nft, err := nftables.New()
	if err != nil {
		return err
	}
	tables, err := nft.ListTables()
	if err != nil {
		return err
	}
	for _, t := range tables {
		m.add("nftables table %s", t.Name)
	}
	return nil
}

// addSettings reads the settings of the one interface and of all.
func (m manifest) addSettings() error {
	for _, dir := range []string{"ipv4/conf/all", "ipv4/conf/eth0", "ipv6/conf/all", "ipv6/conf/eth0"} {
		paths, err := filepath.Glob("/proc/sys/net/" + dir + "/*")
		if err != nil {
			return err
		}
		for _, p := range paths {
			if filepath.Base(p) == "stable_secret" {
				continue // no number, and unset
			}
			if value, err := os.ReadFile(p); err == nil {
				m.add("setting %s=%s", strings.TrimPrefix(p, "/proc/sys/net/"), strings.TrimSpace(string(value)))
			}
		}
	}
	return nil
}

// left lists what is there now and was not before, and what was and is not.
func (m manifest) left(now manifest) []string {
	var lines []string
	for line := range now {
		if !m[line] {
			lines = append(lines, line)
		}
	}
	for line := range m {
		if !now[line] && !strings.HasPrefix(line, "setting ") {
			lines = append(lines, "missing: "+line)
		}
	}
	slices.Sort(lines)
	return lines
}
