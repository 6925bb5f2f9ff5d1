package proxy

import (
	"encoding/binary"
	"net/netip"
	"strconv"
)

// signatureV2 begins every header of version 2 (proxy-protocol.txt §2.2).
const signatureV2 = "\r\n\r\n\x00\r\nQUIT\n"

// appendHeaderV1 appends the line of version 1 (proxy-protocol.txt §2.1).
func appendHeaderV1(b []byte, from, to netip.AddrPort) []byte {
	if from.Addr().Is4() {
		b = append(b, "PROXY TCP4 "...)
	} else {
		b = append(b, "PROXY TCP6 "...)
	}
	b = from.Addr().AppendTo(b)
	b = append(b, ' ')
	b = to.Addr().AppendTo(b)
	b = append(b, ' ')
	b = strconv.AppendUint(b, uint64(from.Port()), 10)
	b = append(b, ' ')
	b = strconv.AppendUint(b, uint64(to.Port()), 10)
	return append(b, "\r\n"...)
}

// appendHeaderV2 appends the binary header of version 2 (proxy-protocol.txt
// §2.2): signature, version 2 and command PROXY, family and STREAM, the length
// of the rest, addresses, ports.
func appendHeaderV2(b []byte, from, to netip.AddrPort) []byte {
	b = append(b, signatureV2...)
	if from.Addr().Is4() {
		b = append(b, 0x21, 0x11, 0, 12)
		f, t := from.Addr().As4(), to.Addr().As4()
		b = append(append(b, f[:]...), t[:]...)
	} else {
		b = append(b, 0x21, 0x21, 0, 36)
		f, t := from.Addr().As16(), to.Addr().As16()
		b = append(append(b, f[:]...), t[:]...)
	}
	b = binary.BigEndian.AppendUint16(b, from.Port())
	return binary.BigEndian.AppendUint16(b, to.Port())
}
