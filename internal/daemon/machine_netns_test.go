package daemon_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/google/nftables"
	"github.com/vishvananda/netlink"
)

// machine is what of a host's kernel a daemon may change.
type machine struct {
	Interfaces []string
	Addresses  []string
	Rules      []string
	Routes     []string
	Tables     []string          // of nftables
	Settings   map[string]string // of eth0 and lo
	Programs   int               // of eBPF, at the ingress of eth0
}

// machine looks at the host.
func (n *node) machine() machine {
	n.s.t.Helper()
	m := machine{Settings: map[string]string{}}
	n.s.must(n.host.Do(m.look))
	return m
}

// look runs in the host.
func (m *machine) look() error {
	links, err := netlink.LinkList()
	if err != nil {
		return err
	}
	names := map[int]string{}
	for _, l := range links {
		names[l.Attrs().Index] = l.Attrs().Name
		m.Interfaces = append(m.Interfaces, l.Attrs().Name)
	}
	addrs, err := netlink.AddrList(nil, netlink.FAMILY_ALL)
	if err != nil {
		return err
	}
	for _, a := range addrs {
		m.Addresses = append(m.Addresses, names[a.LinkIndex]+" "+a.IPNet.String())
	}
	rules, err := netlink.RuleList(netlink.FAMILY_ALL)
	if err != nil {
		return err
	}
	for _, r := range rules {
		m.Rules = append(m.Rules, r.String())
	}
	routes, err := netlink.RouteList(nil, netlink.FAMILY_ALL)
	if err != nil {
		return err
	}
	for _, r := range routes {
		m.Routes = append(m.Routes, fmt.Sprintf("%s %v", names[r.LinkIndex], r.Dst))
	}
	nft, err := nftables.New()
	if err != nil {
		return err
	}
	tables, err := nft.ListTables()
	if err != nil {
		return err
	}
	for _, t := range tables {
		m.Tables = append(m.Tables, t.Name)
	}
	for _, list := range [][]string{m.Interfaces, m.Addresses, m.Rules, m.Routes, m.Tables} {
		slices.Sort(list)
	}
	for _, l := range links {
		if l.Attrs().Name != "eth0" {
			continue
		}
		found, err := link.QueryPrograms(link.QueryOptions{Target: l.Attrs().Index, Attach: ebpf.AttachTCXIngress})
		if err == nil { // else the kernel has no such hook
			m.Programs = len(found.Programs)
		}
	}
	return m.settings()
}

// settings reads those that decide who answers what.
func (m *machine) settings() error {
	for _, name := range []string{
		"ipv4/conf/eth0/arp_ignore", "ipv4/conf/eth0/arp_announce", "ipv4/conf/eth0/arp_filter",
		"ipv4/conf/eth0/rp_filter", "ipv4/conf/eth0/promote_secondaries", "ipv6/conf/eth0/accept_dad",
		"ipv4/conf/lo/forwarding", "ipv6/conf/lo/forwarding",
	} {
		b, err := os.ReadFile(filepath.Join("/proc/sys/net", name))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		m.Settings[name] = strings.TrimSpace(string(b))
	}
	return nil
}
