package hands

import (
	"bytes"
	"encoding/binary"
	"net"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// window is how long after the answer to a later question the answer to an
// earlier one may still come.
const window = 20 * time.Millisecond

// settle returns when the node has dealt with all frames that were sent: it
// has answered for its own address, and a while has passed. It leaves that
// answer out of what was seen.
func (l *lan) settle() {
	l.t.Helper()
	own := func(f []byte) bool {
		c, ok := claimOf(f, node4.Addr())
		return ok && c.kind == "reply"
	}
	before := len(slices.DeleteFunc(l.seen(), func(f []byte) bool { return !own(f) }))
	l.send(l.question(node4.Addr(), l.nodeMAC()))
	l.wait("the node's own answer", func() bool {
		return len(slices.DeleteFunc(l.seen(), func(f []byte) bool { return !own(f) })) > before
	})
	time.Sleep(window)
}

// wait polls until something is so.
func (l *lan) wait(what string, so func() bool) {
	l.t.Helper()
	for end := time.Now().Add(10 * time.Second); !so(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			l.t.Fatalf("waited in vain for %s", what)
		}
	}
}

// claim is one frame that says which MAC has an address.
type claim struct {
	kind string // "reply", "request", "advertisement", "solicitation"
	mac  string // in the packet
	from string // source of the frame
}

func (c claim) String() string { return c.kind + " " + c.mac + " from " + c.from }

// claims are the frames seen whose sender says it is the address.
func (l *lan) claims(a netip.Addr) []claim {
	var list []claim
	for _, f := range l.seen() {
		if c, ok := claimOf(f, a); ok {
			list = append(list, c)
		}
	}
	return list
}

func claimOf(f []byte, a netip.Addr) (claim, bool) {
	if len(f) < 14 {
		return claim{}, false
	}
	from := net.HardwareAddr(f[6:12]).String()
	switch p := f[14:]; binary.BigEndian.Uint16(f[12:]) {
	case unix.ETH_P_ARP:
		if len(p) < 28 || !bytes.Equal(p[14:18], a.AsSlice()) {
			return claim{}, false
		}
		kind := map[byte]string{1: "request", 2: "reply"}[p[7]]
		return claim{kind, net.HardwareAddr(p[8:14]).String(), from}, true
	case unix.ETH_P_IPV6:
		if len(p) < 64 || p[6] != unix.IPPROTO_ICMPV6 {
			return claim{}, false
		}
		icmp := p[40:]
		option := from // the answer to a unicast solicitation may leave it out, RFC 4861 §4.4
		if len(icmp) >= 32 {
			option = net.HardwareAddr(icmp[26:32]).String()
		}
		switch {
		case icmp[0] == 136 && bytes.Equal(icmp[8:24], a.AsSlice()):
			return claim{"advertisement", option, from}, true
		case icmp[0] == 135 && bytes.Equal(p[8:24], a.AsSlice()):
			return claim{"solicitation", option, from}, true
		}
	}
	return claim{}, false
}

// who asks for an address, by broadcast and then by a frame to each MAC in
// direct, and returns the MACs that answered, without repeats.
func (l *lan) who(a netip.Addr, direct ...net.HardwareAddr) []string {
	l.t.Helper()
	l.clear()
	l.send(l.question(a, nil))
	for _, mac := range direct {
		l.send(l.question(a, mac))
	}
	l.settle()
	var macs []string
	known := map[string]bool{}
	for _, c := range l.claims(a) {
		if c.kind != "reply" && c.kind != "advertisement" {
			continue
		}
		if c.mac != c.from {
			l.t.Errorf("%s: answer says %s but came from %s", a, c.mac, c.from)
		}
		if !known[c.mac] {
			known[c.mac] = true
			macs = append(macs, c.mac)
		}
	}
	return macs
}

// question is an ARP request or a neighbour solicitation from the client.
func (l *lan) question(a netip.Addr, to net.HardwareAddr) []byte {
	if a.Is4() {
		if to == nil {
			to = net.HardwareAddr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
		}
		f := ethernet(to, l.clMAC, unix.ETH_P_ARP)
		f = append(f, 0, 1, 8, 0, 6, 4, 0, 1)
		f = append(f, l.clMAC...)
		f = append(f, client4.Addr().AsSlice()...)
		f = append(f, make([]byte, 6)...)
		return append(f, a.AsSlice()...)
	}
	ip := a.As16()
	dst := netip.AddrFrom16([16]byte{0xff, 2, 11: 1, 12: 0xff, 13: ip[13], 14: ip[14], 15: ip[15]})
	if to == nil {
		to = net.HardwareAddr{0x33, 0x33, 0xff, ip[13], ip[14], ip[15]}
	} else {
		dst = a
	}
	src := client6.Addr()
	if a.IsLinkLocalUnicast() {
		src = clientL.Addr()
	}
	icmp := append([]byte{135, 0, 0, 0, 0, 0, 0, 0}, a.AsSlice()...)
	icmp = append(icmp, 1, 1)
	icmp = append(icmp, l.clMAC...)
	f := ethernet(to, l.clMAC, unix.ETH_P_IPV6)
	return append(f, ipv6(src, dst, unix.IPPROTO_ICMPV6, icmp, 2)...)
}

func ethernet(dst, src net.HardwareAddr, typ uint16) []byte {
	f := append(bytes.Clone(dst), src...)
	return binary.BigEndian.AppendUint16(f, typ)
}

// ipv6 is a packet with hop limit 255 whose checksum is at the offset sum.
func ipv6(src, dst netip.Addr, proto byte, payload []byte, sum int) []byte {
	p := []byte{0x60, 0, 0, 0}
	p = binary.BigEndian.AppendUint16(p, uint16(len(payload)))
	p = append(p, proto, 255)
	p = append(p, src.AsSlice()...)
	p = append(p, dst.AsSlice()...)
	pseudo := append(bytes.Clone(p[8:40]), 0, 0, 0, byte(len(payload)), 0, 0, 0, proto)
	binary.BigEndian.PutUint16(payload[sum:], checksum(append(pseudo, payload...)))
	return append(p, payload...)
}

func checksum(b []byte) uint16 {
	var s uint32
	for i := 0; i+1 < len(b); i += 2 {
		s += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	if len(b)%2 == 1 {
		s += uint32(b[len(b)-1]) << 8
	}
	for s > 0xffff {
		s = s&0xffff + s>>16
	}
	return ^uint16(s)
}

// serves says whether a ping from the client, sent to the MAC as if the client
// knew it already, is answered from the address.
func (l *lan) serves(a netip.Addr, mac net.HardwareAddr) bool {
	l.t.Helper()
	l.clear()
	l.send(l.ping(a, mac))
	l.settle()
	return slices.ContainsFunc(l.seen(), func(f []byte) bool { return pong(f, a) })
}

// ping is an ICMP echo request from the client.
func (l *lan) ping(a netip.Addr, mac net.HardwareAddr) []byte {
	body := []byte("\x00\x07\x00\x01holdfast")
	if a.Is6() {
		src := client6.Addr()
		if a.IsLinkLocalUnicast() {
			src = clientL.Addr()
		}
		icmp := append([]byte{128, 0, 0, 0}, body...)
		return append(ethernet(mac, l.clMAC, unix.ETH_P_IPV6), ipv6(src, a, unix.IPPROTO_ICMPV6, icmp, 2)...)
	}
	icmp := append([]byte{8, 0, 0, 0}, body...)
	binary.BigEndian.PutUint16(icmp[2:], checksum(icmp))
	return append(ethernet(mac, l.clMAC, unix.ETH_P_IP), ipv4(client4.Addr(), a, unix.IPPROTO_ICMP, 64, icmp)...)
}

// pong says whether a frame is an ICMP echo reply from the address.
func pong(f []byte, a netip.Addr) bool {
	if len(f) < 14+20+8 {
		return false
	}
	p := f[14:]
	switch binary.BigEndian.Uint16(f[12:]) {
	case unix.ETH_P_IP:
		return p[9] == unix.IPPROTO_ICMP && bytes.Equal(p[12:16], a.AsSlice()) && p[20] == 0
	case unix.ETH_P_IPV6:
		return len(p) > 40 && p[6] == unix.IPPROTO_ICMPV6 && bytes.Equal(p[8:24], a.AsSlice()) && p[40] == 129
	}
	return false
}

func ipv4(src, dst netip.Addr, proto, ttl byte, payload []byte) []byte {
	p := []byte{0x45, 0, 0, 0, 0, 1, 0, 0, ttl, proto, 0, 0}
	binary.BigEndian.PutUint16(p[2:], uint16(20+len(payload)))
	p = append(p, src.AsSlice()...)
	p = append(p, dst.AsSlice()...)
	binary.BigEndian.PutUint16(p[10:], checksum(p))
	return append(p, payload...)
}
