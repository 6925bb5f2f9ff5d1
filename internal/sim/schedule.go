package sim

import (
	"fmt"
	"slices"
	"time"

	"github.com/holdfast-net/holdfast/internal/group"
	"github.com/holdfast-net/holdfast/internal/peer"
)

// faults fills a plan's schedule. Whatever a fault breaks is mended before the
// plan's end.
func (c chooser) faults(p *Plan) {
	interval := boundsOf(&p.Config, 1).interval
	together := c.often(0.5)
	for n := range p.Config.Nodes {
		at := 2 * time.Millisecond
		if !together {
			at += c.between(0, 6*interval)
		}
		p.add(at, func(w *World) { w.PowerOn(w.nodes[n]) }, "power on %s", p.name(n))
	}
	window := 2*time.Second + 30*interval
	s := scheduler{c, p, interval}
	for i := range 2 + c.IntN(7) {
		p.of = i + 1
		at := c.between(2*interval, window)
		length := c.between(interval/10, 12*interval)
		if c.often(0.2) {
			length += c.between(0, time.Second)
		}
		if p.Rough && c.often(0.5) {
			s.rough(at, length)
		} else {
			s.benign(at, length)
		}
	}
	p.of = 0
	p.End = max(p.End, window)
	// Whoever is down now is up again, so that all can be judged.
	p.add(p.End, func(w *World) {
		for _, n := range w.nodes {
			w.PowerOn(n)
		}
	}, "power on all")
}

func (p *Plan) add(at time.Duration, do func(*World), format string, a ...any) {
	p.Faults = append(p.Faults, Fault{At: at, Text: fmt.Sprintf(format, a...), do: do, of: p.of})
	p.End = max(p.End, at)
}

func (p *Plan) name(n int) string { return p.Config.Nodes[n].Name }

// scheduler adds faults to a plan.
type scheduler struct {
	chooser
	p        *Plan
	interval time.Duration
}

// benign adds something under which two nodes never hold for longer than an
// advert and an order take.
func (s scheduler) benign(at, length time.Duration) {
	p := s.p
	n := s.IntN(len(p.Config.Nodes))
	name := p.name(n)
	set := s.IntN(len(p.Config.Sets))
	lan := s.IntN(p.Config.LANs)
	switch s.pick(14, 12, 12, 20, 10, 10, 8, 8, 6, 4, 12) {
	case 0:
		p.add(at, func(w *World) { w.Crash(w.nodes[n]) }, "crash %s", name)
		p.add(at+length, func(w *World) { w.PowerOn(w.nodes[n]) }, "power on %s", name)
	case 1:
		p.add(at, func(w *World) { w.Stop(w.nodes[n]) }, "stop %s", name)
		p.add(at+length, func(w *World) { w.start(w.nodes[n]) }, "start %s", name)
	case 2:
		p.add(at, func(w *World) { w.Link(w.nodes[n], lan, false) }, "link of %s on lan %d down", name, lan)
		p.add(at+length, func(w *World) { w.Link(w.nodes[n], lan, true) }, "link of %s on lan %d up", name, lan)
	case 3:
		s.handover(at, set)
	case 4:
		on := group.MaintenanceOn()
		if s.often(0.3) {
			on = group.MaintenanceForced()
		}
		p.add(at, func(w *World) { w.Maintenance(w.nodes[n], on) }, "maintenance on %s (forced: %t)", name, on.Force)
		p.add(at+length, func(w *World) { w.Maintenance(w.nodes[n], group.MaintenanceOff()) }, "maintenance off %s", name)
	case 5:
		check := [...]string{"service", "disk"}[s.IntN(2)]
		p.add(at, func(w *World) { w.Check(w.nodes[n], check, "refused") }, "check %s fails on %s", check, name)
		p.add(at+length, func(w *World) { w.Check(w.nodes[n], check, "") }, "check %s passes on %s", check, name)
	case 6:
		vr := s.IntN(len(routersOf(p.Config.Sets)))
		p.add(at, func(w *World) { w.Delete(w.nodes[n], vr) }, "addresses of router %d deleted on %s", vr, name)
	case 7:
		s.reconfigure(at, n, set)
	case 8:
		path := p.Config.Path
		path.Twice = s.Float64() / 2
		p.add(at, func(w *World) { w.SetPath(lan, n, path) }, "the cable of %s on lan %d doubles frames", name, lan)
		p.add(at+length, func(w *World) { w.SetPath(lan, n, w.cfg.Path) }, "the cable of %s on lan %d is good", name, lan)
	case 10:
		l := lack{of: group.For(s.IntN(2)), wait: length, again: s.often(0.5)}
		p.rest = max(p.rest, length) // it may come again with the last fault
		p.add(at, func(w *World) { w.Lack(w.nodes[n], "flows", l) }, "%s lacks flows for %s at the most (%s, again: %t)", name, length, l.of, l.again)
		if s.often(0.5) {
			p.add(at+length/2, func(w *World) { w.Ready(w.nodes[n], "flows") }, "%s has its flows", name)
		}
		if s.often(0.7) {
			p.add(at+time.Millisecond, func(w *World) { w.Crash(w.nodes[n]) }, "crash %s", name)
			p.add(at+length/4, func(w *World) { w.PowerOn(w.nodes[n]) }, "power on %s", name)
		}
	case 9:
		// With authentication this would be rough: a process that starts
		// after its clock was put back repeats itself, as far as its peers
		// can tell.
		if by := s.between(-time.Hour, time.Hour); !authenticated(p.Config.Sets) {
			// Messages from before an earlier time are taken for old ones,
			// until the node has not been heard for a while.
			p.rest = max(p.rest, peer.Expiry)
			p.add(at, func(w *World) { w.SetClock(w.nodes[n], by) }, "the clock of %s is put by %s", name, by)
		}
	}
}

func authenticated(sets []Set) bool {
	for _, s := range sets {
		for _, g := range s.Groups {
			if g.HMAC != nil {
				return true
			}
		}
	}
	return false
}

// handover asks whoever holds the set.
func (s scheduler) handover(at time.Duration, set int) {
	to := ""
	if s.often(0.5) {
		to = s.p.name(s.IntN(len(s.p.Config.Nodes)))
	}
	again := s.often(0.2)
	s.p.add(at, func(w *World) {
		for _, n := range w.nodes {
			if set < len(n.units) && n.units[set].set.State() == group.Active {
				w.Handover(n, set, to)
				if again {
					w.Handover(n, set, "")
				}
			}
		}
	}, "handover of set %d to %q", set, to)
}

// reconfigure changes a setting in place.
func (s scheduler) reconfigure(at time.Duration, n, set int) {
	what := s.IntN(5)
	priority := uint8(1 + s.IntN(254))
	factor := time.Duration(1 + s.IntN(3))
	if what == 2 {
		s.p.slower = max(s.p.slower, 1) * factor
	}
	for o := range s.p.Config.Nodes {
		// Most settings are the same on all nodes, and never change on all
		// at the same time.
		if what < 2 && o != n {
			continue
		}
		s.p.add(at+s.between(0, 2*s.interval), func(w *World) {
			w.Reconfigure(w.nodes[o], set, func(c *Set, mine *NodeSet) {
				switch what {
				case 0:
					mine.Priority = priority
				case 1:
					mine.NoPreempt = !mine.NoPreempt
				case 2:
					for g := range c.Groups {
						if c.Groups[g].Version != 2 {
							c.Groups[g].Interval = min(c.Groups[g].Interval*factor, max(c.Groups[g].Interval, longestInterval))
						}
					}
				case 3:
					for g := range c.Groups {
						if h := c.Groups[g].HMAC; h != nil {
							rotated := *h
							rotated.Active = 3 - h.Active
							c.Groups[g].HMAC = &rotated
						}
					}
				default:
					for g := range c.Groups {
						c.Groups[g].Uses = nil
						c.Groups[g].Announce = group.Announce{Repeat: 3}
					}
				}
			})
		}, "change %d of set %d on %s", what, set, s.p.name(o))
	}
}

// rough adds a fault under which two nodes may hold: they do not hear each
// other, or one of them is not awake.
func (s scheduler) rough(at, length time.Duration) {
	p := s.p
	n := s.IntN(len(p.Config.Nodes))
	o := (n + 1 + s.IntN(len(p.Config.Nodes)-1)) % len(p.Config.Nodes)
	name := p.name(n)
	lan := s.IntN(p.Config.LANs)
	span := func(begin, end func(*World), format string, a ...any) {
		text := fmt.Sprintf(format, a...)
		p.add(at, func(w *World) { w.judge.disturb(); begin(w) }, "%s", text)
		p.add(at+length, func(w *World) { end(w); w.judge.settle() }, "over: %s", text)
	}
	// What befalls a process breaks no promise, but where another vendor's
	// router is among them, which has no gate.
	held := span
	if !slices.ContainsFunc(p.Config.Nodes, func(n Node) bool { return n.Plain }) {
		held = func(begin, end func(*World), format string, a ...any) {
			text := fmt.Sprintf(format, a...)
			p.add(at, begin, "%s", text)
			p.add(at+length, end, "over: %s", text)
		}
	}
	switch s.pick(20, 12, 30, 15, 10, 8, 5) {
	case 0:
		held(func(w *World) { w.Pause(w.nodes[n]) }, func(w *World) { w.Thaw(w.nodes[n]) }, "%s is paused", name)
	case 1:
		held(func(w *World) { w.Kill(w.nodes[n]) }, func(w *World) { w.start(w.nodes[n]) }, "%s is killed", name)
	case 2:
		what := [...]Cut{CutAll, CutIPv4, CutIPv6, CutMessages}[s.pick(50, 20, 20, 10)]
		both := s.often(0.5)
		set := func(c Cut) func(*World) {
			return func(w *World) {
				w.Cut(lan, n, o, c)
				if both {
					w.Cut(lan, o, n, c)
				}
			}
		}
		span(set(what), set(0), "cut %s -> %s on lan %d (what: %d, both ways: %t)", name, p.name(o), lan, what, both)
	case 3:
		path := p.Config.Path
		path.Loss = s.Float64() * 0.6
		span(func(w *World) { w.SetPath(lan, n, path) }, func(w *World) { w.SetPath(lan, n, w.cfg.Path) }, "%s loses %.0f%% on lan %d", name, path.Loss*100, lan)
	case 4:
		path := p.Config.Path
		path.Jitter, path.Reorder = s.between(0, 2*s.interval), true
		span(func(w *World) { w.SetPath(lan, n, path) }, func(w *World) { w.SetPath(lan, n, w.cfg.Path) }, "%s reorders within %s on lan %d", name, path.Jitter, lan)
	case 5:
		fail := s.Float64() * 0.5
		p.rest = max(p.rest, 7*time.Second) // a set that was refused waits before it tries again
		set := func(f float64) func(*World) {
			return func(w *World) {
				w.cfg.Kernel.Fail = f
				w.judge.refusal(f > 0)
			}
		}
		span(set(fail), set(0), "kernels refuse %.0f%% of all orders", fail*100)
	default:
		by := s.between(-5*time.Second, 5*time.Second)
		p.rest = max(p.rest, peer.Expiry)
		if s.often(0.5) {
			by *= 1000
		}
		begin := func(w *World) { w.SetClock(w.nodes[n], by) }
		if authenticated(p.Config.Sets) {
			// What was signed in a time to come makes all that is signed
			// until then look repeated.
			begin = func(w *World) { w.SetClock(w.nodes[n], by); w.judge.disturb() }
		}
		span(begin, func(w *World) { w.SetClock(w.nodes[n], -by) }, "the clock of %s is put by %s", name, by)
	}
}
