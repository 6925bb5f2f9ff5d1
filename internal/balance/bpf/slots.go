package bpf

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/cilium/ebpf"
)

// slots are those of hf_targets. Slot 0 is nobody's: what belongs to no service
// is counted there, and its weight is the next id, for the next process.
//
// What a flow names is a slot and the id in it. These ids are the plane's own:
// they stay with an address when another process takes over, whatever IDs its
// plans have.
type slots struct {
	used   map[uint32]target
	by     map[owner]uint32
	freed  map[uint32]time.Time
	nextID uint32
	next   uint32
}

// owner is who has a slot: an address in a service, or (the zero address) the
// service itself.
type owner struct {
	service uint32
	addr    netip.AddrPort
}

func ownerOf(t target) owner {
	if t.Addr == (address{}) {
		return owner{service: t.Service}
	}
	return owner{t.Service, t.addr()}
}

// recall finds the targets that an earlier run has left.
func (s *slots) recall(m *ebpf.Map) error {
	s.used, s.by, s.freed = map[uint32]target{}, map[owner]uint32{}, map[uint32]time.Time{}
	s.nextID, s.next = 1, 1
	var at uint32
	var t target
	it := m.Iterate()
	for it.Next(&at, &t) {
		if at == 0 {
			s.nextID = max(s.nextID, t.Weight)
		}
		if t.ID == 0 {
			continue
		}
		s.used[at], s.by[ownerOf(t)] = t, at
		s.nextID = max(s.nextID, t.ID+1)
	}
	return it.Err()
}

// take gives the slot of an owner, a fresh one if it has none.
func (s *slots) take(o owner) (slot, id uint32, fresh bool, err error) {
	if at, ok := s.by[o]; ok {
		return at, s.used[at].ID, false, nil
	}
	for range maxTargets {
		at := s.next
		if s.next++; s.next == maxTargets {
			s.next = 1
		}
		if _, used := s.used[at]; used || time.Since(s.freed[at]) < quarantine {
			continue
		}
		id = s.nextID
		s.nextID++
		return at, id, true, nil
	}
	return 0, 0, false, fmt.Errorf("there are %d backends already", len(s.used))
}

// set writes a target where it differs from what is there.
func (s *slots) set(m *ebpf.Map, at uint32, t target) error {
	if s.used[at] == t {
		return nil
	}
	if _, known := s.used[at]; !known {
		// Flows may outlive a target and this process: an id is given once.
		if err := m.Put(uint32(0), target{Weight: s.nextID}); err != nil {
			return fmt.Errorf("cannot note a number: %w", err)
		}
	}
	if err := m.Put(at, t); err != nil {
		return fmt.Errorf("cannot write a backend: %w", err)
	}
	s.used[at], s.by[ownerOf(t)] = t, at
	delete(s.freed, at)
	return nil
}

// free gives up the slots that keep says nothing of.
func (s *slots) free(m *ebpf.Map, now time.Time, keep func(slot uint32, t target) bool) error {
	var errs []error
	for at, t := range s.used {
		if keep(at, t) {
			continue
		}
		if err := m.Put(at, target{}); err != nil {
			errs = append(errs, fmt.Errorf("cannot remove a backend: %w", err))
			continue
		}
		delete(s.used, at)
		delete(s.by, ownerOf(t))
		s.freed[at] = now
	}
	return errors.Join(errs...)
}
