package sim

import (
	"errors"
	"net/netip"
	"slices"
	"time"

	"github.com/holdfast-net/holdfast/internal/group"
)

// held is what a kernel does with the addresses of a virtual router.
type held uint8

const (
	off    held = iota
	silent      // serves, and answers no ARP or ND
	on          // serves and answers
)

func (h held) String() string { return [...]string{"off", "silent", "on"}[h] }

// slot is the addresses of one virtual router in a kernel.
type slot struct {
	held  held
	addrs []netip.Addr
}

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
		n.apply(o)
		w.tellKernel(n, o)
		w.judge.kernelChanged(o.vr)
	}
	if life == n.life {
		n.post(func() { w.done(n, o, err) })
	}
}

func (n *node) apply(o order) {
	s := &n.kernel.slots[o.vr]
	switch o.op {
	case group.Install:
		s.held, s.addrs = on, o.addrs
	case group.Quiet:
		if s.held == on {
			s.held = silent
		}
	case group.Remove:
		s.held = off
	}
}

// tellKernel puts what an order did into the story.
func (w *World) tellKernel(n *node, o order) {
	if !w.story.Kernel {
		return
	}
	text := [...]string{group.Install: "on, answering", group.Quiet: "on, silent", group.Remove: "off"}[o.op]
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
		if v := &w.vrs[i]; v.lan == lan && n.kernel.slots[i].held != off && v.mac() == dst {
			return true
		}
	}
	return false
}

// has finds the virtual router whose address a kernel has on.
func (w *World) has(n *node, lan int, a netip.Addr) (vr int, h held) {
	for i := range n.kernel.slots {
		s := &n.kernel.slots[i]
		if s.held != off && w.vrs[i].lan == lan && slices.Contains(s.addrs, a) {
			return i, s.held
		}
	}
	return 0, off
}

// kernelHears answers what a kernel answers by itself.
func (w *World) kernelHears(n *node, lan int, f *frame) {
	vr, h := w.has(n, lan, f.addr)
	switch {
	case f.content == question && h == on:
		w.transmit(lan, n.index, &frame{content: answer, family: f.family, src: w.answeringMAC(n, vr), dst: f.src, addr: f.addr})
	case f.content == ping && h != off:
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
