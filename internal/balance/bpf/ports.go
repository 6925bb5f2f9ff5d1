package bpf

import "fmt"

// Ports is balance.Mirror's. Flows keep the ports that they have.
func (p *Plane) Ports(own [2]uint16) error {
	p.alive.RLock()
	defer p.alive.RUnlock()
	if p.watch == nil || *p.own.Load() == own {
		return nil // it is closed, or they are
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.own.Store(&own)
	p.config.Ports = own
	for _, s := range p.services {
		if s.plan == nil {
			continue
		}
		for _, e := range s.plan.Service.Listen {
			if err := p.listen(s, vipOf(e), p.settingsOf(s, s.plan, e, uint32(len(s.plan.Table)))); err != nil {
				return fmt.Errorf("cannot have %s take other ports: %w", s.plan.Service.Name, err)
			}
		}
	}
	return nil
}
