package vrrp

import (
	"encoding/binary"
	"net/netip"
	"time"
)

const (
	typeAdvertisement = 1 // RFC 9568 §5.2.2, the only type there is
	headerLen         = 8
	authDataLen       = 8 // version 2: authentication data, always there
	checksumAt        = 6
)

// Advert is one VRRP advertisement, version 2 (RFC 3768 §5.1) or 3
// (RFC 9568 §5.1).
type Advert struct {
	Version   uint8
	VRID      uint8
	Priority  uint8 // 0: the Active is leaving
	Interval  time.Duration
	Addresses []netip.Addr
	AuthType  uint8             // version 2: 0 none, 1 PASS
	AuthData  [authDataLen]byte // version 2
	Checksum  uint16            // as received; Append computes its own
}

// Decode reads the advert at the start of b into a, reusing the memory of
// a.Addresses, and returns the length of the message; what follows it in b is
// padding or an authentication trailer. It checks what it needs in order to
// read: version, type and length. It does not check the checksum.
func (a *Advert) Decode(b []byte, f Family) (int, Drop) {
	var m message
	if len(b) > 0 && !(b[0]>>4 == 3 || b[0]>>4 == 2 && f == IPv4) {
		return 0, DropVersion
	}
	if d := m.parse(b, f); d != DropNone {
		return 0, d
	}
	a.Version, a.VRID, a.Priority, a.Interval = m.version, m.vrid, m.priority, m.interval
	a.AuthType, a.Checksum = m.authType, m.checksum
	a.AuthData = [authDataLen]byte{}
	copy(a.AuthData[:], m.auth)
	a.Addresses = a.Addresses[:0]
	for l := m.list; len(l) > 0; l = l[f.addrLen():] {
		if f == IPv6 {
			a.Addresses = append(a.Addresses, netip.AddrFrom16([16]byte(l)))
		} else {
			a.Addresses = append(a.Addresses, netip.AddrFrom4([4]byte(l)))
		}
	}
	return len(m.whole), DropNone
}

// Append appends the message to b, with the checksum for a packet from src to
// dst. The mode matters for version 3 over IPv4 only; ChecksumAuto is taken as
// ChecksumRFC5798. The first 255 addresses are sent.
func (a *Advert) Append(b []byte, src, dst netip.Addr, mode ChecksumMode) []byte {
	start := len(b)
	list := a.Addresses[:min(len(a.Addresses), 255)]
	b = appendHeader(b, a.Version, a.VRID, a.Priority, uint8(len(list)), a.AuthType, a.Interval)
	b = appendList(b, list)
	if a.Version == 2 {
		b = append(b, a.AuthData[:]...)
	}
	f := formRFC5798
	if a.Version == 2 || src.Is4() && mode == ChecksumRFC9568 {
		f = formRFC9568
	}
	putChecksum(b[start:], f.sum(src, dst, b[start:]))
	return b
}

// appendHeader appends the eight fixed bytes, with a checksum of zero.
func appendHeader(b []byte, version, vrid, priority, count, authType uint8, interval time.Duration) []byte {
	b = append(b, version<<4|typeAdvertisement, vrid, priority, count)
	if version == 2 {
		return append(b, authType, uint8(interval/time.Second), 0, 0)
	}
	cs := uint16(interval/(10*time.Millisecond)) & 0x0fff
	return append(b, uint8(cs>>8), uint8(cs), 0, 0)
}

func appendList(b []byte, addrs []netip.Addr) []byte {
	for _, a := range addrs {
		if a.Is4() {
			x := a.As4()
			b = append(b, x[:]...)
		} else {
			x := a.As16()
			b = append(b, x[:]...)
		}
	}
	return b
}

func putChecksum(msg []byte, sum uint16) { binary.BigEndian.PutUint16(msg[checksumAt:], sum) }

// message is an advert as it lies in the payload, without copies.
type message struct {
	version  uint8
	vrid     uint8
	priority uint8
	count    uint8
	authType uint8
	checksum uint16
	interval time.Duration
	form     form
	whole    []byte // the message itself
	list     []byte // its addresses
	auth     []byte // version 2: its authentication data
	rest     []byte // what follows the message: padding or a trailer
}

// parse reads a message of version 2 or 3; the caller has looked at the
// version.
func (m *message) parse(b []byte, f Family) Drop {
	if len(b) == 0 {
		return DropTruncated
	}
	if b[0]&0x0f != typeAdvertisement {
		return DropType
	}
	if len(b) < headerLen {
		return DropTruncated
	}
	*m = message{
		version: b[0] >> 4, vrid: b[1], priority: b[2], count: b[3],
		checksum: binary.BigEndian.Uint16(b[checksumAt:]),
	}
	end := headerLen + int(m.count)*f.addrLen()
	size := end
	if m.version == 2 {
		size += authDataLen
		m.authType = b[4]
		m.interval = time.Duration(b[5]) * time.Second
	} else {
		// RFC 9568 §5.2.6: the four bits before the interval are ignored.
		m.interval = time.Duration(binary.BigEndian.Uint16(b[4:])&0x0fff) * 10 * time.Millisecond
	}
	if len(b) < size {
		return DropTruncated
	}
	m.whole, m.list, m.auth, m.rest = b[:size], b[headerLen:end], b[end:size], b[size:]
	return DropNone
}
