package engine

import "time"

// deadlines is a heap of units by the time they want to be stepped. Units
// without a deadline are not in it.
type deadlines []*unit

func (h deadlines) next() time.Time {
	if len(h) == 0 {
		return time.Time{}
	}
	return h[0].deadline
}

// due is the unit to step now, if there is one. It stays in the heap until its
// deadline is set anew.
func (h deadlines) due(now time.Time) *unit {
	if len(h) == 0 || h[0].deadline.After(now) {
		return nil
	}
	return h[0]
}

// set enters, moves or (for a zero t) takes out a unit.
func (h *deadlines) set(u *unit, t time.Time) {
	if u.at < 0 {
		if t.IsZero() {
			return
		}
		u.at = len(*h)
		*h = append(*h, u)
	}
	if t.IsZero() {
		h.remove(u)
		return
	}
	u.deadline = t
	h.down(u.at)
	h.up(u.at)
}

func (h *deadlines) remove(u *unit) {
	i, last := u.at, len(*h)-1
	if i < 0 {
		return
	}
	(*h).swap(i, last)
	(*h)[last] = nil
	*h = (*h)[:last]
	u.at = -1
	if i < last {
		h.down(i)
		h.up(i)
	}
}

func (h deadlines) swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].at, h[j].at = i, j
}

func (h deadlines) up(i int) {
	for i > 0 {
		p := (i - 1) / 2
		if !h[i].deadline.Before(h[p].deadline) {
			return
		}
		h.swap(i, p)
		i = p
	}
}

func (h deadlines) down(i int) {
	for {
		c := 2*i + 1
		if c >= len(h) {
			return
		}
		if c+1 < len(h) && h[c+1].deadline.Before(h[c].deadline) {
			c++
		}
		if !h[c].deadline.Before(h[i].deadline) {
			return
		}
		h.swap(i, c)
		i = c
	}
}
