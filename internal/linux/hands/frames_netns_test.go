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

// grace is how long the machine, which may be busy with other things, has
// to do what it will do.
const grace = 20 * time.Second

// asker is who asks: the client, under addresses that nobody used before, so
// that an answer tells which question it belongs to, however late it comes.
type asker struct{ four, six, local netip.Addr }

func (l *lan) newAsker() asker {
	l.askers++
	n := uint16(l.askers)
	low := func(a netip.Addr) netip.Addr {
		b := a.As16()
		b[13] = 1
		binary.BigEndian.PutUint16(b[14:], n)
		return netip.AddrFrom16(b)
	}
	return asker{
		four: netip.AddrFrom4([4]byte{192, 0, 2, 128 + byte(n%120)}),
		six:  low(client6.Addr()), local: low(clientL.Addr()),
	}
}

// addr is the asker's address of the same kind as a.
func (k asker) addr(a netip.Addr) netip.Addr {
	switch {
	case a.Is4():
		return k.four
	case a.IsLinkLocalUnicast():
		return k.local
	}
	return k.six
}

// settle returns when the node has dealt with all frames that were sent: it
// has answered for its own address, and a while has passed. It asks again and
// again: an interface that came up a moment ago may take up to a second until
// frames pass.
func (l *lan) settle() {
	l.t.Helper()
	k := l.newAsker()
	var asked time.Time
	l.wait("the node's own answer", func() bool {
		if time.Since(asked) > 100*time.Millisecond {
			asked = time.Now()
			l.send(l.question(k, node4.Addr(), l.nodeMAC()))
		}
		return len(l.answers(k, node4.Addr())) > 0
	})
	time.Sleep(window)
}

// wait polls until something is so.
func (l *lan) wait(what string, so func() bool) {
	l.t.Helper()
	for end := time.Now().Add(grace); !so(); time.Sleep(time.Millisecond) {
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
	to   netip.Addr
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
		to, _ := netip.AddrFromSlice(p[24:28])
		return claim{kind, net.HardwareAddr(p[8:14]).String(), from, to}, true
	case unix.ETH_P_IPV6:
		if len(p) < 64 || p[6] != unix.IPPROTO_ICMPV6 {
			return claim{}, false
		}
		icmp := p[40:]
		to, _ := netip.AddrFromSlice(p[24:40])
		option := from // the answer to a unicast solicitation may leave it out, RFC 4861 §4.4
		if len(icmp) >= 32 {
			option = net.HardwareAddr(icmp[26:32]).String()
		}
		switch {
		case icmp[0] == 136 && bytes.Equal(icmp[8:24], a.AsSlice()):
			return claim{"advertisement", option, from, to}, true
		case icmp[0] == 135 && bytes.Equal(p[8:24], a.AsSlice()):
			return claim{"solicitation", option, from, to}, true
		}
	}
	return claim{}, false
}

// answers are the MACs that told this asker that they have the address,
// without repeats.
func (l *lan) answers(k asker, a netip.Addr) []string {
	l.t.Helper()
	var macs []string
	for _, c := range l.claims(a) {
		if c.to != k.addr(a) || c.kind != "reply" && c.kind != "advertisement" {
			continue
		}
		if c.mac != c.from {
			l.t.Errorf("%s: answer says %s but came from %s", a, c.mac, c.from)
		}
		if !slices.Contains(macs, c.mac) {
			macs = append(macs, c.mac)
		}
	}
	return macs
}

// who asks for an address, by broadcast and then by a frame to each MAC in
// direct, and returns the MACs that answered, without repeats.
func (l *lan) who(a netip.Addr, direct ...net.HardwareAddr) []string {
	l.t.Helper()
	l.clear()
	k := l.newAsker()
	l.send(l.question(k, a, nil))
	for _, mac := range direct {
		l.send(l.question(k, a, mac))
	}
	l.settle()
	return l.answers(k, a)
}

// question is an ARP request or a neighbour solicitation.
func (l *lan) question(k asker, a netip.Addr, to net.HardwareAddr) []byte {
	if a.Is4() {
		if to == nil {
			to = net.HardwareAddr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
		}
		f := ethernet(to, l.clMAC, unix.ETH_P_ARP)
		f = append(f, 0, 1, 8, 0, 6, 4, 0, 1)
		f = append(f, l.clMAC...)
		f = append(f, k.four.AsSlice()...)
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
	icmp := append([]byte{135, 0, 0, 0, 0, 0, 0, 0}, a.AsSlice()...)
	icmp = append(icmp, 1, 1)
	icmp = append(icmp, l.clMAC...)
	f := ethernet(to, l.clMAC, unix.ETH_P_IPV6)
	return append(f, ipv6(k.addr(a), dst, unix.IPPROTO_ICMPV6, icmp, 2)...)
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
	l.pings++
	l.clear()
	l.send(l.ping(a, mac))
	l.settle()
	return slices.ContainsFunc(l.seen(), func(f []byte) bool { return l.pong(f, a) })
}

// wantServed wants pings to be answered, or not.
func (l *lan) wantServed(a netip.Addr, mac net.HardwareAddr, when string, want bool) {
	l.t.Helper()
	got := l.serves(a, mac)
	// An answer that must not come is wrong the first time. One that has to
	// come may be late: the node may have to find the client first.
	for end := time.Now().Add(grace); want && !got && time.Now().Before(end); {
		got = l.serves(a, mac)
	}
	if got != want {
		l.t.Errorf("%s: traffic to %s at %s served: %v, want %v", when, a, mac, got, want)
	}
}

// ping is an ICMP echo request from the client.
func (l *lan) ping(a netip.Addr, mac net.HardwareAddr) []byte {
	body := append(l.pingID(), "holdfast"...)
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

// pingID is identifier and sequence number of the latest ping.
func (l *lan) pingID() []byte { return binary.BigEndian.AppendUint32(nil, 7<<16|uint32(l.pings)) }

// pong says whether a frame is the echo reply from the address to the latest
// ping.
func (l *lan) pong(f []byte, a netip.Addr) bool {
	if len(f) < 14+20+8 {
		return false
	}
	p := f[14:]
	switch binary.BigEndian.Uint16(f[12:]) {
	case unix.ETH_P_IP:
		return p[9] == unix.IPPROTO_ICMP && bytes.Equal(p[12:16], a.AsSlice()) && p[20] == 0 && bytes.Equal(p[24:28], l.pingID())
	case unix.ETH_P_IPV6:
		return len(p) >= 48 && p[6] == unix.IPPROTO_ICMPV6 && bytes.Equal(p[8:24], a.AsSlice()) && p[40] == 129 && bytes.Equal(p[44:48], l.pingID())
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
