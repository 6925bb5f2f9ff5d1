package look

import (
	"encoding/binary"
	"errors"
	"fmt"
	"path"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/check"
	"github.com/holdfast-net/holdfast/internal/check/local"
	"github.com/holdfast-net/holdfast/internal/linux/rtnl"
)

// Links implements local.Kernel.
func (l *Look) Links(k check.Link) ([]local.Link, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	links, err := l.links(k)
	if err != nil {
		return nil, fmt.Errorf("cannot look at interface %s: %w", k.Name, err)
	}
	if k.Speed > 0 {
		for i := range links {
			links[i].Speed = l.speed(links[i].Name)
		}
	}
	return links, nil
}

func (l *Look) links(k check.Link) ([]local.Link, error) {
	if !k.Pattern() {
		reply, err := l.ask(unix.RTM_GETLINK, linkRequest(0, k.Name))
		if err != nil || reply == nil {
			return nil, err
		}
		link, ok := parseLink(reply)
		if !ok {
			return nil, errors.New("the kernel's answer is not about an interface")
		}
		return []local.Link{link}, nil
	}
	var links []local.Link
	err := l.conn.Dump(unix.RTM_GETLINK, linkRequest(0, ""), func(body []byte) {
		link, ok := parseLink(body)
		if fits, err := path.Match(k.Name, link.Name); ok && fits && err == nil {
			links = append(links, link)
		}
	})
	return links, err
}

// Attributes of linux/if_link.h for asking: no statistics.
const extFilterSkipStats = 1 << 3

// linkRequest asks for an interface by its number or its name; for neither:
// for all.
func linkRequest(index int, name string) []byte {
	b := make([]byte, unix.SizeofIfInfomsg, 64)
	binary.NativeEndian.PutUint32(b[4:], uint32(index))
	if name != "" {
		b = rtnl.AppendAttr(b, unix.IFLA_IFNAME, append([]byte(name), 0))
	}
	return rtnl.AppendUint32(b, unix.IFLA_EXT_MASK, extFilterSkipStats)
}

// Operational states of linux/if.h, RFC 2863 §3.1.14, that explain something.
const (
	operLowerLayerDown = 3
	operTesting        = 4
	operDormant        = 5
)

// parseLink reads a link message (rtnetlink(7), struct ifinfomsg).
func parseLink(b []byte) (local.Link, bool) {
	if len(b) < unix.SizeofIfInfomsg || b[0] != unix.AF_UNSPEC {
		return local.Link{}, false
	}
	flags := binary.NativeEndian.Uint32(b[8:])
	link := local.Link{Up: flags&unix.IFF_UP != 0, Carrier: flags&unix.IFF_LOWER_UP != 0 && flags&unix.IFF_RUNNING != 0}
	oper := byte(0)
	rtnl.Attrs(b[unix.SizeofIfInfomsg:], func(typ uint16, v []byte) {
		switch {
		case typ == unix.IFLA_IFNAME:
			link.Name = text(v)
		case typ == unix.IFLA_MTU && len(v) == 4:
			link.MTU = number(v)
		case typ == unix.IFLA_OPERSTATE && len(v) == 1:
			oper = v[0]
		}
	})
	if !link.Carrier {
		switch oper {
		case operLowerLayerDown:
			link.Why = "the interface below it is down"
		case operTesting:
			link.Why = "it is being tested"
		case operDormant:
			link.Why = "it is dormant, waiting for instance for 802.1X"
		default:
			link.Why = "no carrier"
		}
	}
	return link, link.Name != ""
}

// ethtoolCmd is struct ethtool_cmd of linux/ethtool.h.
type ethtoolCmd struct {
	cmd, supported, advertising                   uint32
	speed                                         uint16
	duplex, port, phy, transceiver, autoneg, mdio uint8
	maxTx, maxRx                                  uint32
	speedHigh                                     uint16
	mdix, mdixCtrl                                uint8
	partner                                       uint32
	reserved                                      [2]uint32
}

const ethtoolGetSettings = 1 // ETHTOOL_GSET

// speed asks the driver for the speed in Mbit/s; 0 where it does not tell.
func (l *Look) speed(name string) int {
	cmd := &ethtoolCmd{cmd: ethtoolGetSettings}
	var req struct {
		name [unix.IFNAMSIZ]byte
		data unsafe.Pointer
		_    [16]byte
	}
	copy(req.name[:unix.IFNAMSIZ-1], name)
	req.data = unsafe.Pointer(cmd)
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(l.ioctl), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&req))); errno != 0 {
		return 0 // a driver without settings, or an interface that is gone
	}
	mbit := uint32(cmd.speedHigh)<<16 | uint32(cmd.speed)
	if mbit == 1<<32-1 || mbit == 1<<16-1 { // SPEED_UNKNOWN, of a link without carrier
		return 0
	}
	return int(mbit)
}
