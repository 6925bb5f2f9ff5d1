package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/vishvananda/netlink"
	vnetns "github.com/vishvananda/netns"

	"github.com/holdfast-net/holdfast/internal/linux/netns"
)

// The addresses at the ends of the two cables.
var (
	clientIP   = netip.MustParseAddr("192.0.2.1")
	balancerIP = netip.MustParseAddr("192.0.2.10") // as clients see it
	innerIP    = netip.MustParseAddr("198.51.100.10")
	serverIPs  = []netip.Addr{netip.MustParseAddr("198.51.100.1"), netip.MustParseAddr("198.51.100.2"), netip.MustParseAddr("198.51.100.3")}
)

// The ends of the cables at the balancer.
const (
	outer = "clients"
	inner = "servers"
)

// stage is three machines, the server, and the contender in the middle: each
// has its own, and does nothing while others are measured.
type stage struct {
	contender                contender
	client, balancer, server *netns.NS
	serving, middle          *exec.Cmd
	dir                      string
	flows                    int         // that there is room for
	before                   uint64      // memory, when nobody was in the middle
	rate                     float64     // of datagrams, when all CPUs were there for all
	polling                  map[int]int // threads of the kernel that poll cables, and the CPU that they do it for
}

func newStage(c contender, flows int) (_ *stage, err error) {
	s := &stage{contender: c, flows: flows}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if s.dir, err = os.MkdirTemp("", "bench-balance-"); err != nil {
		return nil, err
	}
	for _, ns := range []**netns.NS{&s.client, &s.balancer, &s.server} {
		if *ns, err = netns.New(); err != nil {
			return nil, err
		}
	}
	if err := cable(s.balancer, outer, balancerIP, s.client, clientIP); err != nil {
		return nil, fmt.Errorf("cannot make a cable: %w", err)
	}
	if err := cable(s.balancer, inner, innerIP, s.server, serverIPs...); err != nil {
		return nil, fmt.Errorf("cannot make a cable: %w", err)
	}
	err = s.balancer.Do(func() error { return os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0o644) })
	if err != nil {
		return nil, fmt.Errorf("cannot have the balancer forward: %w", err)
	}
	polling, err := pollers()
	if err != nil {
		return nil, err
	}
	if c.card {
		for _, ns := range []*netns.NS{s.client, s.server} {
			if err := do(ns, nil, "card"); err != nil {
				return nil, err
			}
		}
	}
	if s.serving, err = s.begin(s.server, "server"); err != nil {
		return nil, fmt.Errorf("cannot start the server: %w", err)
	}
	if err := s.ready(netip.AddrPortFrom(serverIPs[0], port)); err != nil {
		return nil, err
	}
	if s.before, err = available(); err != nil {
		return nil, err
	}
	if c.start != nil {
		if s.middle, err = c.start(s); err != nil {
			return nil, fmt.Errorf("cannot start it: %w", err)
		}
	}
	if err := s.ready(c.to); err != nil || !c.card {
		return s, err
	}
	if err := do(s.balancer, nil, "poll"); err != nil {
		return nil, err
	}
	return s, s.findPollers(polling)
}

// cable joins two namespaces, of which b takes a for its gateway.
func cable(a *netns.NS, name string, atA netip.Addr, b *netns.NS, atB ...netip.Addr) error {
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
		at   []netip.Addr
	}{{nlA, name, []netip.Addr{atA}}, {nlB, "eth0", atB}} {
		link, err := end.nl.LinkByName(end.name)
		if err != nil {
			return err
		}
		for _, at := range end.at {
			if err := end.nl.AddrAdd(link, &netlink.Addr{IPNet: &net.IPNet{IP: at.AsSlice(), Mask: net.CIDRMask(24, 32)}}); err != nil {
				return err
			}
		}
		if err := end.nl.LinkSetUp(link); err != nil {
			return err
		}
	}
	return nlB.RouteAdd(&netlink.Route{Gw: atA.AsSlice()})
}

// neighbour is the MAC of an address, once it is known.
func neighbour(index int, at netip.Addr) (net.HardwareAddr, error) {
	all, err := netlink.NeighList(index, netlink.FAMILY_V4)
	if err != nil {
		return nil, err
	}
	for _, n := range all {
		if n.IP.Equal(at.AsSlice()) && len(n.HardwareAddr) == 6 {
			return n.HardwareAddr, nil
		}
	}
	return nil, fmt.Errorf("the MAC of %s is not known", at)
}

func (s *stage) close() {
	for _, cmd := range []*exec.Cmd{s.middle, s.serving} {
		if cmd != nil && cmd.Process != nil {
			_ = cmd.Process.Signal(syscall.SIGTERM)
			late := time.AfterFunc(5*time.Second, func() { _ = cmd.Process.Kill() })
			_ = cmd.Wait()
			late.Stop()
		}
	}
	for _, ns := range []*netns.NS{s.client, s.balancer, s.server} {
		if ns != nil {
			_ = ns.Close() // and all that is in it
		}
	}
	if s.dir != "" {
		_ = os.RemoveAll(s.dir)
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

// begin starts this program in a namespace, in another role.
func (s *stage) begin(ns *netns.NS, role string, args ...string) (*exec.Cmd, error) {
	cmd, err := self(append([]string{"-as", role}, args...)...)
	if err != nil {
		return nil, err
	}
	return cmd, ns.Start(cmd)
}

// do has a role of this program done in a namespace, and reads what it says.
func do(ns *netns.NS, said any, role string, args ...string) error {
	cmd, err := self(append([]string{"-as", role}, args...)...)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	cmd.Stdout = &out
	if err := ns.Run(cmd); err != nil {
		return fmt.Errorf("%s failed: %w", role, err)
	}
	if said == nil {
		return nil
	}
	return json.Unmarshal(out.Bytes(), said)
}

// answer is how a role says something.
func answer(out io.Writer, said any) error { return json.NewEncoder(out).Encode(said) }

// run runs a program in a namespace, and waits for it.
func run(ns *netns.NS, stdin string, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Stdin = strings.NewReader(stdin)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := ns.Run(cmd); err != nil {
		return fmt.Errorf("cannot run %s: %w: %s", name, err, out.String())
	}
	return nil
}

// packets is how many have passed an end of a cable at the balancer.
func (s *stage) packets(cable string) (in, out uint64, err error) {
	err = s.balancer.Do(func() error {
		l, err := netlink.LinkByName(cable)
		if err != nil {
			return err
		}
		st := l.Attrs().Statistics
		if st == nil {
			return errors.New("the kernel counts no packets")
		}
		in, out = st.RxPackets, st.TxPackets
		return nil
	})
	return in, out, err
}

func decode(line string, to any) error {
	if err := json.Unmarshal([]byte(line), to); err != nil {
		return fmt.Errorf("cannot read what a role says: %w", err)
	}
	return nil
}
