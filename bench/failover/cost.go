package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/lab"
	"github.com/holdfast-net/holdfast/interop/peer"
)

// perInterface is the number of groups on one interface: a VRID has 8 bits.
const perInterface = 250

var costCases = []struct {
	groups   int
	interval time.Duration
}{
	{1, time.Second},
	{255, time.Second},
	{2000, time.Second},
	{255, 10 * time.Millisecond},
}

// cost is the CPU time and memory of daemons with many groups, active on one
// node and backup on the other.
func cost(b *bench) (*Table, error) {
	t := &Table{
		Part: "cost", Title: fmt.Sprintf("CPU and memory of all of a daemon's processes, CPU over %v", b.options.cost),
		Baseline: keepalived.name,
		Columns:  []Column{{"CPU", "ms/s"}, {"PSS", "MiB"}, {"RSS", "MiB"}},
	}
	physical := contender{name: "holdfast, physical MAC", kind: peer.Holdfast, mac: peer.PhysicalMAC}
	for _, one := range costCases {
		name := fmt.Sprintf("%d groups at %v", one.groups, one.interval)
		for _, who := range b.contenders(keepalived, holdfast, physical) {
			used, err := b.costOnce(who, one.groups, one.interval)
			if err != nil {
				return t, fmt.Errorf("%s, %s: %w", name, who.name, err)
			}
			for i, role := range []string{"active", "backup"} {
				t.add(&Line{Case: name + ", " + role, Who: who.name, Values: used[i]})
			}
			say("cost of %s, %s: %.1f ms/s active", name, who.name, used[0][0])
		}
	}
	return t, nil
}

// costOnce returns the columns of the active node and of the backup.
func (b *bench) costOnce(who contender, groups int, interval time.Duration) (used [2][]float64, err error) {
	c, err := b.newCluster()
	if err != nil {
		return used, err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	if groups > 255 {
		return b.costMany(c, who, groups, interval)
	}
	var routers [2][]peer.Router
	for i := range c.hosts {
		routers[i] = many(lab.Interface, 0, groups, priorities[i], interval)
	}
	return b.measure(c, who, routers, interval)
}

// costMany is costOnce with more groups than one interface can have: further
// cables between the two nodes, without a switch.
func (b *bench) costMany(c *cluster, who contender, groups int, interval time.Duration) (used [2][]float64, err error) {
	var routers [2][]peer.Router
	for n := 0; n*perInterface < groups; n++ {
		name := fmt.Sprintf("many%d", n)
		if err := c.cable(name, n); err != nil {
			return used, fmt.Errorf("cannot lay cable %s: %w", name, err)
		}
		for i := range c.hosts {
			routers[i] = append(routers[i], many(name, n+1, min(perInterface, groups-n*perInterface), priorities[i], interval)...)
		}
	}
	return b.measure(c, who, routers, interval)
}

// many is count groups on an interface, with addresses of a subnet of its own.
func many(ifname string, subnet, count int, priority uint8, interval time.Duration) []peer.Router {
	routers := make([]peer.Router, 0, count)
	for i := range count {
		a := netip.AddrFrom4([4]byte{10, byte(subnet), 1, byte(i)})
		if subnet == 0 {
			a = netip.AddrFrom4([4]byte{198, 51, 100, byte(i)})
		}
		routers = append(routers, peer.Router{
			Name: fmt.Sprintf("g%d-%d", subnet, i+1), Interface: ifname, ID: uint8(i + 1), Priority: priority, Version: 3,
			Interval: interval, Addresses: []netip.Prefix{netip.PrefixFrom(a, 32)},
		})
	}
	return routers
}

// cable connects the two nodes with one more pair of interfaces.
func (c *cluster) cable(name string, n int) error {
	far := c.hosts[1].NS()
	err := c.hosts[0].Do(func() error {
		return netlink.LinkAdd(&netlink.Veth{
			LinkAttrs: netlink.LinkAttrs{Name: name}, PeerName: name, PeerNamespace: netlink.NsFd(far.Handle()),
		})
	})
	if err != nil {
		return err
	}
	for i, h := range c.hosts {
		err := h.Do(func() error {
			link, err := netlink.LinkByName(name)
			if err != nil {
				return err
			}
			addr := &netlink.Addr{IPNet: &net.IPNet{IP: net.IPv4(10, byte(n+1), 0, byte(i+1)), Mask: net.CIDRMask(16, 32)}}
			return errors.Join(netlink.AddrAdd(link, addr), netlink.LinkSetUp(link))
		})
		if err != nil {
			return err
		}
	}
	for _, h := range c.hosts {
		if err := c.carrier(h, name); err != nil {
			return err
		}
	}
	return nil
}

// carrier waits until an interface works.
func (c *cluster) carrier(h *lab.Host, name string) error {
	for range 100 {
		var state netlink.LinkOperState
		err := h.Do(func() error {
			link, err := netlink.LinkByName(name)
			if err == nil {
				state = link.Attrs().OperState
			}
			return err
		})
		if err != nil || state == netlink.OperUp {
			return err
		}
		if err := c.b.pause(20 * time.Millisecond); err != nil {
			return err
		}
	}
	return fmt.Errorf("%s has no carrier", name)
}

func (b *bench) measure(c *cluster, who contender, routers [2][]peer.Router, interval time.Duration) (used [2][]float64, err error) {
	// The active one first: many groups that change hands at once are
	// another story.
	if err := c.startWith(0, who, routers[0]...); err != nil {
		return used, err
	}
	if err := c.hold(0, len(routers[0]), 3*time.Minute); err != nil {
		return used, fmt.Errorf("%w\n%s", err, tail(c.nodes[0].Log()))
	}
	if err := c.startWith(1, who, routers[1]...); err != nil {
		return used, err
	}
	// keepalived announces a second time after 5 s.
	if err := b.pause(10*time.Second + 2*interval); err != nil {
		return used, err
	}
	for i, want := range []int{len(routers[0]), 0} {
		if err := c.hold(i, want, 10*time.Second); err != nil {
			return used, fmt.Errorf("%w\n%s", err, tail(c.nodes[i].Log()))
		}
	}
	var before [2]usage
	for i, n := range c.nodes {
		if before[i], err = usageOf(n.Process().PID()); err != nil {
			return used, err
		}
	}
	began := time.Now()
	if err := b.pause(b.options.cost); err != nil {
		return used, err
	}
	took := time.Since(began)
	for i, n := range c.nodes {
		after, err := usageOf(n.Process().PID())
		if err != nil {
			return used, err
		}
		perSecond := ms(after.cpu-before[i].cpu) / took.Seconds()
		used[i] = []float64{perSecond, float64(after.pss) / 1024, float64(after.rss) / 1024}
	}
	return used, nil
}

// hold waits until a node has so many of the groups' addresses.
func (c *cluster) hold(i, want int, patience time.Duration) error {
	deadline := time.Now().Add(patience)
	for {
		have, err := c.held(i)
		if err != nil {
			return err
		}
		if have == want {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s holds %d addresses and not %d after %v", c.hosts[i].Name(), have, want, patience)
		}
		if err := c.b.pause(100 * time.Millisecond); err != nil {
			return err
		}
	}
}

// held is the number of groups' addresses on a node: they alone are /32.
func (c *cluster) held(i int) (n int, err error) {
	err = c.hosts[i].Do(func() error {
		all, err := netlink.AddrList(nil, unix.AF_INET)
		if errors.Is(err, netlink.ErrDumpInterrupted) {
			err = nil // they change while they are listed: asked again soon
		}
		for _, a := range all {
			if ones, _ := a.Mask.Size(); ones == 32 && !a.IP.IsLoopback() {
				n++
			}
		}
		return err
	})
	return n, err
}

// tail is the end of a long log.
func tail(log string) string { return log[max(0, len(log)-2000):] }
