package address

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/linux/rtnl"
)

// Connected tells for each address whether the interface via reaches its
// subnet directly already, by the route of another address. An address that
// comes to such a subnet must not bring the route a second time: the two
// would compete, and for a macvlan all traffic of the node to the subnet
// could move to the virtual MAC.
//
// The answer comes from a route lookup, which takes the same time however
// many addresses and routes there are.
func Connected(c *rtnl.Conn, via int, addrs []netip.Addr) ([]bool, error) {
	keys := make([]Key, len(addrs))
	for i, a := range addrs {
		keys[i] = Key{Index: via, Addr: a}
	}
	return lookup(c, keys, func(route []byte) bool { return direct(route, via) })
}

// Live tells for each address whether the kernel takes packets for it. An
// IPv4 address is live when the kernel has acknowledged its request. IPv6 is
// not: joining the group in which it is asked for, and the route that makes it
// local, are left to a kernel thread, and until that ran nothing answers.
func Live(c *rtnl.Conn, keys []Key) ([]bool, error) {
	return lookup(c, keys, func(route []byte) bool {
		return len(route) >= unix.SizeofRtMsg && route[7] == unix.RTN_LOCAL // rtm_type
	})
}

// lookup asks for the route to each address and what is makes of it.
func lookup(c *rtnl.Conn, keys []Key, is func(route []byte) bool) ([]bool, error) {
	reqs := make([]rtnl.Request, len(keys))
	for i, k := range keys {
		b := make([]byte, unix.SizeofRtMsg, 40)
		b[0], b[1] = family(k.Addr), byte(k.Addr.BitLen())
		b = rtnl.AppendAttr(b, unix.RTA_DST, k.Addr.AsSlice())
		if k.Addr.Is6() && k.Addr.IsLinkLocalUnicast() {
			b = rtnl.AppendUint32(b, unix.RTA_OIF, uint32(k.Index))
		}
		reqs[i] = rtnl.Request{Type: unix.RTM_GETROUTE, Body: b}
	}
	if err := c.Do(reqs); err != nil {
		return nil, fmt.Errorf("cannot look up routes: %w", err)
	}
	out := make([]bool, len(keys))
	for i := range reqs {
		out[i] = reqs[i].Err == nil && is(reqs[i].Reply)
	}
	return out, nil
}

// direct says whether a route leaves through the interface without a gateway.
func direct(b []byte, via int) bool {
	if len(b) < unix.SizeofRtMsg || b[7] != unix.RTN_UNICAST { // rtm_type
		return false
	}
	oif, gateway := 0, false
	rtnl.Attrs(b[unix.SizeofRtMsg:], func(typ uint16, v []byte) {
		switch {
		case typ == unix.RTA_OIF && len(v) == 4:
			oif = int(binary.NativeEndian.Uint32(v))
		case typ == unix.RTA_GATEWAY || typ == unix.RTA_VIA:
			gateway = true
		}
	})
	return oif == via && !gateway
}

// LinkRoute is the request that adds the route of the link-local subnet to an
// interface whose link-local address does not bring it.
func LinkRoute(index int) rtnl.Request {
	b := make([]byte, unix.SizeofRtMsg, 64)
	subnet := netip.MustParsePrefix("fe80::/64")
	b[0], b[1] = unix.AF_INET6, byte(subnet.Bits())
	b[4], b[5], b[6], b[7] = unix.RT_TABLE_MAIN, unix.RTPROT_KERNEL, unix.RT_SCOPE_LINK, unix.RTN_UNICAST
	b = rtnl.AppendAttr(b, unix.RTA_DST, subnet.Addr().AsSlice())
	b = rtnl.AppendUint32(b, unix.RTA_OIF, uint32(index))
	return rtnl.Request{Type: unix.RTM_NEWROUTE, Flags: unix.NLM_F_CREATE | unix.NLM_F_EXCL, Body: b}
}
