package mirror

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// share configures the ports of a node of a world anew.
func (n *node) shares(part int, fixed bool) {
	e := Configured{Share: Share{First: 16384, Last: 65535, Parts: 4, Part: part, Fixed: fixed}}
	for _, s := range n.m.services {
		e.Services = append(e.Services, s.Service)
	}
	for _, p := range n.m.peers {
		e.Peers = append(e.Peers, p.Peer)
	}
	n.step(e)
}

func (n *node) says(code string) bool {
	return slices.ContainsFunc(n.records, func(r string) bool { return strings.HasPrefix(r, code) })
}

// However the names of nodes fall, no two of them have the same ports.
func TestMachine_DividesThePorts(t *testing.T) {
	for name, c := range map[string]struct {
		parts []int
		fixed []bool
		want  []int // nil: as they like
		clash bool  // there is no way out, and it is said
	}{
		"no two have the same":              {[]int{2, 0, 1}, []bool{false, false, false}, []int{2, 0, 1}, false},
		"two have":                          {[]int{1, 1, 3}, []bool{false, false, false}, []int{1, 2, 3}, false},
		"all have":                          {[]int{1, 1, 1}, []bool{false, false, false}, []int{1, 2, 3}, false},
		"all four have":                     {[]int{3, 3, 3, 3}, []bool{false, false, false, false}, nil, false},
		"the file of one says so":           {[]int{1, 1}, []bool{false, true}, []int{2, 1}, false},
		"the files of both say so":          {[]int{1, 1}, []bool{true, true}, []int{1, 1}, true},
		"there are more nodes than parts":   {[]int{0, 1, 2, 3, 0}, []bool{false, false, false, false, false}, []int{0, 1, 2, 3, 0}, true},
		"the files of some take what it is": {[]int{0, 1, 0}, []bool{false, true, true}, []int{2, 1, 0}, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 1, len(c.parts))
			for i, n := range w.nodes {
				n.shares(c.parts[i], c.fixed[i])
			}
			w.run(10 * time.Second)
			clash := false
			for i, n := range w.nodes {
				if got := n.m.share.Part; !c.clash && c.want != nil && got != c.want[i] {
					t.Errorf("%s has part %d, want %d", n.name(), got, c.want[i])
				}
				if n.ports != n.m.share.Ports() {
					t.Errorf("%s takes ports %d, its part has %d", n.name(), n.ports, n.m.share.Ports())
				}
				for _, p := range n.m.Report(w.now).Peers {
					clash = clash || p.Clash
				}
			}
			if clash != c.clash {
				t.Errorf("two have the same: %t, want %t", clash, c.clash)
			}
			if c.clash && !slices.ContainsFunc(w.nodes, func(n *node) bool { return n.says(CodeShare) }) {
				t.Error("nobody says so")
			}
		})
	}
}
