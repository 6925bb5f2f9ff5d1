package demo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/holdfast-net/holdfast/internal/lab"
)

// The addresses of the demo are those that RFC 5737 and RFC 3849 set aside
// for documentation.
var (
	vip4 = netip.MustParsePrefix("192.0.2.10/24")
	vip6 = netip.MustParsePrefix("2001:db8::10/64")
)

const (
	echoPort      = 7
	clientNumber  = 100
	probeInterval = time.Millisecond
)

// stage is the lab with its nodes and its client.
type stage struct {
	opt    Options
	lan    *lab.LAN
	nodes  []*node // highest priority first
	client *lab.Host
	prober *lab.Prober
}

// build makes the LAN, the nodes' files and the client. No daemon runs yet.
func build(opt Options, dir string) (*stage, error) {
	lan, err := lab.New()
	if err != nil {
		return nil, explain(err)
	}
	s := &stage{opt: opt, lan: lan}
	if err := s.furnish(dir); err != nil {
		return nil, errors.Join(explain(err), s.close())
	}
	return s, nil
}

func (s *stage) furnish(dir string) error {
	for i, priority := range []uint8{150, 120, 100} {
		number := byte(11 + i)
		n := &node{dir: dir}
		n.Node = Node{Name: fmt.Sprintf("lb%d", i+1), Address: address4(number).String(), Priority: priority}
		var err error
		if n.host, err = s.host(n.Name, number); err != nil {
			return err
		}
		if err := os.WriteFile(n.config(), []byte(n.file(s.opt.Interval)), 0o600); err != nil {
			return fmt.Errorf("cannot write the file of %s: %w", n.Name, err)
		}
		s.nodes = append(s.nodes, n)
	}
	var err error
	s.client, err = s.host("client", clientNumber)
	return err
}

func (s *stage) host(name string, number byte) (*lab.Host, error) {
	return s.lan.Add(lab.HostConfig{
		Name:      name,
		MAC:       net.HardwareAddr{2, 0, 192, 0, 2, number},
		Addresses: []netip.Prefix{netip.PrefixFrom(address4(number), vip4.Bits()), netip.PrefixFrom(address6(number), vip6.Bits())},
		Echo:      echoPort,
	})
}

func address4(number byte) netip.Addr {
	a := vip4.Addr().As4()
	a[3] = number
	return netip.AddrFrom4(a)
}

// address6 writes the same decimal digits into an IPv6 address.
func address6(number byte) netip.Addr {
	return netip.MustParseAddr(fmt.Sprintf("2001:db8::%d", number))
}

// close takes everything down.
func (s *stage) close() error {
	if s.prober != nil {
		s.prober.Stop()
	}
	return s.lan.Close()
}

// node finds a node by its name.
func (s *stage) node(name string) (*node, error) {
	for _, n := range s.nodes {
		if n.Name == name {
			return n, nil
		}
	}
	return nil, fmt.Errorf("cannot find node %q", name)
}

// states asks all daemons at once.
func (s *stage) states(ctx context.Context) []NodeState {
	states := make([]NodeState, len(s.nodes))
	var all sync.WaitGroup
	for i, n := range s.nodes {
		all.Go(func() { states[i] = n.state(ctx) })
	}
	all.Wait()
	return states
}

// heir is the node that takes over when one falls silent: of those that are
// backup, the one with the highest priority.
func (s *stage) heir(states []NodeState) *node {
	var heir *node
	for i, n := range s.nodes {
		if states[i].State == backup && (heir == nil || n.Priority > heir.Priority) {
			heir = n
		}
	}
	return heir
}

// died is an error when a daemon ended that should run.
func (s *stage) died(ctx context.Context) error {
	for _, n := range s.nodes {
		daemon := n.running()
		if daemon == nil {
			continue
		}
		select {
		case <-daemon.Done():
		default:
			continue
		}
		// Ctrl-C goes to all processes of a terminal, and to a daemon too that
		// has just been forked.
		select {
		case <-ctx.Done():
			return errStopped
		case <-time.After(200 * time.Millisecond):
		}
		return fmt.Errorf("cannot go on: the daemon of %s ended (%v) and said last:\n%s", n.Name, daemon.Err(), n.lastWords())
	}
	return nil
}
