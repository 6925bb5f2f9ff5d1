package address

import (
	"encoding/binary"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/linux/rtnl"
)

// Mark is the IFA_PROTO of the addresses that holdfast added. The kernel uses
// 1 to 3 for its own; 112 is the IP protocol number of VRRP.
const Mark = 112

// StepMark is that of addresses which a group's steps added (config.Step). They
// are no group's VIPs: nothing keeps them, and nothing sweeps them but the step.
const StepMark = 113

// ifaProto is IFA_PROTO of linux/if_addr.h.
const ifaProto = 11

// Route says whether the address brings the route to its subnet.
type Route uint8

const (
	WithRoute    Route = iota // the kernel adds the route of the subnet
	WithoutRoute              // another address has that route already
)

// Add is the request that puts an address on an interface, answering at once.
//
// IPv6 addresses skip duplicate address detection: the election has decided
// who holds the address, and a second of silence is what it must not cost
// (RFC 9568 §6.4.1 wants the neighbour advertisement at once). They are
// deprecated (preferred lifetime zero), so that the node never picks the
// address for connections of its own; answering is not affected. IPv4 needs
// no such thing: the address that was first on the interface is picked.
func Add(index int, p netip.Prefix, route Route) rtnl.Request {
	return add(index, p, route, Mark)
}

// AddStep is the request that puts a step's address on an interface, as Add does.
func AddStep(index int, p netip.Prefix) rtnl.Request {
	return add(index, p, WithRoute, StepMark)
}

func add(index int, p netip.Prefix, route Route, mark byte) rtnl.Request {
	var flags uint32
	if route == WithoutRoute {
		flags |= unix.IFA_F_NOPREFIXROUTE
	}
	if p.Addr().Is6() {
		flags |= unix.IFA_F_NODAD
	}
	b := header(index, p)
	b = rtnl.AppendUint32(b, unix.IFA_FLAGS, flags)
	b = rtnl.AppendAttr(b, ifaProto, []byte{mark})
	if p.Addr().Is6() {
		const forever = 0xffffffff
		life := make([]byte, 16) // struct ifa_cacheinfo: preferred, valid, two times
		binary.NativeEndian.PutUint32(life[4:], forever)
		b = rtnl.AppendAttr(b, unix.IFA_CACHEINFO, life)
	}
	return rtnl.Request{Type: unix.RTM_NEWADDR, Flags: unix.NLM_F_CREATE | unix.NLM_F_EXCL, Body: b}
}

// Renew is the request that lets an address of ours live for a time, rounded up
// to whole seconds, and no longer.
func Renew(e Entry, left time.Duration) rtnl.Request {
	valid := uint32((left + time.Second - 1) / time.Second)
	life := make([]byte, 16) // struct ifa_cacheinfo
	if e.Prefix.Addr().Is4() {
		binary.NativeEndian.PutUint32(life, valid)
	}
	binary.NativeEndian.PutUint32(life[4:], valid)
	b := header(e.Index, e.Prefix)
	b = rtnl.AppendUint32(b, unix.IFA_FLAGS, e.Flags&(unix.IFA_F_NOPREFIXROUTE|unix.IFA_F_NODAD))
	b = rtnl.AppendAttr(b, ifaProto, []byte{Mark})
	b = rtnl.AppendAttr(b, unix.IFA_CACHEINFO, life)
	return rtnl.Request{Type: unix.RTM_NEWADDR, Flags: unix.NLM_F_REPLACE, Body: b}
}

// Remove is the request that takes an address off an interface.
func Remove(index int, p netip.Prefix) rtnl.Request {
	return rtnl.Request{Type: unix.RTM_DELADDR, Body: header(index, p)}
}

// header is struct ifaddrmsg and the address itself.
func header(index int, p netip.Prefix) []byte {
	b := make([]byte, 0, 80)
	b = append(b, family(p.Addr()), byte(p.Bits()), 0, unix.RT_SCOPE_UNIVERSE)
	b = binary.NativeEndian.AppendUint32(b, uint32(index))
	ip := p.Addr().AsSlice()
	b = rtnl.AppendAttr(b, unix.IFA_LOCAL, ip)
	return rtnl.AppendAttr(b, unix.IFA_ADDRESS, ip)
}

func family(a netip.Addr) byte {
	if a.Is4() {
		return unix.AF_INET
	}
	return unix.AF_INET6
}
