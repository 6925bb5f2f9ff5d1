package hands

import (
	"fmt"
	"maps"
	"slices"

	"github.com/holdfast-net/holdfast/internal/linux/macvlan"
	"github.com/holdfast-net/holdfast/internal/linux/rtnl"
)

// Taking a macvlan down, or deleting it, makes the kernel wait until no CPU
// uses it any more: 10 to 30 milliseconds each, during which no other change
// to any interface of the namespace gets through. Without addresses a macvlan
// answers for nothing, so none of this is urgent, and an order to install
// must not wait behind 254 of them. The worker does it when nothing else is
// to be done.

// chore is what remains to be done to a macvlan that has no addresses.
type chore uint8

const (
	takeDown chore = iota + 1
	discard
)

// doChore does a part of what remains and says whether there is more.
func (h *hand) doChore() (more bool) {
	switch {
	case len(h.chores) == 0:
		return false
	case h.open() != nil:
		return false // the next order says why
	case h.deleteDoomed():
	default:
		index := slices.Min(slices.Collect(maps.Keys(h.chores)))
		reqs := []rtnl.Request{macvlan.Down(index)}
		h.send(reqs)
		if err := reqs[0].Err; err != nil && !gone(err) {
			h.complain(fmt.Errorf("cannot take interface %d down: %w", index, err))
		}
		delete(h.chores, index)
	}
	return len(h.chores) > 0
}

// deleteDoomed deletes the macvlans that are to be deleted, all at once: that
// takes no longer than one. It says whether there were any.
func (h *hand) deleteDoomed() bool {
	var doomed []int
	for index, c := range h.chores {
		if c == discard {
			doomed = append(doomed, index)
			delete(h.chores, index)
		}
	}
	defer h.unguardRetired()
	if len(doomed) == 0 {
		return false
	}
	slices.Sort(doomed)
	h.complain(macvlan.DeleteAll(h.nl, h.conn, doomed))
	return true
}

func (h *hand) complain(err error) {
	if err != nil {
		h.hands.cfg.Report(h.ifname, err.Error())
	}
}
