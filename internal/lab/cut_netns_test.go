package lab

import (
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
)

// mailbox is a UDP socket on a host.
func mailbox(t *testing.T, h *Host, at netip.Addr) *net.UDPConn {
	t.Helper()
	var conn *net.UDPConn
	err := h.Do(func() error {
		var err error
		conn, err = net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(at, 9999)))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// read is the next datagram.
func read(t *testing.T, c *net.UDPConn) string {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 100)
	n, err := c.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	return string(buf[:n])
}

func write(t *testing.T, c *net.UDPConn, to netip.Addr, text string) {
	t.Helper()
	if _, err := c.WriteToUDPAddrPort([]byte(text), netip.AddrPortFrom(to, 9999)); err != nil {
		t.Fatal(err)
	}
}

func TestCut(t *testing.T) {
	for _, c := range []struct {
		name         string
		cut          func(lan *LAN, a *Host) error
		aToB, bToA   bool
		carrierOfCut bool
	}{
		{"none", func(*LAN, *Host) error { return nil }, true, true, true},
		{"carrier", func(_ *LAN, a *Host) error { return a.Cut(Carrier) }, false, false, false},
		{"silent", func(_ *LAN, a *Host) error { return a.Cut(Silent) }, false, false, true},
		{"mute", func(_ *LAN, a *Host) error { return a.Cut(Mute) }, false, true, true},
		{"deaf", func(_ *LAN, a *Host) error { return a.Cut(Deaf) }, true, false, true},
		{"a to b", func(l *LAN, _ *Host) error { return l.Lose(Loss{From: "a", To: "b", Percent: 100}) }, false, true, true},
		{"a to client", func(l *LAN, _ *Host) error { return l.Lose(Loss{From: "a", To: "client", Percent: 100}) }, true, true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			lan, a, b, _ := newLAN(t)
			atA, atB := mailbox(t, a, address4(1)), mailbox(t, b, address4(2))
			// Both know each other for good, so that no question has to pass
			// and nothing waits for an answer to one.
			if err := a.Do(func() error { return learn(address4(2), mac(2)) }); err != nil {
				t.Fatal(err)
			}
			if err := b.Do(func() error { return learn(address4(1), mac(1)) }); err != nil {
				t.Fatal(err)
			}

			if err := c.cut(lan, a); err != nil {
				t.Fatal(err)
			}
			if got := hasCarrier(t, a); got != c.carrierOfCut {
				t.Errorf("carrier of a: %v, want %v", got, c.carrierOfCut)
			}
			write(t, atA, address4(2), "while cut")
			write(t, atB, address4(1), "while cut")
			if err := a.Restore(); err != nil {
				t.Fatal(err)
			}
			write(t, atA, address4(2), "healed")
			write(t, atB, address4(1), "healed")

			// Frames do not overtake each other: what passed comes first.
			first := map[bool]string{true: "while cut", false: "healed"}
			if got := read(t, atB); got != first[c.aToB] {
				t.Errorf("a to b: %q came first, want %q", got, first[c.aToB])
			}
			if got := read(t, atA); got != first[c.bToA] {
				t.Errorf("b to a: %q came first, want %q", got, first[c.bToA])
			}
			if !hasCarrier(t, a) {
				t.Error("a has no carrier after Restore")
			}
		})
	}
}

func hasCarrier(t *testing.T, h *Host) bool {
	t.Helper()
	var state netlink.LinkOperState
	err := h.Do(func() error {
		eth0, err := netlink.LinkByName(Interface)
		if err == nil {
			state = eth0.Attrs().OperState
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return state == netlink.OperUp
}

func TestLose_Percent(t *testing.T) {
	lan, a, _, client := newLAN(t)
	if err := client.Do(func() error { return learn(address4(1), mac(1)) }); err != nil {
		t.Fatal(err)
	}
	if err := a.Do(func() error { return learn(address4(100), mac(100)) }); err != nil {
		t.Fatal(err)
	}
	if err := lan.Lose(Loss{From: "a", Percent: 50}); err != nil {
		t.Fatal(err)
	}
	p := startProber(t, client, address4(1))
	until(t, "1,000 probes", func() bool { return p.Report(time.Time{}, time.Now()).Sent >= 1000 })
	p.Stop()
	r := p.Report(time.Time{}, time.Now())
	if part := float64(r.Lost) / float64(r.Sent); part < 0.4 || part > 0.6 {
		t.Errorf("lost %d of %d probes, want half of them", r.Lost, r.Sent)
	}

	if err := lan.Heal(); err != nil {
		t.Fatal(err)
	}
	p = startProber(t, client, address4(1))
	answers(t, p, "a", time.Time{})
	if r := p.Report(time.Time{}, time.Now()); r.Lost != 0 {
		t.Errorf("lost %d of %d probes after Heal", r.Lost, r.Sent)
	}
	for _, percent := range []int{0, 101} {
		if err := lan.Lose(Loss{Percent: percent}); err == nil {
			t.Errorf("a loss of %d percent was accepted", percent)
		}
	}
}

// learn makes the calling thread's namespace know a neighbour for good.
func learn(addr netip.Addr, mac net.HardwareAddr) error {
	eth0, err := netlink.LinkByName(Interface)
	if err != nil {
		return fmt.Errorf("cannot find %s: %w", Interface, err)
	}
	return netlink.NeighSet(&netlink.Neigh{
		LinkIndex: eth0.Attrs().Index, IP: addr.AsSlice(), HardwareAddr: mac, State: netlink.NUD_PERMANENT,
	})
}
