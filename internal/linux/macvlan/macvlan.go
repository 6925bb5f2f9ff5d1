package macvlan

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/linux/rtnl"
	"github.com/holdfast-net/holdfast/internal/linux/sysctl"
	"github.com/holdfast-net/holdfast/vrrp"
)

// addrGenModeNone is IN6_ADDR_GEN_MODE_NONE of linux/if_link.h.
const addrGenModeNone = 1

// Spec is one macvlan that is wanted.
type Spec struct {
	Parent netlink.Link
	Family vrrp.Family
	VRID   uint8
	Group  string
}

// Make makes the macvlan, down, and returns its index. One that is there from
// an earlier run is replaced: nothing is known about its settings. The notes
// are what a person should know about settings that the kernel refused.
func Make(nl *netlink.Handle, c *rtnl.Conn, s Spec) (index int, notes []string, err error) {
	name := Name(s.Family, s.Parent.Attrs().Index, s.VRID)
	mac := MAC(s.Family, s.VRID)
	index, err = add(nl, s, name, mac)
	if err != nil {
		return 0, nil, fmt.Errorf("cannot make %s: %w", name, err)
	}
	notes, err = settle(nl, c, s, name, index)
	if err != nil {
		return 0, nil, errors.Join(fmt.Errorf("cannot set up %s: %w", name, err), Delete(nl, index))
	}
	return index, notes, nil
}

func add(nl *netlink.Handle, s Spec, name string, mac [6]byte) (int, error) {
	if old, err := nl.LinkByName(name); err == nil {
		if old.Type() != "macvlan" {
			return 0, fmt.Errorf("there is an interface of that name, a %s", old.Type())
		}
		if err := nl.LinkDel(old); err != nil {
			return 0, err
		}
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name = name
	attrs.ParentIndex = s.Parent.Attrs().Index
	attrs.HardwareAddr = net.HardwareAddr(mac[:])
	if err := nl.LinkAdd(&netlink.Macvlan{LinkAttrs: attrs, Mode: netlink.MACVLAN_MODE_BRIDGE}); err != nil {
		return 0, err
	}
	link, err := nl.LinkByName(name)
	if err != nil {
		return 0, err
	}
	return link.Attrs().Index, nil
}

// settle makes the macvlan ours and gives it the settings with which it
// answers for its own addresses and for nothing else.
func settle(nl *netlink.Handle, c *rtnl.Conn, s Spec, name string, index int) (notes []string, err error) {
	link := &netlink.Macvlan{LinkAttrs: netlink.LinkAttrs{Index: index, Name: name}}
	if err := nl.LinkSetAlias(link, aliasPrefix+s.Group); err != nil {
		return nil, err
	}
	// No address made from the virtual MAC, which other nodes have too
	// (RFC 9568 §7.4).
	if err := nl.LinkSetIP6AddrGenMode(link, addrGenModeNone); err != nil && !errors.Is(err, unix.EAFNOSUPPORT) {
		notes = append(notes, fmt.Sprintf("cannot keep %s from making an IPv6 address of its own: %v", name, err))
	}
	values := sysctl.Values{
		sysctl.ARPIgnore:          1, // answer for addresses of this interface only, not for the node's others
		sysctl.ARPAnnounce:        2, // ask with an address of this interface, never with another one
		sysctl.ARPFilter:          0, // the routes, which it would ask, lead through the interface below
		sysctl.RPFilter:           2, // loose: the way back leads through the interface below
		sysctl.PromoteSecondaries: 1, // removing one address must not remove its neighbours
	}
	parent, err := sysctl.Get(c, s.Parent.Attrs().Index)
	if err != nil {
		return nil, err
	}
	// An Active forwards what is sent to the virtual MAC (RFC 9568 §6.4.3)
	// just as the interface below would.
	values[sysctl.Forwarding] = parent[sysctl.Forwarding]
	reqs := []rtnl.Request{sysctl.Set(index, values)}
	if err := errors.Join(c.Do(reqs), reqs[0].Err); err != nil {
		return nil, err
	}
	return append(notes, settle6(s, name)...), nil
}

// settle6 writes the IPv6 settings. A kernel or container without them still
// has a working macvlan, so a refusal is a note.
func settle6(s Spec, name string) (notes []string) {
	type setting struct {
		name  string
		value int
	}
	settings := []setting{{"disable_ipv6", 1}}
	if s.Family == vrrp.IPv6 {
		forwarding, err := sysctl.ReadIPv6(s.Parent.Attrs().Name, "forwarding")
		if err != nil {
			notes = append(notes, err.Error())
		}
		settings = []setting{
			{"disable_ipv6", 0},
			{"accept_ra", 0},
			{"autoconf", 0},
			{"router_solicitations", 0},
			{"accept_dad", 0},
			{"forwarding", forwarding},
		}
	}
	for _, v := range settings {
		if err := sysctl.WriteIPv6(name, v.name, v.value); err != nil {
			notes = append(notes, err.Error())
		}
	}
	return notes
}

// Delete deletes a macvlan. One that is gone is fine.
func Delete(nl *netlink.Handle, index int) error {
	err := nl.LinkDel(&netlink.Macvlan{LinkAttrs: netlink.LinkAttrs{Index: index}})
	if err != nil && !errors.Is(err, unix.ENODEV) {
		return fmt.Errorf("cannot delete interface %d: %w", index, err)
	}
	return nil
}

// DeleteAll deletes macvlans of ours, all in the time that one takes: as a
// group, which the kernel dismantles as one. Ones that are gone are fine.
func DeleteAll(nl *netlink.Handle, c *rtnl.Conn, indexes []int) error {
	if len(indexes) == 1 {
		return Delete(nl, indexes[0])
	}
	links, err := nl.LinkList()
	if err != nil {
		return fmt.Errorf("cannot list interfaces: %w", err)
	}
	for _, l := range links {
		if l.Attrs().Group == doomed && !Ours(l) {
			return deleteEach(nl, indexes) // somebody else uses that group
		}
	}
	reqs := make([]rtnl.Request, 0, len(indexes)+1)
	for _, index := range indexes {
		reqs = append(reqs, rtnl.Request{
			Type: unix.RTM_SETLINK,
			Body: rtnl.AppendUint32(header(index), unix.IFLA_GROUP, doomed),
		})
	}
	reqs = append(reqs, rtnl.Request{
		Type: unix.RTM_DELLINK,
		Body: rtnl.AppendUint32(header(0), unix.IFLA_GROUP, doomed),
	})
	if err := c.Do(reqs); err != nil || reqs[len(reqs)-1].Err != nil {
		return deleteEach(nl, indexes)
	}
	return nil
}

// doomed is the interface group of macvlans that are being deleted: "hold".
const doomed = 0x686f6c64

func deleteEach(nl *netlink.Handle, indexes []int) error {
	var errs []error
	for _, index := range indexes {
		errs = append(errs, Delete(nl, index))
	}
	return errors.Join(errs...)
}

// Up is the request that brings an interface up.
func Up(index int) rtnl.Request { return flags(index, unix.IFF_UP) }

// Down is the request that takes an interface down.
func Down(index int) rtnl.Request { return flags(index, 0) }

func flags(index int, up uint32) rtnl.Request {
	b := header(index)
	binary.NativeEndian.PutUint32(b[8:], up)
	binary.NativeEndian.PutUint32(b[12:], unix.IFF_UP)
	return rtnl.Request{Type: unix.RTM_SETLINK, Body: b}
}

// header is struct ifinfomsg.
func header(index int) []byte {
	b := make([]byte, unix.SizeofIfInfomsg, 32)
	binary.NativeEndian.PutUint32(b[4:], uint32(index))
	return b
}

// Leftover is one macvlan of ours.
type Leftover struct {
	Index, Parent int
	Name          string
	Group         string
}

// Ours says whether holdfast made an interface: by its alias, or by name and
// MAC where a run was killed before it could set the alias.
func Ours(l netlink.Link) bool {
	a := l.Attrs()
	f, vrid, ok := ParseName(a.Name)
	if !ok || l.Type() != "macvlan" {
		return false
	}
	mac := MAC(f, vrid)
	return strings.HasPrefix(a.Alias, aliasPrefix) || bytes.Equal(a.HardwareAddr, mac[:])
}

// List finds the macvlans that are ours.
func List(nl *netlink.Handle) ([]Leftover, error) {
	links, err := nl.LinkList()
	if err != nil {
		return nil, fmt.Errorf("cannot list interfaces: %w", err)
	}
	var found []Leftover
	for _, l := range links {
		if a := l.Attrs(); Ours(l) {
			found = append(found, Leftover{
				Index: a.Index, Parent: a.ParentIndex, Name: a.Name,
				Group: strings.TrimPrefix(a.Alias, aliasPrefix),
			})
		}
	}
	return found, nil
}
