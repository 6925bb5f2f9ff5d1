package bpf

import (
	"errors"
	"fmt"
	"slices"
	"time"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/balance"
)

// service is what the plane knows of one that it serves.
type service struct {
	number uint32
	nobody uint32
	table  uint32 // in use: one of two
	slots  []uint32
	plan   *balance.Plan
}

// apply makes a plan true. What a packet sees first is written last.
func (p *Plane) apply(plan *balance.Plan) error {
	s, err := p.serviceFor(plan)
	if err != nil {
		return err
	}
	if s.plan == plan {
		return nil
	}
	if err := p.setTargets(s, plan); err != nil {
		return err
	}
	if err := p.allow(s.number, plan.Service.Allow); err != nil {
		return err
	}
	for i, a := range plan.Service.Translate {
		if err := p.objs.HfTranslate.Put(s.number*maxTranslates+uint32(i), a.As16()); err != nil {
			return fmt.Errorf("cannot write an address to send from: %w", err)
		}
	}
	size, err := p.setTable(s, plan)
	if err != nil {
		return err
	}
	for _, e := range plan.Service.Listen {
		if err := p.listen(s, vipOf(e), p.settingsOf(s, plan, e, size)); err != nil {
			return fmt.Errorf("cannot listen on %s: %w", e, err)
		}
	}
	s.plan = plan
	return nil
}

// serviceFor finds a service by its name, or by where it listened in an earlier
// run, so that its flows stay.
func (p *Plane) serviceFor(plan *balance.Plan) (*service, error) {
	name := plan.Service.Name
	if s := p.services[name]; s != nil {
		return s, nil
	}
	s := &service{}
	for _, e := range plan.Service.Listen {
		if at, ok := p.places[vipOf(e)]; ok && p.numbers[at.Number] == nil {
			s.number, s.table = at.Number, at.Table
			break
		}
	}
	if s.number == 0 {
		n, err := p.freeNumber()
		if err != nil {
			return nil, err
		}
		s.number = n
	}
	nobody, id, err := p.take(owner{service: s.number})
	if err != nil {
		return nil, err
	}
	s.nobody = nobody
	if err := p.slots.set(p.objs.HfTargets, nobody, target{Service: s.number, ID: id, Nobody: nobody}); err != nil {
		return nil, err
	}
	p.services[name], p.numbers[s.number] = s, s
	return s, nil
}

// freeNumber is one that nobody has, also not in what an earlier run has left:
// flows would belong to somebody else.
func (p *Plane) freeNumber() (uint32, error) {
	taken := map[uint32]bool{}
	for _, at := range p.places {
		taken[at.Number] = true
	}
	for _, t := range p.slots.used {
		taken[t.Service] = true
	}
	for n := uint32(1); n < maxServices; n++ {
		if !taken[n] && p.numbers[n] == nil {
			return n, nil
		}
	}
	return 0, fmt.Errorf("there are %d services already", len(p.numbers))
}

// take gives the slot of an owner. A fresh one has counted nothing yet.
func (p *Plane) take(o owner) (slot, id uint32, err error) {
	slot, id, fresh, err := p.slots.take(o)
	if err != nil || !fresh {
		return slot, id, err
	}
	t := &p.tallies[slot]
	t.flows.Store(0)
	t.turn.Store(0)
	cpus, err := ebpf.PossibleCPU()
	if err == nil {
		err = p.objs.HfCounters.Put(slot, make([]counters, cpus))
	}
	if err != nil {
		return 0, 0, fmt.Errorf("cannot reset counters: %w", err)
	}
	return slot, id, nil
}

func (p *Plane) setTargets(s *service, plan *balance.Plan) error {
	slots := make([]uint32, len(plan.Targets))
	for i, t := range plan.Targets {
		at, id, err := p.take(owner{s.number, t.Addr})
		if err != nil {
			return err
		}
		var from address // none: no way leads there
		if plan.Service.Forward == balance.Tunnel {
			from, _ = sourceTo(t.Addr.Addr())
		}
		err = p.slots.set(p.objs.HfTargets, at, target{
			Service: s.number, ID: id, Addr: t.Addr.Addr().As16(), Port: portOf(t.Addr.Port()),
			State: uint8(t.State), Weight: t.Weight, MaxFlows: t.MaxFlows, Nobody: s.nobody, From: from,
		})
		if err != nil {
			return err
		}
		slots[i] = at
	}
	s.slots = slots
	return nil
}

// setTable puts the plan's table beside the one in use.
func (p *Plane) setTable(s *service, plan *balance.Plan) (size uint32, err error) {
	if len(plan.Table) == 0 {
		return 0, nil
	}
	if s.table == 2*s.number {
		s.table = 2*s.number + 1
	} else {
		s.table = 2 * s.number
	}
	m, err := ebpf.NewMap(&ebpf.MapSpec{
		Type: ebpf.Array, KeySize: 4, ValueSize: 4, MaxEntries: uint32(len(plan.Table)), Flags: unix.BPF_F_INNER_MAP,
	})
	if err != nil {
		return 0, fmt.Errorf("cannot make a table: %w", err)
	}
	defer m.Close() // the one that holds it keeps it
	keys, values := make([]uint32, len(plan.Table)), make([]uint32, len(plan.Table))
	for i, t := range plan.Table {
		keys[i], values[i] = uint32(i), s.slots[t]
	}
	if _, err := m.BatchUpdate(keys, values, nil); err != nil {
		return 0, fmt.Errorf("cannot fill a table: %w", err)
	}
	if err := p.objs.HfTables.Put(s.table, m); err != nil {
		return 0, fmt.Errorf("cannot place a table: %w", err)
	}
	return uint32(len(plan.Table)), nil
}

func (p *Plane) settingsOf(s *service, plan *balance.Plan, e balance.Endpoint, size uint32) settings {
	of := plan.Service
	set := settings{
		Seed: plan.Seed, Affinity: uint64(of.Affinity), MaxFlows: of.MaxFlows,
		Number: s.number, Table: s.table, Size: size, Nobody: s.nobody, Rate: of.NewPerSecond,
		Translate: s.number * maxTranslates, Translates: uint32(len(of.Translate)),
		Port: p.config.Ports[0], Ports: uint16(min(uint32(p.config.Ports[1])-uint32(p.config.Ports[0])+1, 65535)),
		Select: uint8(plan.Select), Forward: uint8(of.Forward), OnDown: uint8(of.OnDown), OnRemoved: uint8(of.OnRemoved),
		Encapsulation: uint8(of.Encapsulation), Family: 4, Source: 128,
	}
	if n := of.Sources[0]; n != 0 && e.Addr().Is4() {
		set.Source = 96 + n
	}
	if e.Addr().Is6() {
		set.Family = 6
		if n := of.Sources[1]; n != 0 {
			set.Source = n
		}
	}
	if len(of.Allow) > 0 {
		set.Listed = 1
	}
	return set
}

// listen replaces the settings of a vip, as a whole.
func (p *Plane) listen(s *service, v vip, set settings) error {
	at, known := p.places[v]
	if !known {
		taken := map[uint32]bool{}
		for _, other := range p.places {
			taken[other.At] = true
		}
		for taken[at.At] {
			at.At++
		}
		if at.At >= maxVIPs {
			return fmt.Errorf("there are %d others already", len(p.places))
		}
	}
	m, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: uint32(unsafe.Sizeof(settings{})), MaxEntries: 1})
	if err != nil {
		return err
	}
	defer m.Close()
	if err := errors.Join(m.Put(uint32(0), set), p.objs.HfServices.Put(at.At, m)); err != nil {
		return err
	}
	if !known {
		p.unsettle(at.At)
	}
	at.Number, at.Table = s.number, s.table
	if err := p.objs.HfVips.Put(v, at); err != nil {
		return err
	}
	p.places[v] = at
	return nil
}

// removeOthers forgets all services but these, and all backends that no plan
// names. Their flows belong to nobody from then on.
func (p *Plane) removeOthers(wanted map[string]bool) error {
	var errs []error
	for name, s := range p.services {
		if !wanted[name] {
			delete(p.services, name)
			delete(p.numbers, s.number)
		}
	}
	errs = append(errs, p.allowNobodys())
	listens := map[vip]bool{}
	keep := map[uint32]bool{}
	for _, s := range p.services {
		keep[s.nobody] = true
		for _, at := range s.slots {
			keep[at] = true
		}
		if s.plan != nil {
			for _, e := range s.plan.Service.Listen {
				listens[vipOf(e)] = true
			}
		}
	}
	for v, at := range p.places {
		if listens[v] {
			continue
		}
		err := errors.Join(p.objs.HfVips.Delete(v), ignoreMissing(p.objs.HfServices.Delete(at.At)))
		if err != nil {
			errs = append(errs, fmt.Errorf("cannot stop to listen: %w", err))
			continue
		}
		delete(p.places, v)
	}
	errs = append(errs, p.slots.free(p.objs.HfTargets, time.Now(), func(at uint32, _ target) bool { return keep[at] }))
	return errors.Join(errs...)
}

func ignoreMissing(err error) error {
	if errors.Is(err, ebpf.ErrKeyNotExist) {
		return nil
	}
	return err
}

// translate brings the set of addresses that full NAT sends from to the plans.
func (p *Plane) translate() error {
	wanted := map[address]bool{}
	for _, s := range p.services {
		if s.plan != nil && s.plan.Service.Forward == balance.FullNAT {
			for _, a := range s.plan.Service.Translate {
				wanted[a.As16()] = true
			}
		}
	}
	var gone []address
	var k address
	var v portRange
	it := p.objs.HfTranslated.Iterate()
	for it.Next(&k, &v) {
		if !wanted[k] {
			gone = append(gone, k)
		}
	}
	errs := []error{it.Err()}
	for a := range wanted {
		// The whole of what any node may take: a packet for another node's flow
		// must not be answered by the host either.
		errs = append(errs, p.objs.HfTranslated.Put(a, portRange{First: p.config.AllPorts[0], Last: p.config.AllPorts[1]}))
	}
	for _, a := range gone {
		errs = append(errs, p.objs.HfTranslated.Delete(a))
	}
	return errors.Join(errs...)
}

// targetID is what the plan calls the target in a slot.
func (s *service) targetID(slot uint32) (id uint32, ok bool) {
	if i := slices.Index(s.slots, slot); i >= 0 {
		return s.plan.Targets[i].ID, true
	}
	return 0, false
}
