package etcd

import "sync"

// identity is which cluster the endpoints lead to.
type identity struct {
	mu sync.Mutex
	is uint64   // zero: not known yet
	of []uint64 // what each member said last
}

// belongs notes of which cluster a member says to be, and tells whether that
// is the one.
func (d *identity) belongs(member int, id uint64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.of[member] = id
	if d.is == 0 {
		d.is = id
	}
	if d.is == id {
		return true
	}
	same := 0
	for _, o := range d.of {
		if o == id {
			same++
		}
	}
	if 2*same > len(d.of) {
		d.is = id
	}
	return d.is == id
}

// known says whether an identity is the one, where it is known.
func (d *identity) known(id uint64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.is == 0 || d.is == id
}
