package main

import (
	"errors"
	"fmt"
	"math"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/internal/linux/gate"
	"github.com/holdfast-net/holdfast/vrrp"
)

// XDP takes frames as a card has them: cut to size, with their checksums. On a
// virtual cable they are only so if the ends cut and sum up themselves, and a
// frame that XDP sends is only taken where the other end has a program of XDP as
// well. Both make clients and servers dearer, and are none of the balancer's
// work: so contenders with such cables have a routing of their own to be measured
// by.
//
// What XDP does is done where the cable's end is polled, which is on the CPU that
// has sent the frame. So that it can be put on the balancer's, ends are polled by
// threads of the kernel (/sys/class/net/*/threaded).

const setTxSum = 0x17 // ETHTOOL_STXCSUM: without it, nothing is left to be cut up either

// likeCard makes the cable of the namespace of this process such a one.
func likeCard() error {
	l, err := netlink.LinkByName("eth0")
	if err != nil {
		return err
	}
	if err := ethtool("eth0", setTxSum, 0); err != nil {
		return fmt.Errorf("cannot have a cable's end make sums: %w", err)
	}
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Type: ebpf.XDP, License: "MIT", Flags: unix.BPF_F_XDP_HAS_FRAGS,
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 2), asm.Return()}, // XDP_PASS
	})
	if err != nil {
		return err
	}
	defer p.Close()
	if err := netlink.LinkSetXdpFdWithFlags(l, p.FD(), unix.XDP_FLAGS_DRV_MODE); err != nil {
		return fmt.Errorf("cannot put a program on a cable's end: %w", err)
	}
	return poll()
}

// poll has the cables in the namespace of this process polled by threads, where
// they are polled at all.
func poll() error {
	if err := unix.Mount("sysfs", "/sys", "sysfs", 0, ""); err != nil {
		return fmt.Errorf("cannot mount sysfs: %w", err)
	}
	links, err := net.Interfaces()
	if err != nil {
		return err
	}
	for _, l := range links {
		if l.Flags&net.FlagLoopback != 0 {
			continue
		}
		if err := os.WriteFile("/sys/class/net/"+l.Name+"/threaded", []byte("1"), 0o644); err != nil && !errors.Is(err, unix.EOPNOTSUPP) {
			return fmt.Errorf("cannot have %s polled by a thread: %w", l.Name, err)
		}
	}
	return nil
}

func ethtool(name string, what, value uint32) error {
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

// pollers are the kernel's threads that poll, of all namespaces, by cable's end.
func pollers() (map[int]string, error) {
	names, err := filepath.Glob("/proc/[0-9]*/comm")
	if err != nil {
		return nil, err
	}
	all := map[int]string{}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if end, ok := strings.CutPrefix(string(b), "napi/"); ok && err == nil {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(name)))
			all[pid], _, _ = strings.Cut(end, "-")
		}
	}
	return all, nil
}

// findPollers notes which have begun on this stage, for which CPU.
func (s *stage) findPollers(before map[int]string) error {
	now, err := pollers()
	if err != nil {
		return err
	}
	s.polling = map[int]int{}
	for pid, end := range now {
		if _, ok := before[pid]; ok {
			continue
		}
		s.polling[pid] = endsCPU
		if end == outer || end == inner {
			s.polling[pid] = balancerCPU
		}
	}
	if len(s.polling) == 0 {
		return errors.New("no thread polls a cable")
	}
	return nil
}

// openGate opens a gate whose addresses are held for ever: XDP asks it.
func openGate() (_ *gate.Gate, err error) {
	g, err := gate.Open(gate.Options{Lines: []gate.LineID{gate.TCX}})
	if err != nil {
		return nil, fmt.Errorf("cannot open a gate: %w", err)
	}
	slot, err := g.Guard(gate.Spec{Interface: outer, Family: vrrp.IPv4, VRID: 51, Addresses: []netip.Addr{balancerIP, innerIP}})
	if err != nil {
		return nil, errors.Join(err, g.Close())
	}
	g.Set(slot, engine.Hold{Announced: math.MaxInt64, Served: math.MaxInt64})
	return g, nil
}
