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

// reaches reports whether a node certainly hears a majority of the store behind a
// split, and is heard by it: where hosts fell apart into sides, and no other way.
func (e Event) reaches(m Mode, node string) bool {
	members := storeNames[:m.Stores]
	if m.embedded() {
		members = names[:m.Nodes]
	}
	heard := 0
	for _, o := range members {
		if e.Sides && !slices.Contains(e.Cut, Cut{node, o}) {
			heard++
		}
	}
	return heard > len(members)/2
}

// serves reports whether somebody can hold behind a split.
func (e Event) serves(m Mode) bool {
	return slices.ContainsFunc(names[:m.Nodes], func(node string) bool { return e.reaches(m, node) })
}
