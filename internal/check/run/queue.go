package run

import (
	"container/heap"
	"time"
)

// queue orders items by an instant. An item is in at most one queue.
type queue struct{ entries entries }

// entry is an item's place in a queue.
type entry struct {
	item *item
	at   time.Time
	pos  int    // index in the queue
	in   *queue // nil: in none
}

type entries []*entry

func (e entries) Len() int           { return len(e) }
func (e entries) Less(i, j int) bool { return e[i].at.Before(e[j].at) }
func (e entries) Swap(i, j int) {
	e[i], e[j] = e[j], e[i]
	e[i].pos, e[j].pos = i, j
}

// Push and Pop are for package heap.
func (e *entries) Push(x any) {
	n := x.(*entry)
	n.pos = len(*e)
	*e = append(*e, n)
}

func (e *entries) Pop() any {
	last := len(*e) - 1
	x := (*e)[last]
	(*e)[last] = nil
	*e = (*e)[:last]
	return x
}

// first is the earliest entry; nil where there is none.
func (q *queue) first() *entry {
	if len(q.entries) == 0 {
		return nil
	}
	return q.entries[0]
}

// set puts an entry in, or moves it.
func (q *queue) set(e *entry, at time.Time) {
	if e.in == q {
		if !e.at.Equal(at) {
			e.at = at
			heap.Fix(&q.entries, e.pos)
		}
		return
	}
	e.at, e.in = at, q
	heap.Push(&q.entries, e)
}

// remove takes an entry out, if it is in.
func (q *queue) remove(e *entry) {
	if e.in == q {
		heap.Remove(&q.entries, e.pos)
		e.in = nil
	}
}
