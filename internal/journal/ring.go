package journal

import (
	"sort"

	"github.com/holdfast-net/holdfast/internal/api"
)

// ring keeps the newest entries in rising order of ID. IDs may have gaps:
// what was lost on the way to the disk is missing after a restart. Entries
// are immutable once put, so readers may keep the pointers.
type ring struct {
	slots []*api.Event
	first int // index of the oldest
	n     int
}

func newRing(size int) *ring { return &ring{slots: make([]*api.Event, size)} }

func (r *ring) at(i int) *api.Event { return r.slots[(r.first+i)%len(r.slots)] }

// put adds the newest entry, in place of the oldest when full.
func (r *ring) put(ev *api.Event) {
	if r.n < len(r.slots) {
		r.slots[(r.first+r.n)%len(r.slots)] = ev
		r.n++
		return
	}
	r.slots[r.first] = ev
	r.first = (r.first + 1) % len(r.slots)
}

// after appends the entries with an ID above id to out, at most limit, and
// says whether there were more.
func (r *ring) after(id uint64, limit int, out []*api.Event) (_ []*api.Event, more bool) {
	i := sort.Search(r.n, func(i int) bool { return r.at(i).ID > id })
	end := min(r.n, i+limit)
	for ; i < end; i++ {
		out = append(out, r.at(i))
	}
	return out, end < r.n
}
