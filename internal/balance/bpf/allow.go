package bpf

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/cilium/ebpf"
)

// recallAllowed learns which sources an earlier run has let in: what the first
// plans do not say of them is taken back.
func (p *Plane) recallAllowed() error {
	p.allowed = map[uint32]map[source]bool{}
	var k source
	var v uint32
	it := p.objs.HfAllowed.Iterate()
	for it.Next(&k, &v) {
		n := k.number()
		if p.allowed[n] == nil {
			p.allowed[n] = map[source]bool{}
		}
		p.allowed[n][k] = true
	}
	return it.Err()
}

// allow makes the list of sources of a service true: a new one is let in before
// an old one is not.
func (p *Plane) allow(number uint32, prefixes []netip.Prefix) error {
	have := p.allowed[number]
	if have == nil {
		have = map[source]bool{}
		p.allowed[number] = have
	}
	wanted := map[source]bool{}
	for _, prefix := range prefixes {
		k := sourceOf(number, prefix)
		wanted[k] = true
		if have[k] {
			continue
		}
		if err := p.objs.HfAllowed.Put(k, uint32(1)); err != nil {
			return fmt.Errorf("cannot allow %s: %w", prefix, err)
		}
		have[k] = true
	}
	for k := range have {
		if wanted[k] {
			continue
		}
		if err := p.objs.HfAllowed.Delete(k); err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
			return fmt.Errorf("cannot take back a permission: %w", err)
		}
		delete(have, k)
	}
	return nil
}

// allowNobodys takes back what is allowed for services that there are no more.
func (p *Plane) allowNobodys() error {
	var errs []error
	for number := range p.allowed {
		if p.numbers[number] == nil {
			err := p.allow(number, nil)
			if err == nil {
				delete(p.allowed, number)
			}
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
