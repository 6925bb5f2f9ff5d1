package matrix

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/lab"
	"github.com/holdfast-net/holdfast/interop/peer"
)

// patience is how long anything may take on a machine with other work. Nothing
// waits for it to pass.
const patience = 20 * time.Second

// group is the name of the only one.
const group = "web"

// pair is the two nodes.
type pair struct {
	nodes  [2]*peer.Node
	holder int
}

// within polls until f has nothing to complain about.
func (s *site) within(what string, f func() error) {
	s.Helper()
	for deadline := time.Now().Add(3 * patience); ; time.Sleep(20 * time.Millisecond) {
		err := f()
		if err == nil {
			return
		}
		if n := s.ended(); n != nil || time.Now().After(deadline) {
			s.Fatalf("not within %s: %s: %v\n%s", 3*patience, what, err, s.logs())
		}
	}
}

// ended is a node whose daemon is no more.
func (s *site) ended() *peer.Node {
	for _, n := range s.nodes {
		if n != nil && n.Process().Err() != nil {
			return n
		}
	}
	return nil
}

// logs is what both nodes have printed, and what they say of backends.
func (s *site) logs() string {
	var b strings.Builder
	for _, n := range s.nodes {
		if n != nil {
			out, err := n.Command("backends", "-v")
			fmt.Fprintf(&b, "%s:\n%s%s(%v)\n", n.Host().Name(), n.Log(), out, err)
		}
	}
	return b.String()
}

// global is the file but for the group, with a scheduler.
func (m mode) global(sch scheduler) []string {
	lines := []string{"checks:", "  open: {tcp: backend, interval: 500ms, timeout: 10s}", "services:"}
	for _, f := range families {
		service := func(name, listen string, port uint16, checks string) {
			lines = append(lines, "  "+name+":", "    listen: "+listen, "    scheduler: "+sch.name, "    forward: "+m.forward)
			if m.forward == "full-nat" {
				lines = append(lines, "    translate: ["+f.inner().String()+"]")
			}
			if m.tunnel != "" {
				lines = append(lines, "    tunnel: "+m.tunnel)
			}
			lines = append(lines, checks, "    timeouts: {closing: 1s, closed: 1s}", "    backends:")
			for i, w := range sch.weights {
				at := m.at(i, f)
				if port != 0 {
					at = netip.AddrPortFrom(at.Addr(), port)
				}
				lines = append(lines, fmt.Sprintf("    - {address: %q, weight: %d}", at, w))
			}
		}
		void := uint16(voidPort)
		web := netip.AddrPortFrom(f.vip(), servicePort)
		service("web"+f.name[3:], fmt.Sprintf(`"%s/tcp"`, web), 0, "    checks: [open]")
		service("talk"+f.name[3:], fmt.Sprintf(`"%s/udp"`, web), 0, "    checks: [open]")
		service("void"+f.name[3:], fmt.Sprintf(`"%s/udp"`, netip.AddrPortFrom(f.vip(), void)), void, "")
	}
	return lines
}

func (s *site) options(i int, sch scheduler) peer.Options {
	return peer.Options{Dir: filepath.Join(s.dir, s.balancers[i].Name()), Binary: product(s), Node: s.balancers[i].Name(), Global: s.mode.global(sch)}
}

// group is the group of a balancer. Both families move together.
func (s *site) router(i int) peer.Router {
	r := peer.Router{
		Name: group, Interface: lab.Interface, ID: 51, Priority: uint8(200 - 100*i), Interval: 100 * time.Millisecond, Version: 3,
		NoPreempt: true, MAC: s.mode.mac,
		Further: []string{"auth: {hmac: {keys: {1: {file: " + filepath.Join(s.dir, "key") + "}}, active: 1}}"},
	}
	for _, f := range families {
		r.Addresses = append(r.Addresses, f.with(f.out, floating), f.with(f.in, floating))
	}
	return r
}

// run starts both nodes.
func (s *site) run(sch scheduler) {
	s.Helper()
	s.must(os.WriteFile(filepath.Join(s.dir, "key"), []byte(strings.Repeat("k", 32)), 0o600))
	for i, h := range s.balancers {
		d, err := peer.Start(peer.Holdfast, h, s.options(i, sch), s.router(i))
		s.must(err)
		s.nodes[i] = d.(*peer.Node)
		s.Cleanup(func() { s.stop(i) })
	}
	s.within("one of them holds", func() error {
		for i, n := range s.nodes {
			if state, err := n.State(group); err != nil || state == peer.Active {
				s.holder = i
				return err
			}
		}
		return errors.New("none does")
	})
	s.settled()
}

// stop ends a node in order, and what it has mounted.
func (s *site) stop(i int) {
	if s.Failed() {
		s.Logf("%s printed:\n%s", s.nodes[i].Host().Name(), s.nodes[i].Log())
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.nodes[i].Stop(ctx); err != nil {
		s.Errorf("cannot stop %s: %v", s.nodes[i].Host().Name(), err)
	}
	// Where the machine has no BPF file system the daemon mounts one.
	_ = unix.Unmount(filepath.Join(s.dir, s.nodes[i].Host().Name(), "bpf"), unix.MNT_DETACH)
}

// reload changes the scheduler on both nodes.
func (s *site) reload(sch scheduler) {
	s.Helper()
	for i, n := range s.nodes {
		s.must(n.Write(peer.HoldfastConf(s.options(i, sch), []peer.Router{s.router(i)})))
		_, err := n.Command("reload")
		s.must(err)
	}
	s.settled()
}

// backendsOf is what a node says of its services.
func (s *site) backendsOf(i int) (b api.Backends, err error) {
	out, err := s.nodes[i].Command("backends", "-o", "json")
	if err == nil {
		err = json.Unmarshal(out, &b)
	}
	return b, err
}

// settled waits until the holder serves with all backends, and the other node has
// all connections that it has.
func (s *site) settled() {
	s.Helper()
	s.within("all is served and in sync", func() error {
		b, err := s.backendsOf(s.holder)
		if err != nil {
			return err
		}
		for _, service := range b.Services {
			for _, backend := range service.Backends {
				if backend.State != "up" {
					return fmt.Errorf("%s: %s is %s: %s", service.Name, backend.Address, backend.State, backend.Why)
				}
			}
		}
		if s.mode.forward == "proxy" {
			return nil
		}
		if b, err = s.backendsOf(1 - s.holder); err != nil {
			return err
		}
		if b.Flows == nil || len(b.Flows.Groups) != 1 || !b.Flows.Groups[0].InSync {
			return fmt.Errorf("the other node is not in sync: %+v", b.Flows)
		}
		return nil
	})
}

// handOver has the other node hold. Until the old one has no address any more, it
// serves what still arrives there: a proxy also what is new.
func (s *site) handOver() {
	s.Helper()
	_, err := s.nodes[s.holder].Command("handover", group)
	s.must(err)
	s.holder = 1 - s.holder
	s.within("the other node holds", func() error {
		state, err := s.nodes[s.holder].State(group)
		if err == nil && state != peer.Active {
			err = fmt.Errorf("it is %s", state)
		}
		return err
	})
	s.within("the node before has no address any more", func() error {
		if out := s.ip(s.balancers[1-s.holder].NS(), "addr show"); strings.Contains(out, families[0].vip().String()+"/") {
			return errors.New(out)
		}
		return nil
	})
}
