package watch

import (
	"encoding/binary"
	"net"
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/internal/linux/address"
	"github.com/holdfast-net/holdfast/internal/linux/macvlan"
	"github.com/holdfast-net/holdfast/internal/linux/netns"
	"github.com/holdfast-net/holdfast/internal/linux/rtnl"
	"github.com/holdfast-net/holdfast/vrrp"
)

// lab is a namespace with eth0 (a veth whose other end is far0) being watched.
type lab struct {
	t     *testing.T
	ns    *netns.NS
	nl    *netlink.Handle
	watch *Watch
	news  chan engine.Change
}

func newLab(t *testing.T) *lab {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: makes network namespaces")
	}
	ns, err := netns.New()
	must(t, err)
	t.Cleanup(func() { ns.Close() })
	l := &lab{t: t, ns: ns, news: make(chan engine.Change, 10000)}
	must(t, ns.Do(func() (err error) {
		l.nl, err = netlink.NewHandle()
		return err
	}))
	t.Cleanup(l.nl.Close)
	l.veth()
	must(t, ns.Do(func() (err error) {
		l.watch, err = New(func(c engine.Change) { l.news <- c })
		return err
	}))
	t.Cleanup(func() { must(t, l.watch.Close()) })
	return l
}

func (l *lab) veth() {
	attrs := netlink.NewLinkAttrs()
	attrs.Name = "eth0"
	must(l.t, l.nl.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: "far0"}))
}

func (l *lab) link(name string) netlink.Link {
	l.t.Helper()
	link, err := l.nl.LinkByName(name)
	must(l.t, err)
	return link
}

func (l *lab) up(name string)   { must(l.t, l.nl.LinkSetUp(l.link(name))) }
func (l *lab) down(name string) { must(l.t, l.nl.LinkSetDown(l.link(name))) }

func (l *lab) add(name string, p netip.Prefix) {
	l.t.Helper()
	must(l.t, l.nl.AddrAdd(l.link(name), kernelAddr(p)))
}

func (l *lab) del(name string, p netip.Prefix) {
	l.t.Helper()
	must(l.t, l.nl.AddrDel(l.link(name), kernelAddr(p)))
}

func kernelAddr(p netip.Prefix) *netlink.Addr {
	return &netlink.Addr{
		IPNet: &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())},
		Flags: unix.IFA_F_NODAD,
	}
}

// expect waits for a change that fits.
func (l *lab) expect(what string, fits func(engine.Change) bool) engine.Change {
	l.t.Helper()
	timeout := time.After(20 * time.Second)
	var seen []engine.Change
	for {
		select {
		case c := <-l.news:
			if fits(c) {
				return c
			}
			seen = append(seen, c)
		case <-timeout:
			l.t.Fatalf("not told: %s; but %+v", what, seen)
		}
	}
}

func (l *lab) isUp(name string) func(engine.Change) bool {
	return func(c engine.Change) bool { return c.Link.Name == name && c.Link.Up }
}

func has(name string, p netip.Prefix) func(engine.Change) bool {
	return func(c engine.Change) bool { return c.Link.Name == name && slices.Contains(c.Link.Addresses, p) }
}

func lost(name string, p netip.Prefix) func(engine.Change) bool {
	return func(c engine.Change) bool { return c.Link.Name == name && slices.Contains(c.Lost, p) }
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestWatch_Links(t *testing.T) {
	l := newLab(t)
	links, err := l.watch.Links()
	must(t, err)
	index := l.link("eth0").Attrs().Index
	i := slices.IndexFunc(links, func(l engine.Link) bool { return l.Name == "eth0" })
	if i < 0 {
		t.Fatalf("no eth0 in %+v", links)
	}
	want := engine.Link{Name: "eth0", Index: index, MTU: 1500, Why: "down", MAC: [6]byte(l.link("eth0").Attrs().HardwareAddr)}
	if diff := cmp.Diff(want, links[i], compare); diff != "" {
		t.Errorf("eth0 (-want +got)\n%s", diff)
	}
}

func TestWatch_CarrierAndAddresses(t *testing.T) {
	l := newLab(t)
	l.up("eth0")
	l.expect("no carrier", func(c engine.Change) bool { return c.Link.Name == "eth0" && c.Link.Why != "down" && !c.Link.Up })
	l.up("far0")
	l.expect("up", l.isUp("eth0"))
	l.add("eth0", own)
	l.expect("address", has("eth0", own))
	l.down("far0")
	l.expect("carrier lost", func(c engine.Change) bool { return c.Link.Name == "eth0" && !c.Link.Up })
	l.del("eth0", own)
	c := l.expect("address lost", lost("eth0", own))
	if slices.Contains(c.Link.Addresses, own) {
		t.Errorf("%v is lost and still listed", own)
	}
	must(t, l.nl.LinkSetMTU(l.link("eth0"), 1400))
	l.expect("MTU", func(c engine.Change) bool { return c.Link.Name == "eth0" && c.Link.MTU == 1400 })
}

func TestWatch_MacvlanIsNewsOfItsParent(t *testing.T) {
	l := newLab(t)
	l.up("eth0")
	l.up("far0")
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.ParentIndex = "vrrp.51", l.link("eth0").Attrs().Index
	must(t, l.nl.LinkAdd(&netlink.Macvlan{LinkAttrs: attrs, Mode: netlink.MACVLAN_MODE_BRIDGE}))
	l.up("vrrp.51")
	l.expect("macvlan up", l.isUp("vrrp.51"))
	for _, p := range list(vip, vip6) {
		l.add("vrrp.51", p)
		l.expect("address of the macvlan", has("vrrp.51", p))
		l.del("vrrp.51", p)
		l.expect("address lost, by the parent's name", lost("eth0", p))
	}
	l.add("vrrp.51", vip)
	l.down("vrrp.51")
	l.expect("macvlan down, by the parent's name", lost("eth0", vip))
	l.up("vrrp.51")
	must(t, l.nl.LinkDel(l.link("vrrp.51")))
	l.expect("macvlan deleted, by the parent's name", lost("eth0", vip))
}

// A macvlan of holdfast's own is no news but to the interface below.
func TestWatch_OurMacvlanIsNewsOfItsParentOnly(t *testing.T) {
	l := newLab(t)
	l.up("eth0")
	l.up("far0")
	attrs := netlink.NewLinkAttrs()
	attrs.ParentIndex = l.link("eth0").Attrs().Index
	attrs.Name = macvlan.Name(vrrp.IPv4, attrs.ParentIndex, 51)
	must(t, l.nl.LinkAdd(&netlink.Macvlan{LinkAttrs: attrs, Mode: netlink.MACVLAN_MODE_BRIDGE}))
	l.up(attrs.Name)
	l.add(attrs.Name, vip)
	l.del(attrs.Name, vip)
	told := false
	below := func(p netip.Prefix) func(engine.Change) bool {
		return func(c engine.Change) bool {
			told = told || c.Link.Name == attrs.Name
			return lost("eth0", p)(c)
		}
	}
	l.expect("address lost, by the parent's name", below(vip))
	l.add(attrs.Name, vip)
	must(t, l.nl.LinkDel(l.link(attrs.Name)))
	l.expect("macvlan deleted, by the parent's name", below(vip))
	l.add("eth0", own)
	l.expect("the end", has("eth0", own))
	if told {
		t.Errorf("told about %s itself", attrs.Name)
	}
	links, err := l.watch.Links()
	must(t, err)
	if len(links) != 3 { // lo, eth0, far0
		t.Errorf("links %v, want three", links)
	}
}

// marked is the request that adds an address as holdfast does.
func marked(index int, p netip.Prefix) rtnl.Request {
	b := binary.NativeEndian.AppendUint32([]byte{unix.AF_INET, byte(p.Bits()), 0, 0}, uint32(index))
	b = rtnl.AppendAttr(b, unix.IFA_LOCAL, p.Addr().AsSlice())
	b = rtnl.AppendAttr(b, ifaProto, []byte{address.Mark})
	return rtnl.Request{Type: unix.RTM_NEWADDR, Flags: unix.NLM_F_CREATE | unix.NLM_F_EXCL, Body: b}
}

// What holdfast added is not the interface's own, but its loss is told.
func TestWatch_OurOwnAddress(t *testing.T) {
	l := newLab(t)
	index := l.link("eth0").Attrs().Index
	must(t, l.ns.Do(func() error {
		c, err := rtnl.Dial()
		if err != nil {
			return err
		}
		defer c.Close()
		reqs := []rtnl.Request{marked(index, vip)}
		if err := c.Do(reqs); err != nil {
			return err
		}
		return reqs[0].Err
	}))
	l.add("eth0", own)
	c := l.expect("address", has("eth0", own))
	if slices.Contains(c.Link.Addresses, vip) {
		t.Errorf("ours is listed as the interface's own: %v", c.Link.Addresses)
	}
	l.del("eth0", vip)
	l.expect("ours lost", lost("eth0", vip))
}

func TestWatch_DeletedAndMadeAnew(t *testing.T) {
	l := newLab(t)
	index := l.link("eth0").Attrs().Index
	must(t, l.nl.LinkDel(l.link("eth0")))
	l.expect("gone", func(c engine.Change) bool { return c.Gone && c.Link.Name == "eth0" && c.Link.Index == index })
	l.veth()
	l.expect("there again", func(c engine.Change) bool {
		return !c.Gone && c.Link.Name == "eth0" && c.Link.Index == l.link("eth0").Attrs().Index
	})
}

// Two nodes with one IPv6 address on one wire: the second one finds out.
func TestWatch_DuplicateAddress(t *testing.T) {
	l := newLab(t)
	other := newLab(t)
	must(t, other.nl.LinkDel(other.link("far0")))
	must(t, l.nl.LinkSetNsFd(l.link("far0"), other.ns.Handle()))
	l.up("eth0")
	must(t, other.nl.LinkSetUp(other.link("far0")))
	l.expect("up", l.isUp("eth0"))
	must(t, other.nl.AddrAdd(other.link("far0"), kernelAddr(vip6)))
	twice := kernelAddr(vip6)
	twice.Flags = 0
	must(t, l.nl.AddrAdd(l.link("eth0"), twice))
	c := l.expect("found twice", func(c engine.Change) bool { return slices.Contains(c.Failed, vip6) })
	if c.Link.Name != "eth0" || slices.Contains(c.Link.Addresses, vip6) {
		t.Errorf("told %+v", c)
	}
}

// When events are missed, everything is listed anew and what happened
// meanwhile is told.
func TestWatch_Overrun(t *testing.T) {
	l := newLab(t)
	l.up("eth0")
	l.up("far0")
	l.expect("up", l.isUp("eth0"))
	l.add("eth0", own)
	l.expect("address", has("eth0", own))
	l.add("eth0", vip)
	l.expect("address", has("eth0", vip))

	// The reader is held up while more happens than its buffer holds.
	must(t, l.watch.events.SetReceiveBufferSize(4096, false))
	l.watch.mu.Lock()
	l.del("eth0", vip)
	for range 200 {
		l.down("far0")
		l.up("far0")
	}
	must(t, l.nl.LinkSetMTU(l.link("eth0"), 1300))
	l.watch.mu.Unlock()

	seenLost := false
	l.expect("the end of it", func(c engine.Change) bool {
		seenLost = seenLost || lost("eth0", vip)(c)
		return c.Link.Name == "eth0" && c.Link.MTU == 1300 && c.Link.Up && slices.Contains(c.Link.Addresses, own)
	})
	if !seenLost {
		t.Error("the lost address was not told")
	}
	if l.watch.Relists() == 0 {
		t.Error("the buffer did not overrun: the test shows nothing")
	}
}
