package sim

import (
	"fmt"
	"time"

	"github.com/holdfast-net/holdfast/internal/group"
)

// carrierDelay is how long a link change takes to be noticed.
const carrierDelay = time.Millisecond

// PowerOn switches a machine on and starts its process.
func (w *World) PowerOn(n *node) {
	if !n.powered {
		n.powered = true
		w.judge.allChanged()
	}
	w.start(n)
}

// Crash stops a machine with all that is on it.
func (w *World) Crash(n *node) {
	w.dies(n)
	n.powered = false
	n.kernel.boot++
	for i := range n.kernel.slots {
		n.kernel.slots[i] = slot{}
	}
	for i := range n.kernel.busy {
		n.kernel.busy[i] = 0
	}
	w.judge.allChanged()
}

// Kill ends the process as SIGKILL does: the kernel goes on.
func (w *World) Kill(n *node) { w.dies(n) }

func (w *World) dies(n *node) {
	n.running, n.paused, n.stopping, n.restart = false, false, false, false
	n.stops = 0
	n.life++
	n.units, n.plains, n.backlog, n.posts, n.pending = nil, nil, n.backlog[:0], nil, nil
}

// Stop ends the process in order.
func (w *World) Stop(n *node) {
	if !n.running || n.stopping {
		return
	}
	n.stopping = true
	n.post(func() {
		if n.plain {
			w.stopPlain(n)
			return
		}
		for _, u := range n.units {
			w.step(n, u, group.Stop("the daemon was told to stop"))
		}
	})
}

// exits is the end of a process that was told to stop.
func (w *World) exits(n *node) {
	w.tell(n.name, "process ended")
	n.running, n.stopping = false, false
	if n.restart {
		w.at(w.now, func() { w.start(n) })
	}
}

// Pause stops the process as SIGSTOP does, and Thaw lets it go on.
func (w *World) Pause(n *node) {
	if n.running {
		n.stops++
		if !n.paused {
			n.paused, n.pausedAt = true, w.now
		}
	}
}

// Thaw lets a paused process go on, when all that paused it is over.
func (w *World) Thaw(n *node) {
	if n.stops > 0 {
		n.stops--
	}
	if n.paused && n.stops == 0 {
		w.thaw(n)
	}
}

// Link connects or disconnects a node's cable.
func (w *World) Link(n *node, lan int, up bool) {
	if w.lans[lan].ports[n.index].up == up {
		return
	}
	w.setPort(lan, n.index, up)
	if up {
		w.judge.rejoined(n, lan)
	}
	w.judge.allChanged()
	w.after(n, carrierDelay, func() {
		n.hellos = 0
		w.talkSoon(n, w.now)
		w.linkPlain(n, lan, up)
		for _, u := range n.units {
			for _, r := range u.routers {
				v := &w.vrs[r.vr]
				switch {
				case v.lan != lan:
				case up:
					w.step(n, u, group.LinkUp(r.index, w.nodeAddr(n.index, lan, v.family)))
				default:
					w.step(n, u, group.LinkDown(r.index, "the link is down: no carrier"))
				}
			}
		}
	})
}

// Cut keeps what c says from getting from one port to another.
func (w *World) Cut(lan, from, to int, c Cut) { w.lans[lan].cuts[from][to] = c }

// SetPath changes how well a node's cable carries.
func (w *World) SetPath(lan, n int, p Path) { w.lans[lan].ports[n].path = p }

// SetClock puts a node's wall clock forward, or back.
func (w *World) SetClock(n *node, by time.Duration) { n.clock.offset += by }

// Check tells a node's sets a check's result; why is empty when it passed.
func (w *World) Check(n *node, name, why string) {
	if why == "" {
		delete(n.checks, name)
	} else {
		n.checks[name] = why
	}
	n.post(func() {
		for _, u := range n.units {
			if why == "" {
				w.step(n, u, group.Passed(name))
			} else {
				w.step(n, u, group.Failed(name, why))
			}
		}
	})
}

// Handover gives a node the command to hand a set over. As in the engine, a
// node that cannot take over is refused before the set hears of it.
func (w *World) Handover(n *node, set int, to string) {
	n.post(func() {
		if set >= len(n.units) {
			return
		}
		u := n.units[set]
		if to == n.name {
			w.tell(n.name, "result: %s is this node", to)
			return
		}
		if to != "" {
			if why := w.unable(n, u, to); why != "" {
				w.tell(n.name, "result: %s", why)
				return
			}
		}
		if !u.stopped {
			u.ordered++
			w.step(n, u, group.Handover(to))
		}
	})
}

// Maintenance switches a node's maintenance.
func (w *World) Maintenance(n *node, ev group.Event) {
	n.post(func() {
		for _, u := range n.units {
			if !u.stopped {
				u.ordered++
				w.step(n, u, ev)
			}
		}
	})
}

// Delete takes the addresses of a virtual router off a node behind its back.
func (w *World) Delete(n *node, vr int) {
	if n.plain || !n.kernel.slots[vr].on {
		return
	}
	n.kernel.slots[vr].on = false
	w.judge.kernelChanged(vr)
	w.after(n, carrierDelay, func() {
		if v := &w.vrs[vr]; v.set < len(n.units) {
			u := n.units[v.set]
			w.step(n, u, group.Lost(v.index, fmt.Sprint(u.routers[v.index].cfg.Addresses[0])))
		}
	})
}

// Reconfigure changes how a node runs a set, in place.
func (w *World) Reconfigure(n *node, s int, change func(*Set, *NodeSet)) {
	change(&n.sets[s], &n.settings[s])
	n.post(func() {
		if s >= len(n.units) || n.units[s].stopped {
			return
		}
		u := n.units[s]
		groups := w.groups(n.index, s)
		acts, err := u.set.Reconfigure(n.clock.at(w.now), groups, nil)
		if err != nil {
			w.fail("%s refused a configuration: %v", n.name, err)
			return
		}
		for _, r := range u.routers { // before the orders, as in the engine
			r.cfg = u.set.Router(r.index).Config()
			r.key = keyOf(r.cfg)
		}
		w.perform(n, u, acts)
		w.schedule(n, u)
		w.judge.stepped(n, u, group.Tick())
	})
}
