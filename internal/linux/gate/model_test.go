package gate

import (
	"encoding/binary"
	"net/netip"
	"slices"

	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/vrrp"
)

// model is the table of doc.go as a Go function: bpf/gate.c must say the same about
// any frame.
type model struct {
	index     int
	addresses map[netip.Addr]engine.Slot
	macs      map[mac]engine.Slot // guarded
	own       []mac               // not foreign
	routers   map[routerKey]engine.Slot
	open      map[engine.Slot]engine.Hold // an instant that is not zero is in the future
}

type routerKey struct {
	family vrrp.Family
	vrid   uint8
}

// opinion is what somebody thinks about a frame.
type opinion struct {
	Drop   bool
	Slot   engine.Slot // whose hold is over
	Reason string
	Seen   []glimpse
}

type glimpse struct {
	Kind SightingKind
	Addr netip.Addr
	MAC  mac
}

var pass = opinion{}

func (m *model) door(slot engine.Slot, open engine.Instant, reason string) opinion {
	if open != 0 {
		return pass
	}
	return opinion{Drop: true, Slot: slot, Reason: reason}
}

func (m *model) announced(s engine.Slot, reason string) opinion {
	return m.door(s, m.open[s].Announced, reason)
}

func (m *model) served(s engine.Slot, reason string) opinion {
	return m.door(s, m.open[s].Served, reason)
}

func (m *model) foreign(a mac) bool {
	_, guarded := m.macs[a]
	return !guarded && !slices.Contains(m.own, a)
}

// judge looks at a whole Ethernet frame.
func (m *model) judge(d direction, f []byte) opinion {
	dst, src := mac(f[0:6]), mac(f[6:12])
	proto, payload := int(binary.BigEndian.Uint16(f[12:])), f[14:]
	for tags := 0; proto == 0x8100 || proto == 0x88a8; tags++ {
		if tags == 2 || len(payload) < 4 || binary.BigEndian.Uint16(payload)&0xfff != 0 {
			return pass // of a VLAN
		}
		proto, payload = int(binary.BigEndian.Uint16(payload[2:])), payload[4:]
	}
	var o opinion
	decided := false
	switch {
	case proto == 0:
		return pass
	case proto == 0x0806 && len(payload) >= 28 && string(payload[2:6]) == "\x08\x00\x06\x04":
		o, decided = m.judgeARP(d, payload)
	case proto == 0x0800 && len(payload) >= 20:
		o, decided = m.judgeIP4(d, payload)
	case proto == 0x86dd && len(payload) >= 40:
		o, decided = m.judgeIP6(d, payload, src)
	}
	if decided {
		return o
	}
	which, reason := dst, "PacketIn"
	if d == out {
		which, reason = src, "PacketOut"
	}
	if s, guarded := m.macs[which]; guarded {
		verdict := m.served(s, reason)
		verdict.Seen = o.Seen
		return verdict
	}
	return o
}

func (m *model) judgeARP(d direction, p []byte) (o opinion, decided bool) {
	sha, spa, tpa := mac(p[8:14]), netip.AddrFrom4([4]byte(p[14:18])), netip.AddrFrom4([4]byte(p[24:28]))
	sender, ofSender := m.addresses[spa]
	target, ofTarget := m.addresses[tpa]
	if d == out {
		if ofSender {
			return m.announced(sender, "ARPOut"), true
		}
		return pass, false
	}
	var seen []glimpse
	request := binary.BigEndian.Uint16(p[6:]) == 1 && ofTarget && spa != tpa
	switch {
	case ofSender && m.foreign(sha):
		seen = append(seen, glimpse{ARPClaim, spa, sha})
	case request && spa == netip.IPv4Unspecified() && m.foreign(sha):
		seen = append(seen, glimpse{ARPProbe, tpa, sha})
	}
	if request {
		o = m.announced(target, "ARPIn")
	}
	o.Seen = seen
	return o, request
}

func (m *model) judgeIP4(d direction, p []byte) (o opinion, decided bool) {
	src, dst := netip.AddrFrom4([4]byte(p[12:16])), netip.AddrFrom4([4]byte(p[16:20]))
	if d == out {
		if l4 := int(p[0]&15) * 4; p[9] == 112 && binary.BigEndian.Uint16(p[6:])&0x1fff == 0 && len(p) >= l4 {
			if o, ours := m.judgeAdvert(vrrp.IPv4, p[l4:]); ours {
				return o, true
			}
		}
		return m.judgePacket(src, "PacketOut")
	}
	return m.judgePacket(dst, "PacketIn")
}

// judgePacket: what may pass by its address is still to be judged by its MAC.
func (m *model) judgePacket(a netip.Addr, reason string) (o opinion, decided bool) {
	if s, guarded := m.addresses[a]; guarded {
		o = m.served(s, reason)
	}
	return o, o.Drop
}

func (m *model) judgeAdvert(f vrrp.Family, p []byte) (o opinion, ours bool) {
	if len(p) < 4 {
		return pass, false
	}
	s, ours := m.routers[routerKey{f, p[1]}]
	switch {
	case !ours:
		return pass, false
	case p[2] == 0, m.open[s].Announced != 0, m.open[s].Advertised != 0:
		return pass, true
	}
	return opinion{Drop: true, Slot: s, Reason: "AdvertOut"}, true
}

func (m *model) judgeIP6(d direction, p []byte, from mac) (o opinion, decided bool) {
	src, dst := netip.AddrFrom16([16]byte(p[8:24])), netip.AddrFrom16([16]byte(p[24:40]))
	next, l4 := innermost(p)
	var seen []glimpse
	if next == 58 && len(l4) >= 24 && (l4[0] == 135 || l4[0] == 136) {
		target := netip.AddrFrom16([16]byte(l4[8:24]))
		o, seen, decided = m.judgeND(d, l4[0] == 135, src, target, p[7] == 255, from)
	}
	if next == 112 && d == out {
		o, decided = m.judgeAdvert(vrrp.IPv6, l4)
	}
	if !decided {
		if d == out {
			o, decided = m.judgePacket(src, "PacketOut")
		} else {
			o, decided = m.judgePacket(dst, "PacketIn")
		}
	}
	o.Seen = seen
	return o, decided
}

func (m *model) judgeND(d direction, solicitation bool, src, target netip.Addr, fromLink bool, from mac) (o opinion, seen []glimpse, decided bool) {
	slot, ofTarget := m.addresses[target]
	sender, ofSource := m.addresses[src]
	see := func(kind SightingKind, a netip.Addr) {
		if fromLink && m.foreign(from) {
			seen = append(seen, glimpse{kind, a, from})
		}
	}
	switch {
	case d == out && !solicitation && ofTarget:
		return m.announced(slot, "NDOut"), nil, true
	case d == out && solicitation && ofSource:
		return m.announced(sender, "NDOut"), nil, true
	case d == out:
		return pass, nil, false
	case !solicitation:
		if ofTarget {
			see(NDClaim, target)
		}
		return pass, seen, false
	}
	if ofSource {
		see(NDSource, src)
	}
	if !ofTarget {
		return pass, seen, false
	}
	if src == netip.IPv6Unspecified() {
		see(NDProbe, target)
	}
	return m.announced(slot, "NDIn"), seen, true
}

// innermost skips at most five extension headers, as far as they are there.
func innermost(p []byte) (next int, l4 []byte) {
	next, l4 = int(p[6]), p[40:]
	for range 6 {
		n := 0
		switch next {
		case 0, 43, 60:
			if len(l4) >= 8 {
				n = (int(l4[1]) + 1) * 8
			}
		case 44:
			if len(l4) >= 8 && binary.BigEndian.Uint16(l4[2:])&0xfff8 == 0 {
				n = 8
			}
		case 51:
			if len(l4) >= 8 {
				n = (int(l4[1]) + 2) * 4
			}
		default:
			return next, l4
		}
		if n == 0 {
			return 255, nil
		}
		next, l4 = int(l4[0]), l4[min(n, len(l4)):]
	}
	return 255, nil
}
