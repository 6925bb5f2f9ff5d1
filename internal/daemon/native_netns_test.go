package daemon_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// finishSums has an interface leave no checksum to hardware that is not there
// (ethtool -K eth0 tx off): frames of XDP keep them as they are.
func finishSums(name string) error {
	const setTxSum = 0x17 // ETHTOOL_STXCSUM
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(s)
	arg := [2]uint32{setTxSum, 0}
	ifreq := struct {
		name [unix.IFNAMSIZ]byte
		data unsafe.Pointer
		_    [16]byte
	}{data: unsafe.Pointer(&arg)}
	copy(ifreq.name[:], name)
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(s), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&ifreq))); errno != 0 {
		return fmt.Errorf("cannot switch off the checksums of %s: %w", name, errno)
	}
	return nil
}

// takes puts a program of XDP that passes everything on the switch's end of a
// host's cable, which then takes frames of XDP.
func (s *site) takes(host string) {
	s.t.Helper()
	s.must(s.lan.Switch().Do(func() error {
		port, err := netlink.LinkByName(host)
		if err != nil {
			return err
		}
		pass, err := ebpf.NewProgram(&ebpf.ProgramSpec{
			Type: ebpf.XDP, License: "MIT", Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 2), asm.Return()}, Flags: unix.BPF_F_XDP_HAS_FRAGS,
		})
		if err != nil {
			return err
		}
		defer pass.Close()
		there, err := link.AttachXDP(link.XDPOptions{Program: pass, Interface: port.Attrs().Index, Flags: link.XDPDriverMode})
		if err == nil {
			s.t.Cleanup(func() { there.Close() })
		}
		return err
	}))
}

// looksBy waits until the kernel of a node looks at packets on eth0 by a hook,
// for a reason.
func (n *node) looksBy(hook, why string) {
	n.s.t.Helper()
	n.s.within(n.name+" looks at packets by "+hook, func() error {
		hooks := n.backends().Hooks
		for _, h := range hooks {
			if h.Interface == "eth0" && h.Hook == hook && strings.Contains(h.Why, why) {
				return nil
			}
		}
		return fmt.Errorf("%+v", hooks)
	})
}

// XDP sees packets before the gate does, and yet lets none pass that the gate
// would not, also such as are sent to a virtual MAC.
func TestService_InTheDriver(t *testing.T) {
	const client = "192.0.2.100"
	for _, c := range []struct{ name, forward, mac, at, answer string }{
		{"full NAT", "full-nat", "mac: physical", "192.0.2.10:80", "w11 192.0.2.10"},
		{"full NAT, a virtual MAC", "full-nat", "mac: virtual", "192.0.2.10:80", "w11 192.0.2.10"},
		{"direct return, a virtual MAC", "dsr", "mac: virtual", "192.0.2.10:8080", "w11 " + client},
		{"NAT", "nat", "mac: physical", "192.0.2.10:80", "w11 " + client},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t)
			w := s.server(11)
			w.listen(s, ":8080")
			switch c.forward {
			case "dsr":
				w.silent(s)
				w.ip(s, "addr add 192.0.2.10/32 dev lo")
			case "nat":
				w.ip(s, "route add %s/32 via 192.0.2.10", client)
			}
			file := func(hook string) []string {
				return []string{web(200, c.mac), "balancer: {hook: " + hook + "}\n", spreading(c.forward, c.at+"/tcp", 8080, "192.0.2.11")}
			}
			s.a.start(file("auto")...)
			s.a.becomes("web", "active")
			s.spread(c.at, c.answer)
			s.a.looksBy("tc", "its driver, veth, is not one whose XDP is known to be good")
			s.a.end()

			s.a.start(file("xdp")...)
			s.a.becomes("web", "active")
			s.a.looksBy("tc", "the other end of the veth")
			s.spread(c.at, c.answer)
			s.takes("a")
			for _, h := range []interface{ Do(func() error) error }{w.host, s.client} {
				s.must(h.Do(func() error { return finishSums("eth0") }))
			}
			s.a.looksBy("xdp", "the configuration says so")
			d := s.download(c.at)
			d.goesOn(s, "by XDP")
			s.spread(c.at, c.answer)
			if out := s.a.cli("backends").out; !strings.Contains(out, "the kernel looks at packets on eth0 by xdp") {
				t.Errorf("backends says:\n%s", out)
			}
			if _, got := s.a.reload(); got.code != 0 {
				t.Fatalf("reload: %s", got.err)
			}
			d.goesOn(s, "after a reload")

			// Nobody renews the hold, so it ends by itself.
			s.must(s.a.proc.Pause())
			s.within("nothing is forwarded", func() error {
				select {
				case _, ok := <-d.lines:
					if !ok {
						t.Fatalf("the download broke off: %v", d.err)
					}
					return fmt.Errorf("the download goes on")
				case <-time.After(time.Second):
					return nil
				}
			})
			if got, err := s.ask(c.at); err == nil {
				t.Errorf("a new connection is answered by %s when the hold is over", got)
			}
			s.must(s.a.proc.Resume())
			s.a.becomes("web", "active")
			d.goesOn(s, "once the address is held again")
			s.spread(c.at, c.answer)
			s.a.looksBy("xdp", "the configuration says so")
			s.over()
		})
	}
}

// Tables in which flows are keep their size, and that is said.
func TestService_TablesKeepTheirSize(t *testing.T) {
	s := newSite(t)
	w := s.server(11)
	w.listen(s, ":8080")
	const at = "192.0.2.10:80"
	file := func(flows int) []string {
		return []string{web(200), fmt.Sprintf("balancer: {flows: %d}\n", flows), spreading("full-nat", at+"/tcp", 8080, "192.0.2.11")}
	}
	s.a.start(file(2048)...)
	s.a.becomes("web", "active")
	s.spread(at, "w11 192.0.2.10")
	d := s.download(at)
	d.goesOn(s, "through tables of 2048")
	s.must(s.a.proc.Kill())
	began := time.Now()
	s.a.start(file(4096)...)
	s.a.becomes("web", "active")
	s.a.said(began, "HF3027", "balancer.flows 2048")
	d.goesOn(s, "through the same")
	d.conn.Close()
	s.a.end()
	began = time.Now()
	s.a.start(file(4096)...)
	s.a.becomes("web", "active")
	s.spread(at, "w11 192.0.2.10")
	for _, e := range s.a.events() {
		if !e.Time.Before(began) && e.Code == "HF3027" {
			t.Errorf("after an orderly stop: %s", e.Reason)
		}
	}
	s.over()
}
