package macvlan

import (
	"fmt"
	"net"
	"os"
	"path/filepath"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// sysNet is where the kernel describes interfaces.
const sysNet = "/sys/class/net"

// wireless says whether an interface is 802.11. A /sys that is not there, or
// of another namespace, says no.
func wireless(root, ifname string) bool {
	_, err := os.Stat(filepath.Join(root, ifname, "phy80211"))
	return err == nil
}

// Unsuitable says why an interface cannot carry a virtual MAC, in words for a
// person, or nothing where it can as far as can be seen from here.
func Unsuitable(nl *netlink.Handle, link netlink.Link) string {
	a := link.Attrs()
	switch {
	case a.Flags&net.FlagLoopback != 0:
		return fmt.Sprintf("%s is a loopback interface", a.Name)
	case a.EncapType != "ether" || len(a.HardwareAddr) != 6:
		return fmt.Sprintf("%s is not an Ethernet interface", a.Name)
	case a.RawFlags&unix.IFF_NOARP != 0:
		return fmt.Sprintf("%s does not use ARP", a.Name)
	case wireless(sysNet, a.Name):
		return fmt.Sprintf("%s is wireless: an access point takes frames from the MAC that logged on only", a.Name)
	}
	switch link.Type() {
	case "macvlan", "macvtap", "ipvlan", "ipvtap":
		// A macvlan on one becomes its neighbour instead, and neighbours do
		// not hear frames that carry the other's MAC: see "Bridge mode".
		return fmt.Sprintf("%s is itself a %s", a.Name, link.Type())
	}
	if a.MasterIndex == 0 {
		return ""
	}
	master, err := nl.LinkByIndex(a.MasterIndex)
	if err != nil {
		return fmt.Sprintf("%s is a port of another interface", a.Name)
	}
	switch kind := master.Type(); kind {
	case "bridge":
		return fmt.Sprintf("%s is a port of bridge %s", a.Name, master.Attrs().Name)
	case "vrf":
		return fmt.Sprintf("%s belongs to vrf %s", a.Name, master.Attrs().Name)
	default:
		return fmt.Sprintf("%s is a port of %s %s", a.Name, kind, master.Attrs().Name)
	}
}
