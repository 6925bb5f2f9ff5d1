package peer

import (
	"slices"
	"time"
)

// Calls remembers what each node of one virtual router called last, so that no
// call is heeded twice. Hellos have no say in it: anybody can forge one, with
// the name of a node and the time of tomorrow. The zero Calls is empty and
// ready.
type Calls struct{ last []called } // the longest ago heard first

type called struct {
	from        string
	sent, heard time.Time
}

// Fresh notes a call that was verified. It reports false for one that is not
// newer than the last of its sender: repeated, or late.
func (t *Calls) Fresh(c Call, k Key, now time.Time) bool {
	// A call that was first heard a window before its time can be heard again
	// until a window after it.
	memory := max(2*k.Window, Expiry)
	t.last = slices.DeleteFunc(t.last, func(o called) bool { return now.Sub(o.heard) > memory })
	i := slices.IndexFunc(t.last, func(o called) bool { return o.from == c.From })
	switch {
	case i >= 0 && !c.Sent.After(t.last[i].sent):
		return false
	case i >= 0:
		t.last = slices.Delete(t.last, i, i+1)
	case len(t.last) == maxNodes:
		t.last = slices.Delete(t.last, 0, 1)
	}
	t.last = append(t.last, called{c.From, c.Sent, now})
	return true
}
