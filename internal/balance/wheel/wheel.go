package wheel

import "container/heap"

// Expand gives a wheel of at most limit slots, each with a place in the list of
// weights. Every weight that is not zero has a slot; where there are more of
// them than limit, each has one. The wheel of no weights is empty.
func Expand(weights []uint32, limit int) []uint16 {
	slots := Slots(weights, limit)
	size := 0
	for _, n := range slots {
		size += n
	}
	if size == 0 {
		return nil
	}
	// begins has the turns whose window begins at a slot; who waits has a
	// window that has begun.
	begins := make([][]turn, size)
	for place, n := range slots {
		if n > 0 {
			begins[0] = append(begins[0], turn{place: uint16(place), of: n, size: size})
		}
	}
	var waits turns
	wheel := make([]uint16, size)
	for slot := range wheel {
		for _, t := range begins[slot] {
			heap.Push(&waits, t)
		}
		t := heap.Pop(&waits).(turn)
		wheel[slot] = t.place
		if t.nth++; t.nth < t.of {
			begin := max(t.begin(), slot+1)
			begins[begin] = append(begins[begin], t)
		}
	}
	return wheel
}

// turn is the nth of all turns of a backend in one round of the wheel.
type turn struct {
	place   uint16
	nth, of int
	size    int
}

// begin is the first slot in which the turn may be, end the one after the last.
func (t turn) begin() int { return t.nth * t.size / t.of }
func (t turn) end() int   { return ((t.nth+1)*t.size + t.of - 1) / t.of }

// turns is a heap: the one that has to end first is first, and of those with
// one end the one that began later, for its window is the narrower; then the
// order of the list.
type turns []turn

func (h turns) Len() int      { return len(h) }
func (h turns) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

func (h turns) Less(i, j int) bool {
	a, b := h[i], h[j]
	switch {
	case a.end() != b.end():
		return a.end() < b.end()
	case a.begin() != b.begin():
		return a.begin() > b.begin()
	}
	return a.place < b.place
}

func (h *turns) Push(x any) { *h = append(*h, x.(turn)) }

func (h *turns) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}
