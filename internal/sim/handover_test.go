package sim

import (
	"flag"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/group"
	"github.com/holdfast-net/holdfast/vrrp"
)

// planned is one way in which an address moves because somebody wants it to.
type planned struct {
	name string
	move func(w *World, holder *node)
}

var moves = flag.Int("moves", max(3/slow, 1), "how many seeds to play for each planned move")

var plannedMoves = []planned{
	{"handover to a named node", func(w *World, h *node) {
		// To the one that would come last if it were not named.
		var last *node
		for _, n := range w.nodes {
			if n != h && (last == nil || n.settings[0].Priority < last.settings[0].Priority) {
				last = n
			}
		}
		w.Handover(h, 0, last.name)
	}},
	{"handover to the best", func(w *World, h *node) { w.Handover(h, 0, "") }},
	{"maintenance", func(w *World, h *node) { w.Maintenance(h, group.MaintenanceOn()) }},
	{"clean stop", func(w *World, h *node) { w.Stop(h) }},
	{"check with a veto", func(w *World, h *node) { w.Check(h, "service", "refused") }},
	{"check with a weight", func(w *World, h *node) { w.Check(h, "disk", "full") }},
	{"priority lowered", func(w *World, h *node) {
		w.Reconfigure(h, 0, func(_ *Set, mine *NodeSet) { mine.Priority = 5 })
	}},
}

// TestPlannedMoves_LoseNothing asks every address up to two thousand times a
// second, and demands every answer, and that never two nodes answer.
func TestPlannedMoves_LoseNothing(t *testing.T) {
	t.Parallel()
	families := map[string][]vrrp.Family{"v4": {vrrp.IPv4}, "v6": {vrrp.IPv6}, "v4+v6": {vrrp.IPv4, vrrp.IPv6}}
	for _, m := range plannedMoves {
		for _, interval := range []time.Duration{10 * time.Millisecond, 100 * time.Millisecond, time.Second} {
			for name, f := range families {
				for _, virtual := range []bool{false, true} {
					for groups := 1; groups <= 3; groups += 2 {
						t.Run(fmt.Sprintf("%s/%s/%s/virtual=%t/groups=%d", m.name, interval, name, virtual, groups), func(t *testing.T) {
							for seed := range uint64(*moves) {
								move(t, calm(seed, interval, f, virtual, groups), seed, m)
							}
						})
					}
				}
			}
		}
	}
}

// calm is a world of three nodes in which nothing breaks. a has the highest
// priority.
func calm(seed uint64, interval time.Duration, f []vrrp.Family, virtual bool, groups int) Config {
	cfg := Config{
		LANs: 1, Virtual: virtual, Probe: max(interval/40, 500*time.Microsecond),
		Path:   Path{Delay: 30 * time.Microsecond, Jitter: 40 * time.Microsecond},
		Kernel: Kernel{Latency: time.Duration(seed%5) * time.Millisecond / 2, Jitter: 300 * time.Microsecond},
		Late:   50 * time.Microsecond,
		Nodes: []Node{
			{Name: "a", Sets: []NodeSet{{Priority: 150}}},
			{Name: "b", Sets: []NodeSet{{Priority: 120}}, Tail: 7},
			{Name: "c", Sets: []NodeSet{{Priority: 100}}},
		},
		Sets: []Set{{}},
	}
	for g := range groups {
		cfg.Sets[0].Groups = append(cfg.Sets[0].Groups, Group{
			Name: fmt.Sprintf("g%d", g), VRID: uint8(10 + g), Families: f, Interval: interval,
			Uses: []group.Use{{Check: "service"}, {Check: "disk", Weight: 100}},
		})
	}
	return cfg
}

// move plays one move from beginning to end.
func move(t *testing.T, cfg Config, seed uint64, m planned) {
	t.Helper()
	var story []string
	w := New(cfg, seed, Story{Kernel: true, Adverts: true, Line: func(s string) { story = append(story, s) }})
	for _, n := range w.nodes {
		w.PowerOn(n)
	}
	w.Run(5*cfg.Sets[0].Groups[0].Interval + 200*time.Millisecond)
	holder := w.nodes[0]
	if got := w.judge.answering(0); len(got) != 1 || got[0] != holder {
		t.Fatalf("before the move %d nodes answer", len(got))
	}
	begun := w.now
	w.judge.longest = 0
	m.move(w, holder)
	w.Run(5*cfg.Sets[0].Groups[0].Interval + time.Second)
	problems := slices.Clone(w.judge.problems)
	for vr := range w.vrs {
		if lost := w.lost(vr, begun, w.now-100*time.Millisecond); lost > 0 {
			problems = append(problems, fmt.Sprintf("%d probes of %s were lost", lost, w.vrs[vr].name))
		}
		if got := w.judge.answering(vr); len(got) != 1 || got[0] == holder {
			problems = append(problems, fmt.Sprintf("%s did not move", w.vrs[vr].name))
		}
	}
	if w.judge.longest > 0 {
		problems = append(problems, fmt.Sprintf("two nodes answered for %s", w.judge.longest))
	}
	if len(problems) == 0 {
		return
	}
	for _, line := range story {
		t.Log(line)
	}
	for _, p := range problems {
		t.Error(p)
	}
	t.FailNow()
}
