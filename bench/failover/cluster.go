package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"time"

	"github.com/holdfast-net/holdfast/internal/lab"
	"github.com/holdfast-net/holdfast/interop/peer"
)

const (
	groupName = "web"
	echoPort  = 7
)

var (
	addressA      = netip.MustParsePrefix("192.0.2.1/24")
	addressB      = netip.MustParsePrefix("192.0.2.2/24")
	addressClient = netip.MustParsePrefix("192.0.2.100/24")
	vip           = netip.MustParsePrefix("192.0.2.10/24")
)

// cluster is two nodes and a client on a LAN.
type cluster struct {
	b      *bench
	lan    *lab.LAN
	hosts  [2]*lab.Host
	client *lab.Host
	nodes  [2]peer.Daemon
}

func (b *bench) newCluster() (*cluster, error) {
	lan, err := lab.New()
	if err != nil {
		return nil, err
	}
	c := &cluster{b: b, lan: lan}
	for i, a := range []netip.Prefix{addressA, addressB} {
		name := string(rune('a' + i))
		if c.hosts[i], err = lan.Add(lab.HostConfig{Name: name, Addresses: []netip.Prefix{a}, Echo: echoPort}); err != nil {
			return nil, errors.Join(err, c.close())
		}
	}
	if c.client, err = lan.Add(lab.HostConfig{Name: "client", Addresses: []netip.Prefix{addressClient}}); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

func (c *cluster) close() error {
	var errs []error
	for _, n := range c.nodes {
		if n != nil {
			errs = append(errs, n.Kill())
		}
	}
	return errors.Join(append(errs, c.lan.Close())...)
}

// priorities of the two nodes: the first one is to be active.
var priorities = [2]uint8{200, 100}

// start starts a contender on one of the nodes, with the group of most parts.
func (c *cluster) start(i int, who contender, interval time.Duration) error {
	return c.startWith(i, who, peer.Router{
		Name: groupName, Interface: lab.Interface, ID: 51, Priority: priorities[i], Version: 3,
		Interval: interval, Addresses: []netip.Prefix{vip},
	})
}

func (c *cluster) startWith(i int, who contender, routers ...peer.Router) error {
	for r := range routers {
		routers[r].MAC, routers[r].Further = who.mac, who.vrrp
	}
	dir, err := os.MkdirTemp(c.b.dir, "node-") // never one with a killed daemon's files
	if err != nil {
		return err
	}
	opt := peer.Options{Dir: dir, Binary: c.b.holdfast, Global: who.global}
	c.nodes[i], err = peer.Start(who.kind, c.hosts[i], opt, routers...)
	return err
}

// stop ends a node's daemon as an operator would.
func (c *cluster) stop(i int) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	err := c.nodes[i].Stop(ctx)
	c.nodes[i] = nil
	return err
}

// settled waits until the first node is active and the second backup, and for
// a little longer, so that what they announce at first is over.
func (c *cluster) settled(active int, interval time.Duration) error {
	patience := 10*interval + 10*time.Second
	for i, n := range c.nodes {
		want := peer.Backup
		if i == active {
			want = peer.Active
		}
		if err := c.wait(n, want, patience); err != nil {
			return err
		}
	}
	return c.b.pause(2*interval + 200*time.Millisecond)
}

func (c *cluster) wait(n peer.Daemon, want string, patience time.Duration) error {
	deadline := time.Now().Add(patience)
	for {
		got, err := n.State(groupName)
		if err != nil {
			return err
		}
		if got == want {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s is %s and not %s after %v\n%s", n.Kind(), got, want, patience, n.Log())
		}
		if err := c.b.pause(5 * time.Millisecond); err != nil {
			return err
		}
	}
}

// probe starts the client.
func (c *cluster) probe(every, patience time.Duration) (*lab.Prober, error) {
	return lab.StartProber(lab.ProbeConfig{
		From: c.client, To: netip.AddrPortFrom(vip.Addr(), echoPort), Interval: every, Patience: patience, For: 2 * time.Minute,
	})
}
