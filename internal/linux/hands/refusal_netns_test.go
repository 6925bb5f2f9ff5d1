package hands

import (
	"errors"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/internal/linux/netns/netnstest"
)

// TestAutoSaysWhy prepares where there can be no virtual MAC.
func TestAutoSaysWhy(t *testing.T) {
	for _, c := range []struct {
		name string
		make func(t *testing.T)
		want string
	}{
		{"bridge port", func(t *testing.T) {
			br := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "br0"}}
			must(t, netlink.LinkAdd(br))
			t.Cleanup(func() { netlink.LinkDel(br) })
			e, err := netlink.LinkByName(nodeIf)
			must(t, err)
			must(t, netlink.LinkSetMaster(e, br))
		}, "eth0 is a port of bridge br0"},
		{"macvlan", func(t *testing.T) {
			e, err := netlink.LinkByName(nodeIf)
			must(t, err)
			must(t, netlink.LinkSetDown(e))
			must(t, netlink.LinkSetName(e, "below"))
			must(t, netlink.LinkAdd(&netlink.Macvlan{
				LinkAttrs: netlink.LinkAttrs{Name: nodeIf, ParentIndex: e.Attrs().Index}, Mode: netlink.MACVLAN_MODE_BRIDGE,
			}))
			t.Cleanup(func() { netlink.LinkDel(e) })
		}, "eth0 is itself a macvlan"},
		{"passthru", func(t *testing.T) {
			e, err := netlink.LinkByName(nodeIf)
			must(t, err)
			must(t, netlink.LinkAdd(&netlink.Macvlan{
				LinkAttrs: netlink.LinkAttrs{Name: "whole", ParentIndex: e.Attrs().Index}, Mode: netlink.MACVLAN_MODE_PASSTHRU,
			}))
		}, "eth0 does not take a macvlan: "},
		{"arp_filter", func(t *testing.T) {
			set(t, "ipv4", "all", "arp_filter", "1")
			t.Cleanup(func() { set(t, "ipv4", "all", "arp_filter", "0") })
		}, "net.ipv4.conf.all.arp_filter is 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			newLAN(t)
			c.make(t)
			r := newRig(t)
			op := order(engine.MACAuto, "192.0.2.10/24")
			res := r.ok(op, engine.OpPrepare)
			if res.Virtual || !strings.Contains(res.Why, c.want) {
				t.Errorf("virtual %v, why %q; want physical because %q", res.Virtual, res.Why, c.want)
			}
			r.ok(op, engine.OpDiscard)
			op.MAC, op.Kind = engine.MACVirtual, engine.OpPrepare
			if res := r.do(op); res.Err == nil || !strings.Contains(res.Err.Error(), c.want) {
				t.Errorf("virtual MAC wanted: error %v, want one with %q", res.Err, c.want)
			}
			r.ok(op, engine.OpDiscard)
		})
	}
}

// TestOrdersThatFail says in one line what was wanted and why not.
func TestOrdersThatFail(t *testing.T) {
	netnstest.Need(t)
	r := newRig(t)
	op := order(engine.MACAuto, "192.0.2.10/24")
	op.Interface, op.Kind = "nowhere0", engine.OpPrepare
	res := r.do(op)
	if want := "cannot prepare addresses on nowhere0: "; res.Err == nil || !strings.HasPrefix(res.Err.Error(), want) {
		t.Errorf("error %v, want %q...", res.Err, want)
	}
	r.ok(op, engine.OpRemove)
	r.ok(op, engine.OpDiscard)
	r.close()
	r.hands.Submit(op)
	if res := <-r.results; !errors.Is(res.Err, errClosed) {
		t.Errorf("after Close: error %v", res.Err)
	}
}
