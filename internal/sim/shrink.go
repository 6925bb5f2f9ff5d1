package sim

import "slices"

// Shrink leaves out of a plan that fails whatever it does not need to fail, so
// that its story can be read. What is left out changes the random choices of
// the run, so the smaller plan may fail in another way: it is still a failure.
func (p *Plan) Shrink() *Plan {
	small := p
	for again := true; again; {
		again = false
		for _, misfortune := range small.misfortunes() {
			if less := small.without(misfortune); len(less.Play(Story{})) > 0 {
				small, again = less, true
			}
		}
	}
	return small
}

// misfortunes lists what can be left out. A fault and its end go together.
func (p *Plan) misfortunes() []int {
	var out []int
	for _, f := range p.Faults {
		if f.of != 0 && !slices.Contains(out, f.of) {
			out = append(out, f.of)
		}
	}
	return out
}

func (p *Plan) without(misfortune int) *Plan {
	less := *p
	less.Faults = slices.DeleteFunc(slices.Clone(p.Faults), func(f Fault) bool { return f.of == misfortune })
	return &less
}
