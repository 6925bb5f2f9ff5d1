package sysctl

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/linux/rtnl"
)

// Key is one IPv4 setting of an interface, numbered as in linux/ip.h
// (IPV4_DEVCONF_...).
type Key uint16

const (
	Forwarding         Key = 1
	RPFilter           Key = 8
	ARPFilter          Key = 13
	ARPAnnounce        Key = 18
	ARPIgnore          Key = 19
	PromoteSecondaries Key = 20
)

// String is the name of the setting below net.ipv4.conf.IFACE.
func (k Key) String() string {
	switch k {
	case Forwarding:
		return "forwarding"
	case RPFilter:
		return "rp_filter"
	case ARPFilter:
		return "arp_filter"
	case ARPAnnounce:
		return "arp_announce"
	case ARPIgnore:
		return "arp_ignore"
	case PromoteSecondaries:
		return "promote_secondaries"
	}
	return fmt.Sprintf("setting %d", uint16(k))
}

// Values are settings of one interface.
type Values map[Key]uint32

// Attributes of linux/if_link.h and the family they nest in.
const (
	iflaAFSpec   = unix.IFLA_AF_SPEC
	iflaInetConf = 1
)

// Get reads the IPv4 settings of an interface.
func Get(c *rtnl.Conn, index int) (Values, error) {
	reqs := []rtnl.Request{{Type: unix.RTM_GETLINK, Body: linkHeader(index)}}
	err := c.Do(reqs)
	if err == nil {
		err = reqs[0].Err
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the IPv4 settings of interface %d: %w", index, err)
	}
	v := Values{}
	if len(reqs[0].Reply) < unix.SizeofIfInfomsg {
		return v, nil
	}
	inside(reqs[0].Reply[unix.SizeofIfInfomsg:], []uint16{iflaAFSpec, unix.AF_INET, iflaInetConf}, func(conf []byte) {
		for i := 0; i+4 <= len(conf); i += 4 {
			v[Key(i/4+1)] = binary.NativeEndian.Uint32(conf[i:])
		}
	})
	return v, nil
}

// inside calls fn with the value found by following the types down.
func inside(b []byte, types []uint16, fn func([]byte)) {
	if len(types) == 0 {
		fn(b)
		return
	}
	rtnl.Attrs(b, func(typ uint16, value []byte) {
		if typ == types[0] {
			inside(value, types[1:], fn)
		}
	})
}

// Set is the request that writes IPv4 settings of an interface.
func Set(index int, values Values) rtnl.Request {
	var conf []byte
	for k, v := range values {
		conf = rtnl.AppendUint32(conf, uint16(k), v)
	}
	body := append(linkHeader(index),
		rtnl.Nest(iflaAFSpec, rtnl.Nest(unix.AF_INET, rtnl.Nest(iflaInetConf, conf)))...)
	return rtnl.Request{Type: unix.RTM_SETLINK, Body: body}
}

// linkHeader is struct ifinfomsg.
func linkHeader(index int) []byte {
	b := make([]byte, unix.SizeofIfInfomsg)
	binary.NativeEndian.PutUint32(b[4:], uint32(index))
	return b
}
