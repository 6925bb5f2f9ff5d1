package watch

import (
	"bytes"
	"encoding/binary"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/internal/linux/address"
	"github.com/holdfast-net/holdfast/internal/linux/macvlan"
	"github.com/holdfast-net/holdfast/internal/linux/rtnl"
)

// message updates the table with one event.
func (t *table) message(m *syscall.NetlinkMessage) []engine.Change {
	return t.parse(m.Header.Type, m.Data)
}

// parse updates the table with the body of one message. What it does not
// understand it leaves alone.
func (t *table) parse(kind uint16, body []byte) []engine.Change {
	switch kind {
	case unix.RTM_NEWLINK:
		if l, ok := parseLink(body); ok {
			return t.setLink(l)
		}
	case unix.RTM_DELLINK:
		if l, ok := parseLink(body); ok {
			return t.dropLink(l.index)
		}
	case unix.RTM_NEWADDR:
		if index, a, ok := parseAddr(body); ok {
			return t.setAddr(index, a)
		}
	case unix.RTM_DELADDR:
		if index, a, ok := parseAddr(body); ok {
			return t.dropAddr(index, a)
		}
	}
	return nil
}

// ifaProto is IFA_PROTO of linux/if_addr.h, which x/sys/unix does not name.
const ifaProto = 11

// parseLink reads a link message (rtnetlink(7), struct ifinfomsg). It is false
// for messages that are about something else than the whole link: a bridge
// reports its ports, and a radio its events, with the same type.
func parseLink(b []byte) (link, bool) {
	if len(b) < unix.SizeofIfInfomsg || b[0] != unix.AF_UNSPEC {
		return link{}, false
	}
	l := link{
		index: int(int32(binary.NativeEndian.Uint32(b[4:]))),
		flags: binary.NativeEndian.Uint32(b[8:]),
	}
	whole, elsewhere := true, false
	rtnl.Attrs(b[unix.SizeofIfInfomsg:], func(typ uint16, v []byte) {
		switch {
		case typ == unix.IFLA_IFNAME:
			l.name = text(v)
		case typ == unix.IFLA_ADDRESS && len(v) == len(l.mac):
			copy(l.mac[:], v)
		case typ == unix.IFLA_MTU && len(v) == 4:
			l.mtu = int(binary.NativeEndian.Uint32(v))
		case typ == unix.IFLA_OPERSTATE && len(v) == 1:
			l.oper = v[0]
		case typ == unix.IFLA_LINK && len(v) == 4:
			l.parent = int(int32(binary.NativeEndian.Uint32(v)))
		case typ == unix.IFLA_LINK_NETNSID:
			elsewhere = true // the parent is in another namespace
		case typ == unix.IFLA_LINKINFO:
			rtnl.Attrs(v, func(typ uint16, v []byte) {
				l.macvlan = l.macvlan || typ == unix.IFLA_INFO_KIND && text(v) == "macvlan"
			})
		case typ == unix.IFLA_WIRELESS:
			whole = false
		}
	})
	if elsewhere {
		l.parent = 0
	}
	_, _, ours := macvlan.ParseName(l.name)
	l.ours = l.macvlan && ours
	return l, whole && l.index > 0 && l.name != ""
}

// parseAddr reads an address message.
func parseAddr(b []byte) (int, addr, bool) {
	e, ok := address.Parse(b)
	return e.Index, addr{prefix: e.Prefix, flags: e.Flags, ours: e.Ours()}, ok && e.Index > 0
}

func text(v []byte) string { return string(bytes.TrimRight(v, "\x00")) }
