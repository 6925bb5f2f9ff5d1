package sim

import (
	"errors"
	"net/netip"
	"slices"
	"time"

	"github.com/holdfast-net/holdfast/internal/group"
	"github.com/holdfast-net/holdfast/internal/hold"
)

// slot is the addresses of one virtual router in a kernel, and the doors of
// the gate in front of them. Another vendor's machine has no gate.
type slot struct {
	on    bool
	since time.Duration // when they came on
	addrs []netip.Addr
	doors hold.Doors
}

// answers says whether ARP and ND are answered for the addresses.
func (w *World) answers(n *node, vr int) bool {
	s := &n.kernel.slots[vr]
	return s.on && (n.plain || w.instant() < s.doors.Announced)
}

// serves says whether packets to the addresses are handled.
func (w *World) serves(n *node, vr int) bool {
	s := &n.kernel.slots[vr]
	return s.on && (n.plain || w.instant() < s.doors.Served)
}

// instant is the time by the gates' clocks: all machines started at once.
func (w *World) instant() hold.Instant { return hold.Instant(w.now) }

// order is one order to a kernel.
type order struct {
	op    group.Op
	vr    int // the virtual router
	boot  int // of the kernel that it was given to
	addrs []netip.Addr
}

// kernel outlives the process, and ends with the machine.
type kernel struct {
	slots []slot // by virtual router
	busy  []time.Duration
	boot  int
}

var errRefused = errors.New("refused by the simulation")

// submit queues an order. One LAN's orders are carried out one after another.
func (w *World) submit(n *node, vr int, op group.Op, addrs []netip.Addr) {
	lan := w.vrs[vr].lan
	at := max(w.now, n.kernel.busy[lan]) + w.cfg.Kernel.Latency + w.upTo(w.cfg.Kernel.Jitter)
	n.kernel.busy[lan] = at
	w.queue.push(event{
		at: at, kind: carried, node: uint16(n.index), life: n.life,
		order: order{op: op, vr: vr, boot: n.kernel.boot, addrs: addrs},
	})
}

// carry carries an order out and answers the process that gave it.
func (w *World) carry(n *node, life uint32, o order) {
	if o.boot != n.kernel.boot {
		return // the machine has crashed meanwhile
	}
	var err error
	if w.cfg.Kernel.Fail > 0 && !n.plain && w.rng.Float64() < w.cfg.Kernel.Fail {
		err = errRefused
	} else {
		n.apply(w.now, o)
		w.tellKernel(n, o)
		w.judge.kernelChanged(o.vr)
	}
	if life == n.life {
		n.post(func() { w.done(n, o, err) })
	}
}

func (n *node) apply(now time.Duration, o order) {
	s := &n.kernel.slots[o.vr]
	switch o.op {
	case group.Install:
		if !s.on {
			s.since = now
		}
		s.on, s.addrs = true, o.addrs
	case group.Remove:
		s.on = false
	}
}

// tellKernel puts what an order did into the story.
func (w *World) tellKernel(n *node, o order) {
	if !w.story.Kernel {
		return
	}
	text := [...]string{group.Install: "on", group.Remove: "off"}[o.op]
	w.tell(n.name, "kernel: %s %s", w.vrs[o.vr].name, text)
}

// accepts is the filter of a network interface: its own address, those of its
// macvlans that are up, and what is for many.
func (w *World) accepts(n *node, lan int, dst mac) bool {
	if dst.group() || dst == nodeMAC(n.index, lan) {
		return true
	}
	if !w.cfg.Virtual {
		return false
	}
	for i := range n.kernel.slots {
		if v := &w.vrs[i]; v.lan == lan && n.kernel.slots[i].on && v.mac() == dst {
			return true
		}
	}
	return false
}

// has finds the virtual router whose address a kernel has on.
func (w *World) has(n *node, lan int, a netip.Addr) (vr int, ok bool) {
	for i := range n.kernel.slots {
		s := &n.kernel.slots[i]
		if s.on && w.vrs[i].lan == lan && slices.Contains(s.addrs, a) {
			return i, true
		}
	}
	return 0, false
}

// kernelHears answers what a kernel answers by itself.
func (w *World) kernelHears(n *node, lan int, f *frame) {
	vr, ok := w.has(n, lan, f.addr)
	switch {
	case !ok:
	case f.content == question && w.answers(n, vr):
		w.transmit(lan, n.index, &frame{content: answer, family: f.family, src: w.answeringMAC(n, vr), dst: f.src, addr: f.addr})
	case f.content == ping && w.serves(n, vr):
		w.transmit(lan, n.index, &frame{content: pong, family: f.family, src: nodeMAC(n.index, lan), dst: f.src, addr: f.addr, id: f.id})
	}
}

// answeringMAC is the MAC address from which a virtual router answers ARP and
// ND. All else leaves by the interface that has the subnet's route, and so from
// its own MAC address: a node that serves the last packets of an address it
// has handed over does not draw the virtual MAC address back to its port.
func (w *World) answeringMAC(n *node, vr int) mac {
	if w.cfg.Virtual && !n.plain {
		return w.vrs[vr].mac()
	}
	return nodeMAC(n.index, w.vrs[vr].lan)
}

func nodeMAC(n, lan int) mac { return 0x020000000000 | mac(lan)<<8 | mac(n+1) }
