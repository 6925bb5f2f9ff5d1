package sim

import (
	"slices"

	"github.com/holdfast-net/holdfast/internal/group"
)

// readStep reads what happens.
func (s *script) readStep(r *reader) func(*World) {
	switch verb := r.word(); verb {
	case "power", "crash", "start", "stop", "kill", "pause", "thaw":
		return s.readLife(r, verb)
	case "link":
		n, lan := s.node(r), 0
		if r.next("on") {
			lan = r.number(len(subnets) - 1)
		}
		up := r.either("up", "down")
		return func(w *World) { w.Link(w.nodes[n], lan, up) }
	case "cut", "mend":
		return s.readCut(r, verb == "cut")
	case "loss":
		n, percent := s.node(r), r.number(100)
		return func(w *World) {
			p := w.cfg.Path
			p.Loss = float64(percent) / 100
			w.SetPath(0, n, p)
		}
	case "handover":
		n, to := s.node(r), ""
		if r.next("to") {
			to = s.cfg.Nodes[s.node(r)].Name
		}
		return func(w *World) { w.Handover(w.nodes[n], 0, to) }
	case "maintenance":
		n := s.node(r)
		ev := group.MaintenanceOn()
		switch {
		case r.next("off"):
			ev = group.MaintenanceOff()
		case r.next("forced"):
			ev = group.MaintenanceForced()
		case !r.next("on"):
			r.fail("maintenance is on, forced or off")
		}
		return func(w *World) { w.Maintenance(w.nodes[n], ev) }
	case "check":
		n, name, why := s.node(r), r.word(), ""
		if !r.either("passes", "fails") {
			why = "connection refused"
		}
		return func(w *World) { w.Check(w.nodes[n], name, why) }
	case "lack", "ready":
		return s.readLack(r, verb)
	case "delete":
		n := s.node(r)
		set, g := s.find(r, r.word())
		return func(w *World) {
			for vr := range w.vrs {
				if v := &w.vrs[vr]; v.set == set && v.group == g {
					w.Delete(w.nodes[n], vr)
				}
			}
		}
	case "change":
		return s.readChange(r)
	default:
		r.unknown(verb)
	}
	return nil
}

// readLife is what happens to machines and processes.
func (s *script) readLife(r *reader, verb string) func(*World) {
	nodes := []int{s.node(r)}
	for r.more() {
		nodes = append(nodes, s.node(r))
	}
	do := func(w *World, n *node) {
		switch verb {
		case "power":
			w.PowerOn(n)
		case "crash":
			w.Crash(n)
		case "start":
			w.start(n)
		case "stop":
			w.Stop(n)
		case "kill":
			w.judge.disturb()
			w.Kill(n)
		case "pause":
			w.judge.disturb()
			w.Pause(n)
		case "thaw":
			w.Thaw(n)
		}
	}
	return func(w *World) {
		for _, n := range nodes {
			do(w, w.nodes[n])
		}
	}
}

// readCut reads a cut from one node to another: what the first one says does
// not reach the second one.
func (s *script) readCut(r *reader, cut bool) func(*World) {
	from, to := s.node(r), s.node(r)
	what := CutAll
	switch {
	case r.next("ipv4"):
		what = CutIPv4
	case r.next("ipv6"):
		what = CutIPv6
	case r.next("messages"):
		what = CutMessages
	case r.next("firewall"):
		what = CutDaemon
	}
	if !cut {
		what = 0
	}
	return func(w *World) {
		if cut {
			w.judge.disturb()
		}
		w.Cut(0, from, to, what)
	}
}

// readChange reads a new configuration of a group on a node, or on all.
func (s *script) readChange(r *reader) func(*World) {
	nodes := []int{}
	if r.next("all") {
		for n := range s.cfg.Nodes {
			nodes = append(nodes, n)
		}
	} else {
		nodes = append(nodes, s.node(r))
	}
	set, g := s.find(r, r.word())
	var change func(*Set, *NodeSet)
	switch what := r.word(); what {
	case "priority":
		p := uint8(r.number(255))
		change = func(_ *Set, mine *NodeSet) { mine.Priority = p }
	case "addresses":
		a := r.addresses()
		change = func(c *Set, _ *NodeSet) { c.Groups[g].Addresses = slices.Clone(a) }
	case "interval":
		d := r.duration()
		change = func(c *Set, _ *NodeSet) { c.Groups[g].Interval = d }
	default:
		r.unknown(what)
	}
	return func(w *World) {
		for _, n := range nodes {
			w.Reconfigure(w.nodes[n], set, change)
		}
	}
}

func (s *script) node(r *reader) int {
	name := r.word()
	n, known := s.names[name]
	if !known {
		r.fail("there is no node %q", name)
	}
	return n
}

// either takes one of two words and reports whether it was the first.
func (r *reader) either(a, b string) bool {
	w := r.word()
	if w != a && w != b {
		r.fail("%q is neither %s nor %s", w, a, b)
	}
	return w == a
}
