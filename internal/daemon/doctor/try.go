package doctor

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/internal/linux/capability"
	"github.com/holdfast-net/holdfast/internal/linux/gate"
	"github.com/holdfast-net/holdfast/internal/linux/netns"
	"github.com/holdfast-net/holdfast/vrrp"
)

// wire is the interface that things are tried on.
const wire = "hftry"

// try opens every line of defence in a network namespace of its own.
func (e *examination) try() {
	ns, err := netns.New()
	if err != nil {
		e.untried(err)
		return
	}
	defer func() { _ = ns.Close() }() // with all that is in it
	_ = ns.Do(func() error {
		on := "lo"
		if err := netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: wire}, PeerName: "hftryend"}); err == nil {
			on = wire
		}
		e.lines(on)
		e.macvlan(on)
		return nil
	})
}

// untried is for a process that may not make a namespace.
func (e *examination) untried(err error) {
	expect := "eBPF, if the kernel lets it"
	if !capability.Has(unix.CAP_BPF) {
		expect = "nftables or address lifetimes, which guarantee less, for CAP_BPF is missing"
	}
	e.add(api.FindingWeaker, "gate", "run doctor as root; `holdfast status` says which line a running daemon has",
		"not tried, for there can be no network namespace to try it in (%v); a daemon with the rights of this process would have %s", err, expect)
}

// lines tells which line of defence a daemon would have, and what there is
// behind it.
func (e *examination) lines(on string) {
	var first *gate.Line
	var spare, refused []string
	for _, id := range []gate.LineID{gate.TCX, gate.Clsact, gate.Nftables, gate.Lifetime} {
		l, err := open(id, on)
		switch {
		case err != nil:
			refused = append(refused, fmt.Sprintf("%s: %v", id, err))
		case first == nil:
			first = &l
		default:
			spare = append(spare, string(id))
		}
	}
	if first == nil {
		e.add(api.FindingMissing, "gate", "the daemon needs nftables at least, or to change lifetimes of addresses", "there is no line of defence: %s", strings.Join(refused, "; "))
		return
	}
	behind := "nothing else"
	if len(spare) > 0 {
		behind = strings.Join(spare, ", ")
	}
	text := fmt.Sprintf("%s, closes within %s: %s (to fall back on: %s)", first.ID, first.Guarantee, first.Text, behind)
	if first.ID == gate.TCX || first.ID == gate.Clsact {
		e.ok("gate", "%s", text)
		return
	}
	e.add(api.FindingWeaker, "gate", "allow bpf(2): CAP_BPF, a seccomp filter that lets it through, no kernel lockdown; see docs/holds.md",
		"%s; because %s", text, strings.Join(refused, "; "))
}

// open makes a line guard an address, and lets go of it.
func open(id gate.LineID, on string) (gate.Line, error) {
	g, err := gate.Open(gate.Options{Lines: []gate.LineID{id}})
	if err != nil {
		return gate.Line{}, err
	}
	l := g.Line()
	slot, err := g.Guard(gate.Spec{Interface: on, Family: vrrp.IPv4, VRID: 1, Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.1")}})
	if err == nil {
		until := g.Now() + engine.Instant(1e9)
		g.Set(slot, engine.Hold{Announced: until, Served: until})
		err = g.Release(slot)
	}
	_, swept := gate.Sweep("")
	return l, errors.Join(err, g.Close(), swept)
}

// macvlan makes one as virtual MAC addresses need it.
func (e *examination) macvlan(on string) {
	do := "load the kernel's macvlan module; `mac: physical` does without"
	if on != wire {
		e.add(api.FindingWeaker, "virtual MAC", "load the kernel's veth module, to have it tried", "not tried: there is no interface to try it on")
		return
	}
	parent, err := netlink.LinkByName(on)
	if err == nil {
		err = netlink.LinkAdd(&netlink.Macvlan{LinkAttrs: netlink.LinkAttrs{Name: "hftrymac", ParentIndex: parent.Attrs().Index}, Mode: netlink.MACVLAN_MODE_BRIDGE})
	}
	if err != nil {
		e.add(api.FindingWeaker, "virtual MAC", do, "the kernel makes no macvlan (%v): addresses would answer with the physical MAC", err)
		return
	}
	e.ok("virtual MAC", "the kernel makes macvlans")
}
