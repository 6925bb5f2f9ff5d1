package peer

import (
	"slices"
	"time"
)

// Calls remembers what each node of one virtual router called last, so that no
// call is heeded twice. Hellos have no say in it: anybody can forge one, with
// the name of a node and the time of tomorrow. The zero Calls is empty and
// ready.
type Calls struct{ last []Called } // the longest ago heard first

// Called is the last call of a node.
type Called struct {
	From        string
	Sent, Heard time.Time
}

// Estate is what is remembered, for another process of this node to [Calls.Inherit]:
// what one has heeded, the next one does not heed again.
func (t *Calls) Estate() []Called { return slices.Clone(t.last) }

// Inherit makes an empty Calls go on with it.
func (t *Calls) Inherit(e []Called) { t.last = slices.Clone(e) }

// Fresh notes a call that was verified. It reports false for one that is not
// newer than the last of its sender: repeated, or late.
func (t *Calls) Fresh(c Call, k Key, now time.Time) bool {
	// A call that was first heard a window before its time can be heard again
	// until a window after it.
	memory := max(2*k.Window, Expiry)
	t.last = slices.DeleteFunc(t.last, func(o Called) bool { return now.Sub(o.Heard) > memory })
	i := slices.IndexFunc(t.last, func(o Called) bool { return o.From == c.From })
	switch {
	case i >= 0 && !c.Sent.After(t.last[i].Sent):
		return false
	case i >= 0:
		t.last = slices.Delete(t.last, i, i+1)
	case len(t.last) == maxNodes:
		t.last = slices.Delete(t.last, 0, 1)
	}
	t.last = append(t.last, Called{c.From, c.Sent, now})
	return true
}
