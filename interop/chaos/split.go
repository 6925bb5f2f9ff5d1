package chaos

import (
	"slices"

	"github.com/holdfast-net/holdfast/internal/lab"
)

// split makes the hosts of a plan fall apart: into two or three sides that hear
// nothing of each other, into two of which one hears the other, or into anything,
// each direction between two of them for itself.
func (c chooser) split(m Mode) (cuts []Cut, sides bool) {
	hosts := slices.Clone(names[:m.Nodes])
	hosts = append(hosts, storeNames[:m.Stores]...)
	shape := c.pick(45, 15, 15, 25)
	side := make([]int, len(hosts))
	for i := range side {
		side[i] = c.IntN(2 + shape%2)
	}
	side[0], side[1+c.IntN(len(hosts)-1)] = 0, 1 // nobody is left out, and somebody is
	often := []float64{0.15, 0.4}[c.IntN(2)]
	for i, from := range hosts {
		for j, to := range hosts {
			apart := side[i] != side[j]
			switch {
			case i == j:
				continue
			case shape == 2:
				apart = side[i] < side[j]
			case shape == 3:
				apart = c.often(often)
			}
			if apart {
				cuts = append(cuts, Cut{from, to})
			}
		}
	}
	return cuts, shape < 2
}

func (e Event) losses() []lab.Loss {
	var out []lab.Loss
	for _, c := range e.Cut {
		out = append(out, lab.Loss{From: c.From, To: c.To, Percent: 100})
	}
	return out
}

// serves reports whether somebody can hold behind a split into sides: on one of
// them are a node and a majority of the store.
func (e Event) serves(m Mode) bool {
	if !e.Sides {
		return false
	}
	hosts := slices.Clone(names[:m.Nodes])
	hosts = append(hosts, storeNames[:m.Stores]...)
	members := hosts[m.Nodes:]
	if m.embedded() {
		members = hosts[:m.Nodes]
	}
	for _, node := range hosts[:m.Nodes] {
		heard := 0
		for _, o := range members {
			if !slices.Contains(e.Cut, Cut{node, o}) {
				heard++
			}
		}
		if heard > len(members)/2 {
			return true
		}
	}
	return false
}
