package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	bpflink "github.com/cilium/ebpf/link"
	"github.com/vishvananda/netlink"
	vnetns "github.com/vishvananda/netns"

	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/internal/linux/gate"
	"github.com/holdfast-net/holdfast/internal/linux/netns"
	"github.com/holdfast-net/holdfast/vrrp"
)

const (
	ifname = "eth0"
	port   = "5201"
)

var (
	vip      = netip.MustParseAddr("192.0.2.10")
	other    = netip.MustParseAddr("192.0.2.1")
	clientIP = netip.MustParseAddr("192.0.2.100")
)

// link is a node and a client on one cable, with an iperf3 that serves on the
// node.
type link struct {
	node, client *netns.NS
	server       *exec.Cmd
	gate         *gate.Gate
	line         gate.LineID
	index        int
	slot         engine.Slot
	guarded      bool
	empty        []bpflink.Link // programs that do nothing
}

func newLink() (_ *link, err error) {
	l := &link{}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.close())
		}
	}()
	if l.node, err = netns.New(); err != nil {
		return nil, err
	}
	if l.client, err = netns.New(); err != nil {
		return nil, err
	}
	if err = l.cable(); err != nil {
		return nil, fmt.Errorf("cannot make a cable: %w", err)
	}
	err = l.node.Do(func() (err error) {
		e, err := netlink.LinkByName(ifname)
		if err != nil {
			return err
		}
		l.index = e.Attrs().Index
		l.gate, err = gate.Open(gate.Options{Lines: []gate.LineID{gate.TCX, gate.Clsact}})
		return err
	})
	if err != nil {
		return nil, err
	}
	l.line = l.gate.Line().ID
	l.server = exec.Command("iperf3", "-s", "-p", port)
	if err = l.node.Start(l.server); err != nil {
		return nil, fmt.Errorf("cannot start iperf3: %w", err)
	}
	return l, l.ready()
}

func (l *link) cable() error {
	node, err := netlink.NewHandleAt(vnetns.NsHandle(l.node.Handle()))
	if err != nil {
		return err
	}
	defer node.Close()
	client, err := netlink.NewHandleAt(vnetns.NsHandle(l.client.Handle()))
	if err != nil {
		return err
	}
	defer client.Close()
	if err := node.LinkAdd(&netlink.Veth{
		LinkAttrs: netlink.LinkAttrs{Name: ifname},
		PeerName:  ifname, PeerNamespace: netlink.NsFd(l.client.Handle()),
	}); err != nil {
		return err
	}
	for _, end := range []struct {
		nl    *netlink.Handle
		addrs []netip.Addr
	}{{node, []netip.Addr{other, vip}}, {client, []netip.Addr{clientIP}}} {
		e, err := end.nl.LinkByName(ifname)
		if err != nil {
			return err
		}
		for _, a := range end.addrs {
			if err := end.nl.AddrAdd(e, &netlink.Addr{IPNet: &net.IPNet{IP: a.AsSlice(), Mask: net.CIDRMask(24, 32)}}); err != nil {
				return err
			}
		}
		if err := end.nl.LinkSetUp(e); err != nil {
			return err
		}
	}
	return nil
}

// ready waits until the server takes connections.
func (l *link) ready() error {
	var err error
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		err = l.client.Do(func() error {
			c, err := net.DialTimeout("tcp", net.JoinHostPort(other.String(), "5201"), time.Second)
			if err == nil {
				err = c.Close()
			}
			return err
		})
		if err == nil {
			return nil
		}
	}
	return fmt.Errorf("iperf3 does not answer: %w", err)
}

func (l *link) close() error {
	var errs []error
	if l.server != nil && l.server.Process != nil {
		_ = l.server.Process.Kill()
		_ = l.server.Wait()
	}
	if l.gate != nil {
		errs = append(errs, l.gate.Close())
	}
	for _, ns := range []*netns.NS{l.node, l.client} {
		if ns != nil {
			errs = append(errs, ns.Close()) // and all that is in it
		}
	}
	return errors.Join(errs...)
}

// arrange puts the gate there, or takes it away: anew for every run, so that
// all four follow the same disturbance of the kernel.
func (l *link) arrange(how way) error {
	return l.node.Do(func() (err error) {
		for _, e := range l.empty {
			err = errors.Join(err, e.Close())
		}
		if l.empty = nil; err != nil {
			return err
		}
		if l.guarded {
			l.guarded = false
			if err := l.gate.Release(l.slot); err != nil {
				return err
			}
		}
		l.slot, err = l.gate.Guard(gate.Spec{Interface: ifname, Family: vrrp.IPv4, VRID: 51, Addresses: []netip.Addr{vip}})
		if err != nil {
			return err
		}
		switch how {
		case without:
			return l.gate.Release(l.slot)
		case hook:
			if err := l.gate.Release(l.slot); err != nil {
				return err
			}
			return l.attachEmpty()
		}
		l.guarded = true
		l.gate.Set(l.slot, engine.Hold{Announced: 1 << 62, Served: 1 << 62})
		return nil
	})
}

// attachEmpty puts a program at both places that passes everything on.
func (l *link) attachEmpty() error {
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Type: ebpf.SchedCLS, License: "MIT",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, tcxNext), asm.Return()},
	})
	if err != nil {
		return err
	}
	defer prog.Close() // the links keep it
	for _, at := range []ebpf.AttachType{ebpf.AttachTCXIngress, ebpf.AttachTCXEgress} {
		e, err := bpflink.AttachTCX(bpflink.TCXOptions{Interface: l.index, Program: prog, Attach: at})
		if err != nil {
			return err
		}
		l.empty = append(l.empty, e)
	}
	return nil
}

// tcxNext asks whoever comes after (TCX_NEXT of linux/bpf.h).
const tcxNext = -1

// measure runs the traffic once, after arranging the gate, and returns what it
// came to.
func (l *link) measure(w workload, how way, each time.Duration) (float64, error) {
	if err := l.arrange(how); err != nil {
		return 0, err
	}
	return l.traffic(w, how, each)
}

func (l *link) traffic(w workload, how way, each time.Duration) (float64, error) {
	if how == beside {
		return w.run(l, other, each)
	}
	return w.run(l, vip, each)
}

// runs tells how often the programs ran since they were loaded, and how long.
func (l *link) runs() (n uint64, spent time.Duration, err error) {
	err = l.node.Do(func() error {
		for _, at := range []ebpf.AttachType{ebpf.AttachTCXIngress, ebpf.AttachTCXEgress} {
			got, err := bpflink.QueryPrograms(bpflink.QueryOptions{Target: l.index, Attach: at})
			if err != nil {
				return err
			}
			for _, p := range got.Programs {
				prog, err := ebpf.NewProgramFromID(p.ID)
				if err != nil {
					return err
				}
				stats, err := prog.Stats()
				if err = errors.Join(err, prog.Close()); err != nil {
					return err
				}
				n, spent = n+stats.RunCount, spent+stats.Runtime
			}
		}
		return nil
	})
	return n, spent, err
}
