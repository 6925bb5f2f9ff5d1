package bpf

import (
	"math"
	"net/netip"
	"os"
	"testing"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/balance/model"
	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/internal/linux/gate"
	"github.com/holdfast-net/holdfast/internal/linux/netns"
	"github.com/holdfast-net/holdfast/vrrp"
)

// What offload switches.
const (
	setTxSum = 0x17 // ETHTOOL_STXCSUM
	setGRO   = 0x2c // ETHTOOL_SGRO
)

// offload switches one of an interface on (1) or off (0), as ethtool -K does.
func (l *lab) offload(ns *netns.NS, name string, what, value uint32) {
	l.Helper()
	set := func() error {
		s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(s)
		arg := [2]uint32{what, value}
		ifreq := struct {
			name [unix.IFNAMSIZ]byte
			data unsafe.Pointer
			_    [16]byte
		}{data: unsafe.Pointer(&arg)}
		copy(ifreq.name[:], name)
		if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(s), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&ifreq))); errno != 0 {
			return errno
		}
		return nil
	}
	if ns == nil {
		must(l, set())
		return
	}
	must(l, ns.Do(set))
}

// passing is a program of XDP that passes everything.
func (l *lab) passing() *ebpf.Program {
	l.Helper()
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Name: "foreign", Type: ebpf.XDP, License: "MIT", Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 2), asm.Return()},
		Flags: unix.BPF_F_XDP_HAS_FRAGS,
	})
	must(l, err)
	l.Cleanup(func() { p.Close() })
	return p
}

// native makes the lab one where XDP is right: on a veth it needs another end
// that polls, as it does for a program of its own, and senders that leave no checksum to hardware that is not there.
// The gate is open for all addresses.
func (l *lab) native() Config {
	l.Helper()
	must(l, l.sw.Do(func() error {
		port, err := netlink.LinkByName("balancer")
		if err != nil {
			return err
		}
		pass := l.passing()
		there, err := link.AttachXDP(link.XDPOptions{Program: pass, Interface: port.Attrs().Index, Flags: link.XDPDriverMode})
		if err == nil {
			l.Cleanup(func() { there.Close() })
		}
		return err
	}))
	for _, ns := range append(l.backends, l.client) {
		l.offload(ns, "eth0", setTxSum, 0)
	}
	g, _ := l.gate(math.MaxInt64)
	files, err := g.Files()
	must(l, err)
	l.Cleanup(func() { closeAll(files) })
	return Config{Hooks: map[string]Hook{"eth0": XDP}, Gate: files}
}

func closeAll(files []*os.File) {
	for _, f := range files {
		_ = f.Close()
	}
}

// gate opens a gate, with a slot for each family that is held until then.
func (l *lab) gate(until engine.Instant) (*gate.Gate, []engine.Slot) {
	l.Helper()
	g, err := gate.Open(gate.Options{Lines: []gate.LineID{gate.TCX}})
	must(l, err)
	l.Cleanup(func() { must(l, g.Close()) })
	var slots []engine.Slot
	for i, f := range families {
		slot, err := g.Guard(gate.Spec{
			Interface: "eth0", Family: []vrrp.Family{vrrp.IPv4, vrrp.IPv6}[i], VRID: 51, Addresses: []netip.Addr{f.vip, f.source},
		})
		must(l, err)
		l.Cleanup(func() { must(l, g.Release(slot)) })
		g.Set(slot, engine.Hold{Announced: until, Served: until})
		slots = append(slots, slot)
	}
	return g, slots
}

// xdpMD is struct xdp_md.
type xdpMD struct{ Data, End, Meta, Ifindex, Queue, Egress uint32 }

// runXDP gives a frame to the program of XDP.
func (b *bench) runXDP(frame []byte) (model.Verdict, []byte) {
	b.Helper()
	opts := ebpf.RunOptions{
		Data: frame, DataOut: make([]byte, len(frame)+256), Context: xdpMD{End: uint32(len(frame)), Ifindex: b.index}, Repeat: 1,
	}
	ret, err := b.plane.native.program.Run(&opts)
	must(b, err)
	switch ret {
	case 1:
		return model.Drop, nil
	case 2:
		return model.Pass, opts.DataOut
	case 3, 4:
		return model.Send, opts.DataOut
	}
	b.Fatalf("the program of XDP said %d", ret)
	return 0, nil
}

// inUse fails unless that hook is.
func inUse(t testing.TB, p *Plane, hook Hook) {
	t.Helper()
	if h := p.Hooks(); len(h) == 0 || h[0].Hook != hook {
		t.Fatalf("the hooks are %+v, want %s", h, hook)
	}
}
