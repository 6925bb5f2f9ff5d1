package watch

import (
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/engine"
)

// table is what is known about the interfaces. It is pure: messages in,
// changes out.
type table struct{ links map[int]*link }

// link is one interface.
type link struct {
	index, parent int
	name          string
	mac           [6]byte
	mtu           int
	flags         uint32 // unix.IFF_...
	oper          uint8  // RFC 2863 operational state
	macvlan       bool
	ours          bool        // a macvlan that holdfast made: news of the interface below only
	addrs         []addr      // in the kernel's order
	told          engine.Link // as it was last delivered
}

// Operational states of linux/if.h, RFC 2863 §3.1.14, that explain something.
const (
	operLowerLayerDown = 3
	operTesting        = 4
	operDormant        = 5
)

// addr is one address of an interface.
type addr struct {
	prefix netip.Prefix
	flags  uint32 // unix.IFA_F_...
	ours   bool   // holdfast added it
}

func (a addr) failed() bool { return a.flags&unix.IFA_F_DADFAILED != 0 }

// usable says whether the address can be sent from: an optimistic one can
// (RFC 4429), a tentative one cannot yet.
func (a addr) usable() bool {
	tentative := a.flags&unix.IFA_F_TENTATIVE != 0 && a.flags&unix.IFA_F_OPTIMISTIC == 0
	return !tentative && !a.failed()
}

func newTable() table { return table{links: make(map[int]*link)} }

func (t *table) all() []engine.Link {
	list := make([]engine.Link, 0, len(t.links))
	for _, l := range t.links {
		if !l.ours {
			list = append(list, l.view())
		}
	}
	slices.SortFunc(list, func(a, b engine.Link) int { return a.Index - b.Index })
	return list
}

func (t *table) setLink(l link) []engine.Change {
	old := t.links[l.index]
	if old == nil {
		t.links[l.index] = &l
		return t.tell(nil, &l, nil, nil)
	}
	var out []engine.Change
	if old.name != l.name {
		// To whoever knows it by the old name, it is gone.
		if !old.ours {
			out = append(out, engine.Change{Link: goneView(old), Gone: true, Lost: old.prefixes()})
		}
		old.told = engine.Link{}
	}
	var lost []netip.Prefix
	if l.macvlan && old.flags&unix.IFF_UP != 0 && l.flags&unix.IFF_UP == 0 {
		// Its addresses are still listed, but nothing answers for them.
		lost = old.prefixes()
	}
	l.addrs, l.told = old.addrs, old.told
	*old = l
	return t.tell(out, old, lost, nil)
}

func (t *table) dropLink(index int) []engine.Change {
	l := t.links[index]
	if l == nil {
		return nil
	}
	delete(t.links, index)
	lost := l.prefixes()
	var out []engine.Change
	if !l.ours {
		out = append(out, engine.Change{Link: goneView(l), Gone: true, Lost: lost})
	}
	return t.tellParent(out, l, lost, nil)
}

func (t *table) setAddr(index int, a addr) []engine.Change {
	l := t.links[index]
	if l == nil {
		return nil // the link's own message is still to come, or was lost
	}
	var failed []netip.Prefix
	if i := l.find(a); i >= 0 {
		if a.failed() && !l.addrs[i].failed() {
			failed = []netip.Prefix{a.prefix}
		}
		l.addrs[i] = a
	} else {
		if a.failed() {
			failed = []netip.Prefix{a.prefix}
		}
		l.addrs = append(l.addrs, a)
	}
	return t.tell(nil, l, nil, failed)
}

func (t *table) dropAddr(index int, a addr) []engine.Change {
	l := t.links[index]
	if l == nil {
		return nil
	}
	i := l.find(a)
	if i < 0 {
		return nil
	}
	l.addrs = slices.Delete(l.addrs, i, i+1)
	return t.tell(nil, l, []netip.Prefix{a.prefix}, nil)
}

// replace puts fresh in the place of t and says what differs. What is gone
// comes first: a link with the name of another one takes its place.
func (t *table) replace(fresh table) []engine.Change {
	var out []engine.Change
	for _, index := range t.indices() {
		if fresh.links[index] == nil {
			out = append(out, t.dropLink(index)...)
		}
	}
	for _, index := range fresh.indices() {
		l := fresh.links[index]
		out = append(out, t.setLink(link{
			index: l.index, parent: l.parent, name: l.name, mac: l.mac, mtu: l.mtu,
			flags: l.flags, oper: l.oper, macvlan: l.macvlan, ours: l.ours,
		})...)
		for _, a := range slices.Clone(t.links[index].addrs) {
			if l.find(a) < 0 {
				out = append(out, t.dropAddr(index, a)...)
			}
		}
		for _, a := range l.addrs {
			out = append(out, t.setAddr(index, a)...)
		}
	}
	return out
}

func (t *table) indices() []int {
	list := make([]int, 0, len(t.links))
	for i := range t.links {
		list = append(list, i)
	}
	slices.Sort(list)
	return list
}

// tell adds the change of one link, if it is one, and of the link below it.
func (t *table) tell(out []engine.Change, l *link, lost, failed []netip.Prefix) []engine.Change {
	if l.ours {
		// There may be thousands, each with news of its own whenever its
		// group moves: the busiest moment there is.
		return t.tellParent(out, l, lost, failed)
	}
	view := l.view()
	if !same(view, l.told) || lost != nil || failed != nil {
		l.told = view
		out = append(out, engine.Change{Link: view, Lost: lost, Failed: failed})
	}
	return t.tellParent(out, l, lost, failed)
}

// tellParent adds the news that a macvlan is to the link below it.
func (t *table) tellParent(out []engine.Change, l *link, lost, failed []netip.Prefix) []engine.Change {
	parent := t.links[l.parent]
	if !l.macvlan || parent == nil || lost == nil && failed == nil {
		return out
	}
	return append(out, engine.Change{Link: parent.view(), Lost: lost, Failed: failed})
}

func (l *link) find(a addr) int {
	return slices.IndexFunc(l.addrs, func(b addr) bool { return a.prefix == b.prefix })
}

// prefixes lists all addresses; nil if there are none.
func (l *link) prefixes() []netip.Prefix {
	var list []netip.Prefix
	for _, a := range l.addrs {
		list = append(list, a.prefix)
	}
	return list
}

// view is the link as the engine sees it.
func (l *link) view() engine.Link {
	v := engine.Link{Name: l.name, Index: l.index, MAC: l.mac, MTU: l.mtu}
	v.Why = l.why()
	v.Up = v.Why == ""
	// A new primary address goes before the secondary ones of its subnet.
	for _, secondary := range []uint32{0, unix.IFA_F_SECONDARY} {
		for _, a := range l.addrs {
			if a.usable() && !a.ours && a.flags&unix.IFA_F_SECONDARY == secondary {
				v.Addresses = append(v.Addresses, a.prefix)
			}
		}
	}
	return v
}

// why says why a link is not up, empty if it is. The kernel sets IFF_RUNNING
// when the operational state is up or the driver does not know.
func (l *link) why() string {
	switch {
	case l.flags&unix.IFF_UP == 0:
		return "down"
	case l.flags&unix.IFF_LOWER_UP == 0:
		if l.oper == operLowerLayerDown {
			return "the interface below it is down"
		}
		return "no carrier"
	case l.flags&unix.IFF_RUNNING == 0:
		switch l.oper {
		case operDormant:
			return "dormant: waiting, for instance for 802.1X"
		case operTesting:
			return "being tested"
		case operLowerLayerDown:
			return "the interface below it is down"
		}
		return "no carrier"
	}
	return ""
}

// goneView is a link that is not there any more.
func goneView(l *link) engine.Link {
	return engine.Link{Name: l.name, Index: l.index, MAC: l.mac, MTU: l.mtu, Why: "gone"}
}

func same(a, b engine.Link) bool {
	return a.Name == b.Name && a.Index == b.Index && a.MAC == b.MAC && a.MTU == b.MTU &&
		a.Up == b.Up && a.Why == b.Why && slices.Equal(a.Addresses, b.Addresses)
}
