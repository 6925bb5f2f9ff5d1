package bpf

import (
	"errors"
	"fmt"
	"io/fs"
	"runtime"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// device is what a choice of a hook goes by.
type device struct {
	name, driver string
	queues, cpus int
	vlans        bool // above it
	// What the kernel says (since Linux 6.3) of native XDP: whether the device
	// has it for what it receives, and takes frames of other devices now.
	told, receives, takes bool
	err                   error // why nothing is known of it
}

// deviceOf looks at an interface.
func deviceOf(name string, l netlink.Link) device {
	d := device{name: name, cpus: runtime.NumCPU()}
	if l == nil {
		d.err = errors.New("it is not there")
		return d
	}
	d.queues = l.Attrs().NumTxQueues
	if d.driver, d.err = driverOf(name); d.err != nil {
		d.err = fmt.Errorf("cannot find out its driver: %w", d.err)
		return d
	}
	links, err := netlink.LinkList()
	if err != nil {
		d.err = fmt.Errorf("cannot list interfaces: %w", err)
		return d
	}
	for _, above := range links {
		d.vlans = d.vlans || above.Type() == "vlan" && above.Attrs().ParentIndex == l.Attrs().Index
	}
	features, err := xdpFeatures(l.Attrs().Index)
	switch {
	case err == nil:
		d.told = true
		d.receives = features&xdpReceives == xdpReceives
		d.takes = features&xdpTakes != 0
	case !errors.Is(err, fs.ErrNotExist):
		d.err = fmt.Errorf("cannot find out what its XDP can: %w", err)
	}
	return d
}

func driverOf(name string) (string, error) {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return "", err
	}
	defer unix.Close(s)
	info, err := unix.IoctlGetEthtoolDrvinfo(s, name)
	if errors.Is(err, unix.EOPNOTSUPP) {
		return "none", nil // a device of software
	}
	if err != nil {
		return "", err
	}
	return unix.ByteSliceToString(info.Driver[:]), nil
}

// The family "netdev" of generic netlink (linux/netdev.h).
const (
	netdevGet      = 1
	netdevIfindex  = 1
	netdevFeatures = 3

	xdpReceives = 1<<0 | 1<<1 // basic, redirect
	xdpTakes    = 1 << 2      // ndo_xmit
)

// genlHeader is struct genlmsghdr, whose reserved half has to be 0.
type genlHeader [nl.SizeofGenlmsg]byte

func (genlHeader) Len() int            { return nl.SizeofGenlmsg }
func (h genlHeader) Serialize() []byte { return h[:] }

// xdpFeatures asks the kernel, which may not know (fs.ErrNotExist).
func xdpFeatures(index int) (uint64, error) {
	family, err := netlink.GenlFamilyGet("netdev")
	if err != nil {
		return 0, err
	}
	req := nl.NewNetlinkRequest(int(family.ID), 0)
	req.AddData(genlHeader{netdevGet, 1})
	req.AddData(nl.NewRtAttr(netdevIfindex, nl.Uint32Attr(uint32(index))))
	answers, err := req.Execute(unix.NETLINK_GENERIC, 0)
	if err != nil {
		return 0, err
	}
	for _, a := range answers {
		attrs, err := nl.ParseRouteAttr(a[nl.SizeofGenlmsg:])
		if err != nil {
			return 0, err
		}
		for _, attr := range attrs {
			if attr.Attr.Type == netdevFeatures && len(attr.Value) >= 8 {
				return nl.NativeEndian().Uint64(attr.Value), nil
			}
		}
	}
	return 0, fs.ErrNotExist
}
