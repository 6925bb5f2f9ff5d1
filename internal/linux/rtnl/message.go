package rtnl

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"
)

// appendMessage appends one netlink message with its header.
func appendMessage(b []byte, typ, flags uint16, seq uint32, body []byte) []byte {
	b = binary.NativeEndian.AppendUint32(b, uint32(unix.NLMSG_HDRLEN+len(body)))
	b = binary.NativeEndian.AppendUint16(b, typ)
	b = binary.NativeEndian.AppendUint16(b, flags)
	b = binary.NativeEndian.AppendUint32(b, seq)
	b = binary.NativeEndian.AppendUint32(b, 0)
	b = append(b, body...)
	return pad(b, len(body))
}

// AppendAttr appends one attribute.
func AppendAttr(b []byte, typ uint16, value []byte) []byte {
	b = binary.NativeEndian.AppendUint16(b, uint16(unix.SizeofNlAttr+len(value)))
	b = binary.NativeEndian.AppendUint16(b, typ)
	b = append(b, value...)
	return pad(b, len(value))
}

// AppendUint32 appends one attribute that holds a number.
func AppendUint32(b []byte, typ uint16, value uint32) []byte {
	return AppendAttr(b, typ, binary.NativeEndian.AppendUint32(nil, value))
}

// Nest is an attribute of attributes.
func Nest(typ uint16, children ...[]byte) []byte {
	return AppendAttr(nil, typ|unix.NLA_F_NESTED, bytes.Join(children, nil))
}

// Attrs calls fn for each attribute in b, up to the first malformed one.
func Attrs(b []byte, fn func(typ uint16, value []byte)) {
	for len(b) >= unix.SizeofNlAttr {
		n := int(binary.NativeEndian.Uint16(b))
		if n < unix.SizeofNlAttr || n > len(b) {
			return
		}
		fn(binary.NativeEndian.Uint16(b[2:])&^(unix.NLA_F_NESTED|unix.NLA_F_NET_BYTEORDER), b[unix.SizeofNlAttr:n])
		b = b[min(align(n), len(b)):]
	}
}

// nlmsgerrAttrMsg is NLMSGERR_ATTR_MSG: why, in words.
const nlmsgerrAttrMsg = 1

// verdict reads an acknowledgement, or the end of a dump.
func verdict(h unix.NlMsghdr, body []byte) error {
	if len(body) < 4 {
		return nil
	}
	code := int32(binary.NativeEndian.Uint32(body))
	if code == 0 {
		return nil
	}
	errno := unix.Errno(-code)
	var text string
	// The header of the refused request stands between the code and the
	// attributes; NETLINK_CAP_ACK leaves its body out.
	if at := 4 + unix.NLMSG_HDRLEN; h.Flags&unix.NLM_F_ACK_TLVS != 0 && len(body) >= at {
		if h.Flags&unix.NLM_F_CAPPED == 0 {
			at = 4 + align(int(binary.NativeEndian.Uint32(body[4:])))
		}
		if at <= len(body) {
			Attrs(body[at:], func(typ uint16, value []byte) {
				if typ == nlmsgerrAttrMsg {
					text = string(bytes.TrimRight(value, "\x00"))
				}
			})
		}
	}
	if text == "" {
		return errno
	}
	return fmt.Errorf("%w (%s)", errno, text)
}

func align(n int) int { return (n + 3) &^ 3 }

func pad(b []byte, n int) []byte {
	for ; n%4 != 0; n++ {
		b = append(b, 0)
	}
	return b
}
