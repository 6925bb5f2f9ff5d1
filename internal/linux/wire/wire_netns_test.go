package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/vrrp"
)

var compareAddr = cmp.Comparer(func(a, b netip.Addr) bool { return a == b })

// advert is a payload that names itself.
func advert(vrid byte, text string) []byte {
	return append([]byte{0x31, vrid}, text...)
}

func carries(data []byte) func(engine.Datagram) bool {
	return func(d engine.Datagram) bool { return bytes.Equal(d.Data, data) }
}

func TestWire_CarriesEveryKindBothWays(t *testing.T) {
	a, b := pair(t)
	for _, test := range []struct {
		name     string
		kind     engine.Kind
		family   vrrp.Family
		src, dst netip.Addr
		mac      [6]byte
	}{
		{"advert 4 multicast", engine.Advert, vrrp.IPv4, a4, vrrp.Group4, [6]byte{}},
		{"advert 4 multicast virtual", engine.Advert, vrrp.IPv4, a4, vrrp.Group4, vMAC},
		{"advert 4 unicast", engine.Advert, vrrp.IPv4, a4, b4, [6]byte{}},
		{"advert 6 multicast", engine.Advert, vrrp.IPv6, a6, vrrp.Group6, [6]byte{}},
		{"advert 6 multicast virtual", engine.Advert, vrrp.IPv6, a6, vrrp.Group6, vMAC},
		{"advert 6 unicast", engine.Advert, vrrp.IPv6, a6, b6, [6]byte{}},
		{"message 4 multicast", engine.Message, vrrp.IPv4, a4, vrrp.Group4, [6]byte{}},
		{"message 4 unicast", engine.Message, vrrp.IPv4, a4, b4, [6]byte{}},
		{"message 6 multicast", engine.Message, vrrp.IPv6, a6, vrrp.Group6, [6]byte{}},
		{"message 6 unicast", engine.Message, vrrp.IPv6, a6, b6, [6]byte{}},
	} {
		for _, length := range []int{2, 21, 1000} { // odd for the checksum
			data := bytes.Repeat([]byte{0xa7}, length)
			data = append(data[:0], append(advert(1, test.name), data[min(length, 30):]...)...)
			t.Run(fmt.Sprintf("%s/%d", test.name, len(data)), func(t *testing.T) {
				a.send(engine.Outgoing{
					Port: a.port, Kind: test.kind, Src: test.src, Dst: test.dst, SrcMAC: test.mac, Data: data,
				})
				want := engine.Datagram{
					Port: b.port, Kind: test.kind, Family: test.family,
					Src: test.src, Dst: test.dst, TTL: 255, Data: data,
				}
				if diff := cmp.Diff(want, b.hear(test.name, carries(data)), compareAddr); diff != "" {
					t.Errorf("b heard (-want +got)\n%s", diff)
				}
			})
		}
	}
}

func TestSend_FramesAreRightOnTheWire(t *testing.T) {
	a, b := pair(t)
	sniffer := b.sniffer()
	for _, test := range []struct {
		name     string
		kind     engine.Kind
		src, dst netip.Addr
		mac      [6]byte
		srcMAC   [6]byte
		dstMAC   [6]byte
	}{
		{"virtual MAC", engine.Advert, a4, vrrp.Group4, vMAC, vMAC, [6]byte{0x01, 0x00, 0x5e, 0, 0, 0x12}},
		{"own MAC", engine.Advert, a4, vrrp.Group4, [6]byte{}, aMAC, [6]byte{0x01, 0x00, 0x5e, 0, 0, 0x12}},
		{"virtual MAC 6", engine.Advert, a6, vrrp.Group6, vMAC, vMAC, [6]byte{0x33, 0x33, 0, 0, 0, 0x12}},
		{"own MAC 6", engine.Message, a6, vrrp.Group6, [6]byte{}, aMAC, [6]byte{0x33, 0x33, 0, 0, 0, 0x12}},
		{"unicast", engine.Advert, a4, b4, [6]byte{}, aMAC, bMAC},
		{"unicast 6", engine.Message, a6, b6, [6]byte{}, aMAC, bMAC},
	} {
		t.Run(test.name, func(t *testing.T) {
			data := advert(7, test.name)
			var ids [2]uint16
			for i := range ids {
				a.send(engine.Outgoing{
					Port: a.port, Kind: test.kind, Src: test.src, Dst: test.dst, SrcMAC: test.mac, Data: data,
				})
				f := b.frame(sniffer, test.name, func(f []byte) bool { return bytes.HasSuffix(f, data) })
				if [6]byte(f[0:6]) != test.dstMAC || [6]byte(f[6:12]) != test.srcMAC {
					t.Errorf("frame from % x to % x, want from % x to % x", f[6:12], f[0:6], test.srcMAC, test.dstMAC)
				}
				ip := f[14:]
				if test.dst.Is4() {
					ids[i] = binary.BigEndian.Uint16(ip[4:])
					if ip[1] != 0xc0 || ip[8] != 255 || ip[6] != 0 || ip[7] != 0 || fold(sum(0, ip[:20])) != 0xffff {
						t.Errorf("IPv4 header % x: want TOS c0, TTL 255, no flags, good checksum", ip[:20])
					}
				} else if ip[0] != 0x6c || ip[1]&0xf0 != 0 || ip[7] != 255 {
					t.Errorf("IPv6 header % x: want class c0, hop limit 255", ip[:40])
				}
			}
			if test.dst.Is4() && test.dst.IsMulticast() && ids[1] != ids[0]+1 {
				t.Errorf("IPv4 ids %v: want them to count", ids)
			}
		})
	}
}

func TestSend_WholeFrame(t *testing.T) {
	a, b := pair(t)
	sniffer := b.sniffer()
	frame := append(append(append([]byte{}, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), vMAC[:]...), 0x08, 0x06)
	frame = append(frame, make([]byte, 46)...)
	a.send(engine.Outgoing{Port: a.port, Kind: engine.Frame, Data: frame})
	b.frame(sniffer, "the same bytes", func(f []byte) bool { return bytes.Equal(f, frame) })
}

// The interface's own MAC may change while it is open.
func TestSend_FollowsChangedMAC(t *testing.T) {
	a, b := pair(t)
	sniffer := b.sniffer()
	mac := [6]byte{0x02, 0, 0, 0, 0, 0xcc}
	must(t, a.nl.LinkSetHardwareAddr(a.link("eth0"), mac[:]))
	data := advert(1, "changed")
	a.send(engine.Outgoing{Port: a.port, Kind: engine.Advert, Src: a4, Dst: vrrp.Group4, Data: data})
	f := b.frame(sniffer, "advert", func(f []byte) bool { return bytes.HasSuffix(f, data) })
	if [6]byte(f[6:12]) != mac {
		t.Errorf("source MAC % x, want % x", f[6:12], mac)
	}
}

func TestWire_OwnPacketsDoNotComeBack(t *testing.T) {
	a, b := pair(t)
	data := advert(9, "mine")
	for _, kind := range []engine.Kind{engine.Advert, engine.Message} {
		a.send(
			engine.Outgoing{Port: a.port, Kind: kind, Src: a4, Dst: vrrp.Group4, Data: data},
			engine.Outgoing{Port: a.port, Kind: kind, Src: a6, Dst: vrrp.Group6, SrcMAC: vMAC, Data: data})
	}
	heard := 0
	b.hear("a's four packets", func(d engine.Datagram) bool {
		if bytes.Equal(d.Data, data) {
			heard++
		}
		return heard == 4
	})
	// What b sends now arrives behind anything that would have come back.
	end := advert(9, "end")
	b.send(engine.Outgoing{Port: b.port, Kind: engine.Advert, Src: b4, Dst: vrrp.Group4, Data: end})
	a.hear("the end", func(d engine.Datagram) bool {
		if bytes.Equal(d.Data, data) {
			t.Errorf("a heard its own packet: %+v", d)
		}
		return bytes.Equal(d.Data, end)
	})
}

// The filter drops what no router could name, and nothing else.
func TestFilter_PassesWhatARouterMustName(t *testing.T) {
	a, b := pair(t)
	carp := append([]byte{0x21, 1, 0, 7, 0, 1}, make([]byte, 30)...)
	for _, test := range []struct {
		name string
		dst  netip.Addr
		data []byte
		pass bool
	}{
		{"version 3", vrrp.Group4, []byte{0x31, 1, 100, 1, 0, 100, 0, 0, 192, 0, 2, 9}, true},
		{"version 2", vrrp.Group4, []byte{0x21, 1, 100, 1, 0, 1, 0, 0, 192, 0, 2, 9}, true},
		{"version 9", vrrp.Group4, []byte{0x91, 1, 9}, true},
		{"type 2", vrrp.Group4, []byte{0x32, 1, 9}, true},
		{"CARP", vrrp.Group4, carp, true},
		{"VRID only", vrrp.Group4, []byte{0x31, 77}, true},
		{"no VRID", vrrp.Group4, []byte{0x31}, false},
		{"empty", vrrp.Group4, nil, false},
		{"other group", netip.MustParseAddr("224.0.0.1"), []byte{0x31, 1, 7}, false},
		{"broadcast", netip.MustParseAddr("255.255.255.255"), []byte{0x31, 1, 8}, false},
		{"version 3 IPv6", vrrp.Group6, []byte{0x31, 1, 100, 1, 0, 100, 0, 0}, true},
		{"VRID only IPv6", vrrp.Group6, []byte{0x31, 78}, true},
		{"unicast IPv6", b6, []byte{0x31, 79}, true},
		{"no VRID IPv6", vrrp.Group6, []byte{0x31}, false},
		{"empty IPv6", vrrp.Group6, nil, false},
		{"other group IPv6", netip.MustParseAddr("ff02::1"), []byte{0x31, 1, 9, 9}, false},
		{"nearly the group IPv6", netip.MustParseAddr("ff02::1:0:0:12"), []byte{0x31, 1, 9, 8}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			src, end := a4, vrrp.Group4
			if test.dst.Is6() {
				src, end = a6, vrrp.Group6
			}
			header := make([]byte, headroom)
			o := engine.Outgoing{Kind: engine.Advert, Src: src, Dst: test.dst, Data: test.data}
			n := headers(header, &o, aMAC, 1)
			if !test.dst.IsMulticast() {
				copy(header, bMAC[:])
			}
			// Frames arrive as long as Ethernet wants them, padding included.
			frame := append(header[:n:n], test.data...)
			frame = append(frame, make([]byte, max(0, 60-len(frame)))...)
			last := advert(200, test.name)
			a.send(
				engine.Outgoing{Port: a.port, Kind: engine.Frame, Data: frame},
				engine.Outgoing{Port: a.port, Kind: engine.Advert, Src: src, Dst: end, Data: last})
			// The two may change places where the sender changed processors.
			passed, after := false, false
			b.hear("it, if it passes, and the packet after it", func(d engine.Datagram) bool {
				passed = passed || bytes.Equal(d.Data, test.data)
				after = after || bytes.Equal(d.Data, last)
				return after && (passed || !test.pass)
			})
			if passed != test.pass {
				t.Errorf("passed: %v, want %v", passed, test.pass)
			}
		})
	}
}

// Raw IP sockets: the host's firewall decides about adverts.
func TestReceive_FirewallApplies(t *testing.T) {
	a, b := pair(t)
	nft := exec.Command("nft", "-f", "-")
	nft.Stdin = bytes.NewBufferString(`table inet hfw { chain in { type filter hook input priority 0
		meta l4proto 112 ip saddr ` + a4.String() + ` drop
		meta l4proto 112 ip6 saddr ` + a6.String() + ` drop
		}
		}`)
	var stderr bytes.Buffer
	nft.Stderr = &stderr
	if err := b.ns.Run(nft); err != nil {
		t.Fatalf("nft: %v: %s", err, &stderr)
	}
	blocked, passed := advert(1, "blocked"), advert(1, "passed")
	a.send(
		engine.Outgoing{Port: a.port, Kind: engine.Advert, Src: a4, Dst: vrrp.Group4, Data: blocked},
		engine.Outgoing{Port: a.port, Kind: engine.Advert, Src: a6, Dst: vrrp.Group6, Data: blocked},
		engine.Outgoing{Port: a.port, Kind: engine.Message, Src: a4, Dst: vrrp.Group4, Data: passed},
		engine.Outgoing{Port: a.port, Kind: engine.Advert, Src: netip.MustParseAddr("192.0.2.9"), Dst: vrrp.Group4, Data: passed},
		engine.Outgoing{Port: a.port, Kind: engine.Advert, Src: netip.MustParseAddr("fe80::9"), Dst: vrrp.Group6, Data: passed})
	heard := 0
	b.hear("what the firewall lets through", func(d engine.Datagram) bool {
		if bytes.Equal(d.Data, blocked) {
			t.Errorf("heard what the firewall drops: %+v", d)
		}
		if bytes.Equal(d.Data, passed) {
			heard++
		}
		return heard == 3
	})
}

// Every interface has its own sockets: what arrives on one is not heard on
// another.
func TestReceive_ByInterface(t *testing.T) {
	a, b := pair(t)
	a1, b1 := second(t, a, b)
	if a1 == a.port || b1 == b.port {
		t.Fatal("two interfaces have the same port")
	}
	for _, want := range []struct{ from, to engine.Port }{{a.port, b.port}, {a1, b1}} {
		data := advert(1, fmt.Sprint(want.from))
		a.send(engine.Outgoing{Port: want.from, Kind: engine.Advert, Src: a4, Dst: vrrp.Group4, Data: data})
		if d := b.hear("advert", carries(data)); d.Port != want.to {
			t.Errorf("heard on port %d, want %d", d.Port, want.to)
		}
	}
	if again := a.open("eth1"); again != a1 {
		t.Errorf("opened again: port %d, want %d", again, a1)
	}
	must(t, b.wire.Close(b1))
	must(t, b.wire.Close(b1))
	data := advert(1, "closed")
	a.send(
		engine.Outgoing{Port: a1, Kind: engine.Advert, Src: a4, Dst: vrrp.Group4, Data: data},
		engine.Outgoing{Port: a.port, Kind: engine.Advert, Src: a4, Dst: vrrp.Group4, Data: data})
	if d := b.hear("advert", carries(data)); d.Port != b.port {
		t.Errorf("heard on the closed port %d", d.Port)
	}
	out := []engine.Outgoing{{Port: b1, Kind: engine.Advert, Src: b4, Dst: vrrp.Group4}}
	b.wire.Send(out)
	if !errors.Is(out[0].Err, ErrPort) {
		t.Errorf("sending on a closed port: %v, want %v", out[0].Err, ErrPort)
	}
}

func TestWire_SurvivesDownAndUp(t *testing.T) {
	a, b := pair(t)
	both := func(text string) {
		t.Helper()
		data := advert(1, text)
		for _, o := range []engine.Outgoing{
			{Src: a4, Dst: vrrp.Group4},
			{Src: a6, Dst: vrrp.Group6},
			{Kind: engine.Message, Src: a4, Dst: vrrp.Group4},
		} {
			o.Port, o.Data = a.port, data
			a.send(o)
			b.hear(text, carries(data))
		}
	}
	both("before")
	for _, n := range []*node{a, b} {
		must(t, n.nl.LinkSetDown(n.link("eth0")))
		out := []engine.Outgoing{
			{Port: a.port, Kind: engine.Advert, Src: a4, Dst: vrrp.Group4, Data: advert(1, "down")},
			{Port: a.port, Kind: engine.Advert, Src: a4, Dst: vrrp.Group4, Data: advert(1, "down")},
		}
		a.wire.Send(out)
		if n == a && (!errors.Is(out[0].Err, unix.ENETDOWN) || !errors.Is(out[1].Err, unix.ENETDOWN)) {
			t.Errorf("sending while down: %v, %v, want %v", out[0].Err, out[1].Err, unix.ENETDOWN)
		}
		must(t, n.nl.LinkSetUp(n.link("eth0")))
		a.ready("eth0")
		b.ready("eth0")
		both("after")
	}
}

func TestWire_SurvivesRecreation(t *testing.T) {
	a, b := pair(t)
	for _, reopen := range []struct {
		name string
		open func(n *node) engine.Port
	}{
		{"close and open", func(n *node) engine.Port {
			must(t, n.wire.Close(n.port))
			return n.open("eth0")
		}},
		{"open again", func(n *node) engine.Port {
			p := n.open("eth0")
			if p != n.port {
				t.Errorf("port %d, want %d as before", p, n.port)
			}
			return p
		}},
	} {
		t.Run(reopen.name, func(t *testing.T) {
			must(t, a.nl.LinkDel(a.link("eth0")))
			out := []engine.Outgoing{
				{Port: a.port, Kind: engine.Advert, Src: a4, Dst: vrrp.Group4, Data: advert(1, "gone")},
				{Port: a.port, Kind: engine.Advert, Src: a4, Dst: b4, Data: advert(1, "gone")},
			}
			a.wire.Send(out)
			for _, o := range out {
				if o.Err == nil {
					t.Errorf("sending to %v on a deleted interface gave no error", o.Dst)
				}
			}
			// Nothing wakes up because of it.
			if n, _, err := a.wire.Wait(time.Now().Add(10*time.Millisecond), a.in[:]); n != 0 || err != nil {
				t.Errorf("Wait gave %d, %v", n, err)
			}
			connect(t, a, b, "eth0")
			a.port, b.port = reopen.open(a), reopen.open(b)
			for _, dst := range []netip.Addr{vrrp.Group4, b4} {
				data := advert(1, "again")
				a.send(engine.Outgoing{Port: a.port, Kind: engine.Advert, Src: a4, Dst: dst, Data: data})
				b.hear("advert on the new interface", carries(data))
			}
		})
	}
}

func TestOpen_Errors(t *testing.T) {
	a, _ := pair(t)
	for name, want := range map[string]string{
		"none0":                   "cannot open interface none0: no such device",
		"a-name-that-is-too-long": `cannot open interface a-name-that-is-too-long: "a-name-that-is-too-long" is not an interface name`,
	} {
		err := a.ns.Do(func() error { _, err := a.wire.Open(name); return err })
		if err == nil || err.Error() != want {
			t.Errorf("Open(%q): %v, want %s", name, err, want)
		}
	}
}

// A family that is switched off does not take the other one along.
func TestOpen_WithoutIPv6(t *testing.T) {
	a, b := pair(t)
	sysctl := "/proc/sys/net/ipv6/conf/eth0/disable_ipv6"
	a.do(func() error { return os.WriteFile(sysctl, []byte("1"), 0o644) })
	a.port = a.open("eth0")
	data := advert(1, "four")
	out := []engine.Outgoing{
		{Port: a.port, Kind: engine.Advert, Src: a6, Dst: vrrp.Group6, Data: data},
		{Port: a.port, Kind: engine.Advert, Src: a4, Dst: vrrp.Group4, Data: data},
		{Port: a.port, Kind: engine.Advert, Src: a6, Dst: b6, Data: data},
		{Port: a.port, Kind: engine.Advert, Src: a4, Dst: b6, Data: data},
	}
	a.wire.Send(out)
	const want = "cannot use IPv6 on eth0: it is disabled there (sysctl net.ipv6.conf.eth0.disable_ipv6)"
	if out[0].Err == nil || out[0].Err.Error() != want || out[2].Err == nil {
		t.Errorf("sending IPv6: %v, %v, want %s", out[0].Err, out[2].Err, want)
	}
	if !errors.Is(out[3].Err, ErrAddresses) {
		t.Errorf("sending IPv4 to IPv6: %v, want %v", out[3].Err, ErrAddresses)
	}
	if out[1].Err != nil {
		t.Error(out[1].Err)
	}
	b.hear("IPv4", carries(data))

	a.do(func() error { return os.WriteFile(sysctl, []byte("0"), 0o644) })
	a.port = a.open("eth0")
	data = advert(1, "six")
	b.send(engine.Outgoing{Port: b.port, Kind: engine.Advert, Src: b6, Dst: vrrp.Group6, Data: data})
	a.hear("IPv6 after it was enabled", carries(data))
}
