package survival

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/lab"
	"github.com/holdfast-net/holdfast/interop/survival/load"
)

// The addresses of a site. Clients and backends are on one segment in two subnets,
// and a balancer has a leg in both.
var (
	vip      = netip.MustParsePrefix("192.0.2.10/24")
	inner    = netip.MustParsePrefix("10.0.0.10/24") // moves with it: what backends see and answer to
	outside  = netip.MustParsePrefix("192.0.2.0/24")
	firstOut = netip.MustParseAddr("192.0.2.101") // the first client's
	firstIn  = netip.MustParseAddr("10.0.0.11")   // the first backend's
)

const (
	servicePort = 80
	serverPort  = 8080 // of backends, where ports may differ
	probePort   = 7
	clients     = 4 // addresses: each has ports for so many connections only

	// serverProcesses are enough for the connections that proxies keep beside those
	// that there are, as each process may open twenty thousand files.
	serverProcesses = 3
)

// Site is the machines.
type Site struct {
	LAN       *lab.LAN
	Client    *lab.Host
	Balancers [2]*lab.Host
	Backends  []*lab.Host
	Servers   load.Servers
}

// NewSite makes them, with so many backends that serve.
func NewSite(backends int) (_ *Site, err error) {
	if err := load.Descriptors(); err != nil {
		return nil, fmt.Errorf("cannot open as many sockets as the load needs: %w", err)
	}
	s := &Site{}
	if s.LAN, err = lab.New(); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	var from []netip.Prefix
	for i, a := 0, firstOut; i < clients; i, a = i+1, a.Next() {
		from = append(from, netip.PrefixFrom(a, vip.Bits()))
	}
	if s.Client, err = s.LAN.Add(lab.HostConfig{Name: "client", Addresses: from}); err != nil {
		return nil, err
	}
	// TIME_WAIT holds a port for a minute.
	if err := set(s.Client, "ipv4/ip_local_port_range", "2048 65535"); err != nil {
		return nil, err
	}
	for i := range s.Balancers {
		if s.Balancers[i], err = s.addBalancer(i); err != nil {
			return nil, err
		}
	}
	var serving []load.Backend
	for i, a := 0, firstIn; i < backends; i, a = i+1, a.Next() {
		b, err := s.addBackend(i, a)
		if err != nil {
			return nil, err
		}
		s.Backends = append(s.Backends, b)
		serving = append(serving, load.Backend{NS: b.NS(), At: []netip.AddrPort{
			netip.AddrPortFrom(a, serverPort), netip.AddrPortFrom(a, servicePort), netip.AddrPortFrom(vip.Addr(), servicePort),
		}})
	}
	s.Servers, err = load.Apart(s.Backends[0], serving, serverProcesses)
	return s, err
}

func (s *Site) addBalancer(i int) (*lab.Host, error) {
	h, err := s.LAN.Add(lab.HostConfig{
		Name: fmt.Sprintf("lb%d", i+1), Echo: probePort, MAC: net.HardwareAddr{2, 0, 0, 0, 0, byte(i + 1)},
		Addresses: []netip.Prefix{node(outside, i), node(inner.Masked(), i)},
	})
	if err != nil {
		return nil, err
	}
	return h, errors.Join(
		set(h, "ipv4/ip_forward", "1"),
		set(h, "ipv4/ip_nonlocal_bind", "1"), // HAProxy listens on the one that does not hold it, too
		set(h, "ipv4/ip_local_port_range", "2048 65535"))
}

// node is the address of a balancer in a subnet.
func node(subnet netip.Prefix, i int) netip.Prefix {
	a := subnet.Addr()
	for range i + 1 {
		a = a.Next()
	}
	return netip.PrefixFrom(a, subnet.Bits())
}

// addBackend makes one that may be reached in any way: it answers clients itself
// where it has to, and is silent about having the service's address.
func (s *Site) addBackend(i int, a netip.Addr) (*lab.Host, error) {
	h, err := s.LAN.Add(lab.HostConfig{Name: fmt.Sprintf("b%d", i+1), Addresses: []netip.Prefix{netip.PrefixFrom(a, inner.Bits())}})
	if err != nil {
		return nil, err
	}
	err = errors.Join(set(h, "ipv4/conf/all/arp_ignore", "1"), set(h, "ipv4/conf/all/arp_announce", "2"))
	if err != nil {
		return nil, err
	}
	return h, h.Do(func() error {
		lo, err := netlink.LinkByName("lo")
		if err != nil {
			return err
		}
		if err := netlink.AddrAdd(lo, &netlink.Addr{IPNet: ipNet(netip.PrefixFrom(vip.Addr(), 32))}); err != nil {
			return fmt.Errorf("cannot give backend %s the service's address: %w", a, err)
		}
		return direct(outside)
	})
}

// direct runs on a backend: clients are on its segment.
func direct(subnet netip.Prefix) error {
	eth0, err := netlink.LinkByName(lab.Interface)
	if err != nil {
		return err
	}
	return netlink.RouteReplace(&netlink.Route{LinkIndex: eth0.Attrs().Index, Dst: ipNet(subnet), Scope: unix.RT_SCOPE_LINK})
}

// back has backends answer clients through the balancer, as `nat` needs it.
func (s *Site) back() error {
	for _, b := range s.Backends {
		err := b.Do(func() error {
			eth0, err := netlink.LinkByName(lab.Interface)
			if err != nil {
				return err
			}
			return netlink.RouteReplace(&netlink.Route{LinkIndex: eth0.Attrs().Index, Dst: ipNet(outside), Gw: inner.Addr().AsSlice()})
		})
		if err != nil {
			return fmt.Errorf("cannot set the route of %s: %w", b.Name(), err)
		}
	}
	return nil
}

// unwrap has backends take packets out of the balancer's tunnel, by the program
// that they run for it, with a folder for its files.
func (s *Site) unwrap(binary, dir string) error {
	for _, b := range s.Backends {
		own := filepath.Join(dir, b.Name())
		if err := os.MkdirAll(own, 0o755); err != nil {
			return err
		}
		cmd := exec.Command(binary, "unwrap", vip.Addr().String(), "--interface", lab.Interface, "--dir", own)
		out, err := cmd.StdoutPipe()
		if err != nil {
			return err
		}
		var said strings.Builder
		cmd.Stderr = &said
		if _, err := b.Start(cmd); err != nil {
			return err
		}
		if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
			return fmt.Errorf("cannot take packets out of the tunnel on %s: %w: %s", b.Name(), err, said.String())
		}
	}
	return nil
}

// wrapped ends what unwrap began, in order: its programs would outlive it.
func (s *Site) wrapped(binary string) error {
	var errs []error
	for _, b := range s.Backends {
		errs = append(errs, stop(b, filepath.Base(binary), "unwrap"))
	}
	return errors.Join(errs...)
}

// set sets a setting below /proc/sys/net of a host.
func set(h *lab.Host, key, value string) error {
	return h.Do(func() error { return os.WriteFile("/proc/sys/net/"+key, []byte(value), 0) })
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

// probe watches over the address.
func (s *Site) probe(limit time.Duration) (*lab.Prober, error) {
	return lab.StartProber(lab.ProbeConfig{
		From: s.Client, To: netip.AddrPortFrom(vip.Addr(), probePort), Interval: probeEvery, For: limit,
	})
}

const probeEvery = 4 * time.Millisecond

// load is the clients' side of the load.
func (s *Site) load(l Load) (*load.Client, error) {
	var from []netip.Addr
	for i, a := 0, firstOut; i < clients; i, a = i+1, a.Next() {
		from = append(from, a)
	}
	return load.Begin(load.Config{
		NS: s.Client.NS(), From: from, To: netip.AddrPortFrom(vip.Addr(), servicePort),
		Echoes: l.Connections - l.Idle - l.Downloads, Every: l.Every, Idles: l.Idle, Downloads: l.Downloads,
		Rate: l.Rate, Patience: patience,
	})
}

// Close takes everything down.
func (s *Site) Close() error {
	return errors.Join(s.Servers.Stop(), s.LAN.Close())
}
