package chaos

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/holdfast-net/holdfast/internal/lab"
	"github.com/holdfast-net/holdfast/interop/chaos/observe"
	"github.com/holdfast-net/holdfast/interop/peer"
)

const (
	groupName = "web"
	echoPort  = 7
	vrid      = 51
	observers = 2
)

var names = [...]string{"a", "b", "c"}

// The addresses of the LAN. Those of the observers are observe.Asking.
var (
	vip4   = netip.MustParsePrefix("192.0.2.10/24")
	vip6   = netip.MustParsePrefix("2001:db8::10/64")
	local6 = netip.MustParsePrefix("fe80::10/64")
	user4  = netip.MustParsePrefix("192.0.2.100/24")
	user6  = netip.MustParsePrefix("2001:db8::64/64")
)

func own4(i int) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(i + 1)}), 24)
}

func own6(i int) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 15: byte(i + 1)}), 64)
}

func mac(i int) net.HardwareAddr { return net.HardwareAddr{2, 0, 0, 0, 0, byte(0xa + i)} }

// link6 is the link-local address that a node's kernel makes from its MAC, RFC
// 4291 appendix A. Adverts come from there.
func link6(i int) netip.Prefix {
	m := mac(i)
	return netip.PrefixFrom(netip.AddrFrom16([16]byte{0: 0xfe, 1: 0x80, 8: m[0] ^ 2, 9: m[1], 10: m[2], 11: 0xff, 12: 0xfe, 13: m[3], 14: m[4], 15: m[5]}), 64)
}

// cluster is the LAN of one run.
type cluster struct {
	mode       Mode
	vip        netip.Prefix
	lan        *lab.LAN
	nodes      []*node
	eyes       []*lab.Host // the observers'
	client     *lab.Host   // with open traffic
	dir        string
	losses     map[*int]lab.Loss // by whom they were set
	voting     time.Time         // when the witness votes, if there is one
	witness    *lab.Process
	runWitness func() error // starts it
	stores     []*storeMember
	storeDir   string
	disks      []*disk
}

// build makes the LAN. Nothing runs on it yet.
func build(kind peer.Kind, binary string, plan *Plan) (*cluster, error) {
	c := &cluster{mode: plan.Mode, vip: vip4}
	if c.mode.IPv6 {
		c.vip = vip6
	}
	var err error
	if c.lan, err = lab.New(); err != nil {
		return nil, err
	}
	// Not below the test's own folder: the path of a socket is 108 bytes long
	// at most, unix(7).
	if c.dir, err = os.MkdirTemp("", "hf-"); err == nil {
		err = os.Chmod(c.dir, 0o755)
	}
	if err == nil {
		err = c.plug(kind, binary, plan)
	}
	if err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

func (c *cluster) plug(kind peer.Kind, binary string, plan *Plan) error {
	if c.votes(kind) {
		if err := c.startWitness(binary); err != nil {
			return err
		}
	}
	if err := c.startStore(binary, plan); err != nil {
		return err
	}
	for i := range c.mode.Nodes {
		host, err := c.lan.Add(lab.HostConfig{
			Name: names[i], MAC: mac(i), Echo: echoPort,
			Addresses: []netip.Prefix{own4(i), own6(i)},
		})
		if err != nil {
			return err
		}
		n := &node{name: names[i], host: host, kind: kind, router: c.router(i, kind)}
		n.opt = peer.Options{Dir: filepath.Join(c.dir, n.name), Binary: binary, Global: c.global(kind)}
		if c.mode.Again {
			n.opt.Guardian = "auto"
		}
		if n.manifest, err = inventory(host); err != nil {
			return err
		}
		if err := os.MkdirAll(n.state(), 0o755); err != nil {
			return err
		}
		if n.kind == peer.Holdfast && plan.has(FillDisk) || c.mode.embedded() && plan.has(FillStore) {
			if n.disk, err = newDisk(n.state(), c.diskSize()); err != nil {
				return err
			}
			c.disks = append(c.disks, n.disk)
		}
		n.opt.Under = c.under(i, n)
		c.nodes = append(c.nodes, n)
	}
	for i := range observers {
		host, err := c.lan.Add(lab.HostConfig{
			Name: fmt.Sprintf("eye%d", i+1), MAC: net.HardwareAddr{2, 0, 0, 0, 1, byte(i)}, Addresses: observe.Asking(i, c.vip.Addr()), Echo: echoPort,
		})
		if err != nil {
			return err
		}
		c.eyes = append(c.eyes, host)
	}
	var err error
	c.client, err = c.lan.Add(lab.HostConfig{
		Name: "client", MAC: net.HardwareAddr{2, 0, 0, 0, 2, 0}, Addresses: []netip.Prefix{user4, user6},
	})
	return err
}

// router is the group as one node has it.
func (c *cluster) router(i int, kind peer.Kind) peer.Router {
	r := peer.Router{
		Name: groupName, Interface: lab.Interface, ID: vrid, Priority: priorities[i], Version: 3,
		Interval: c.mode.Interval, Addresses: []netip.Prefix{vip4}, MAC: c.mode.MAC,
	}
	if c.mode.Guard == Leased {
		r.Lease = c.lease(i)
	} else if kind == peer.Holdfast {
		r.Guard = string(c.mode.Guard)
		if c.mode.BFD > 0 {
			r.Further = append(r.Further, fmt.Sprintf("bfd: {interval: %s, multiplier: 3}", c.mode.BFD))
		}
	}
	own := own4
	if c.mode.IPv6 {
		r.Addresses = []netip.Prefix{local6, vip6}
		own = link6
	}
	if c.mode.Unicast {
		r.Source = own(i).Addr()
		for peer := range c.mode.Nodes {
			if peer != i {
				r.Peers = append(r.Peers, own(peer).Addr())
			}
		}
	}
	return r
}

// global are lines at the top of a node's file: who votes; or what keepalived
// needs to do its best: the real-time class, as holdfast is in by itself, and
// no limit that kills it there.
func (c *cluster) global(kind peer.Kind) []string {
	switch {
	case kind == peer.Keepalived:
		return []string{"vrrp_rt_priority 50", "vrrp_rlimit_rttime 500000"}
	case c.votes(kind):
		return c.voters()
	case c.mode.embedded():
		return c.embedded()
	}
	return nil
}

// under is the command that a daemon runs under: with a disk of its own where
// that will be full, and with other clocks.
//
// The wall clock is no namespace's own: to step it would be to step that of
// the machine and of everything else on it, so no plan does. What a daemon may
// rely on are the monotonic and the boot-time clock, which never step; that
// they may differ between nodes, and between a daemon and its kernel (time
// namespaces, as containers may have), is part of some plans.
func (c *cluster) under(i int, n *node) []string {
	var cmd []string
	if n.disk != nil {
		cmd = n.disk.under()
	}
	if c.mode.Clocks {
		ahead := (time.Duration(i+1) * 1000 * time.Hour).Seconds()
		cmd = append(cmd, "unshare", "--time", fmt.Sprintf("--monotonic=%.0f", ahead), fmt.Sprintf("--boottime=%.0f", 3*ahead),
			"sh", "-c", `exec "$@"`, "sh")
	}
	return cmd
}

// diskSize is the size of a node's disk: its member of a store is on it, too.
func (c *cluster) diskSize() int {
	if c.mode.embedded() {
		return storeDisk + nodeDisk
	}
	return nodeDisk
}

// close ends everything.
func (c *cluster) close() error {
	err := c.lan.Close()
	for _, d := range c.disks {
		err = errors.Join(err, d.close())
	}
	for _, dir := range []string{c.dir, c.storeDir} {
		if dir != "" {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}
	return err
}

// others lists all nodes but one, in the order of their priorities.
func (c *cluster) others(but *node) []*node {
	return slices.DeleteFunc(slices.Clone(c.nodes), func(n *node) bool { return n == but })
}

// lose adds losses until the returned function is called.
func (c *cluster) lose(losses ...lab.Loss) (over func() error, err error) {
	if c.losses == nil {
		c.losses = make(map[*int]lab.Loss)
	}
	var keys []*int
	for _, l := range losses {
		key := new(int)
		keys = append(keys, key)
		c.losses[key] = l
	}
	return func() error {
		for _, key := range keys {
			delete(c.losses, key)
		}
		return c.applyLosses()
	}, c.applyLosses()
}

func (c *cluster) applyLosses() error {
	var now []lab.Loss
	for _, l := range c.losses {
		now = append(now, l)
	}
	return c.lan.LoseOnly(now...)
}
