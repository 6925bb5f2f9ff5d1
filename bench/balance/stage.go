package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/vishvananda/netlink"
	vnetns "github.com/vishvananda/netns"

	"github.com/holdfast-net/holdfast/bench/measure"
	"github.com/holdfast-net/holdfast/internal/linux/netns"
)

// The addresses at the ends of the two cables.
var (
	clientIP   = netip.MustParseAddr("192.0.2.1")
	balancerIP = netip.MustParseAddr("192.0.2.10") // as clients see it
	innerIP    = netip.MustParseAddr("198.51.100.10")
	serverIP   = netip.MustParseAddr("198.51.100.1")
)

// stage is the three machines and the server.
type stage struct {
	client, balancer, server *netns.NS
	serving                  *exec.Cmd
}

func newStage() (_ *stage, err error) {
	s := &stage{}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	for _, ns := range []**netns.NS{&s.client, &s.balancer, &s.server} {
		if *ns, err = netns.New(); err != nil {
			return nil, err
		}
	}
	if err := cable(s.balancer, balancerIP, s.client, clientIP); err != nil {
		return nil, fmt.Errorf("cannot make a cable: %w", err)
	}
	if err := cable(s.balancer, innerIP, s.server, serverIP); err != nil {
		return nil, fmt.Errorf("cannot make a cable: %w", err)
	}
	err = s.balancer.Do(func() error { return os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0o644) })
	if err != nil {
		return nil, fmt.Errorf("cannot have the balancer forward: %w", err)
	}
	if s.serving, err = self("-as", "server"); err != nil {
		return nil, err
	}
	if err := s.server.Start(s.serving); err != nil {
		return nil, fmt.Errorf("cannot start the server: %w", err)
	}
	return s, s.ready(netip.AddrPortFrom(serverIP, port))
}

// cable joins two namespaces, each of which takes the other for its gateway.
func cable(a *netns.NS, atA netip.Addr, b *netns.NS, atB netip.Addr) error {
	name := "to" + strings.ReplaceAll(atB.String(), ".", "-")[:9]
	nlA, err := netlink.NewHandleAt(vnetns.NsHandle(a.Handle()))
	if err != nil {
		return err
	}
	defer nlA.Close()
	nlB, err := netlink.NewHandleAt(vnetns.NsHandle(b.Handle()))
	if err != nil {
		return err
	}
	defer nlB.Close()
	if err := nlA.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: name}, PeerName: "eth0", PeerNamespace: netlink.NsFd(b.Handle())}); err != nil {
		return err
	}
	for _, end := range []struct {
		nl   *netlink.Handle
		name string
		at   netip.Addr
	}{{nlA, name, atA}, {nlB, "eth0", atB}} {
		link, err := end.nl.LinkByName(end.name)
		if err != nil {
			return err
		}
		if err := end.nl.AddrAdd(link, &netlink.Addr{IPNet: &net.IPNet{IP: end.at.AsSlice(), Mask: net.CIDRMask(24, 32)}}); err != nil {
			return err
		}
		if err := end.nl.LinkSetUp(link); err != nil {
			return err
		}
	}
	return nlB.RouteAdd(&netlink.Route{Gw: atA.AsSlice()})
}

func (s *stage) close() {
	if s.serving != nil && s.serving.Process != nil {
		_ = s.serving.Process.Kill()
		_ = s.serving.Wait()
	}
	for _, ns := range []*netns.NS{s.client, s.balancer, s.server} {
		if ns != nil {
			_ = ns.Close() // and all that is in it
		}
	}
}

// ready waits until connections are taken at an address.
func (s *stage) ready(at netip.AddrPort) error {
	var err error
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		err = s.client.Do(func() error {
			c, err := net.DialTimeout("tcp", at.String(), time.Second)
			if err == nil {
				err = c.Close()
			}
			return err
		})
		if err == nil {
			return nil
		}
	}
	return fmt.Errorf("nobody answers at %s: %w", at, err)
}

// sample is one measurement.
type sample struct {
	Rate float64       `json:"per_second"`  // connections, or bytes
	CPU  time.Duration `json:"cpu_for_one"` // for one connection, or one gigabyte
}

// run measures one contender at one workload.
func (s *stage) run(c contender, workload string, each time.Duration) (sample, error) {
	var middle *exec.Cmd
	if c.start != nil {
		var err error
		if middle, err = c.start(); err != nil {
			return sample{}, err
		}
		if err := s.balancer.Start(middle); err != nil {
			return sample{}, fmt.Errorf("cannot start it: %w", err)
		}
		defer func() {
			_ = middle.Process.Kill()
			_ = middle.Wait()
		}()
	}
	if err := s.ready(c.to); err != nil {
		return sample{}, err
	}
	client, err := self("-as", "client", "-time", each.String(), workload, c.to.String())
	if err != nil {
		return sample{}, err
	}
	var out bytes.Buffer
	client.Stdout = &out
	var spent time.Duration
	if middle != nil {
		spent = measure.ProcessorTime(middle.Process.Pid)
	}
	if err := s.client.Start(client); err != nil {
		return sample{}, fmt.Errorf("cannot start the client: %w", err)
	}
	if err := client.Wait(); err != nil {
		return sample{}, fmt.Errorf("the client failed: %w", err)
	}
	f := sample{}
	if f.Rate, err = strconv.ParseFloat(strings.TrimSpace(out.String()), 64); err != nil {
		return sample{}, err
	}
	if f.Rate == 0 {
		return sample{}, errors.New("nothing came through")
	}
	if middle != nil {
		spent = measure.ProcessorTime(middle.Process.Pid) - spent
		total := f.Rate * each.Seconds()
		if workload == bulk {
			total /= 1e9
		}
		f.CPU = time.Duration(float64(spent) / total)
	}
	return f, nil
}
