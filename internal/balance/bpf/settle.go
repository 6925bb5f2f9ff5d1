package bpf

import "github.com/holdfast-net/holdfast/internal/balance"

// Settle is balance.Mirror's.
func (p *Plane) Settle(listen balance.Endpoint, settled bool) {
	p.alive.RLock()
	defer p.alive.RUnlock()
	p.settling.Lock()
	defer p.settling.Unlock()
	v := vipOf(listen)
	if delete(p.told, v); settled {
		p.told[v] = true
	}
	if n, known := p.names.Load().vips[v]; known && p.settled != nil {
		p.settled[n.at].set(settled)
	}
}

// settle brings what the program reads to what was told, when plans were applied.
func (p *Plane) settle() {
	p.settling.Lock()
	defer p.settling.Unlock()
	on := map[uint32]bool{}
	for v, n := range p.names.Load().vips {
		on[n.at] = p.told[v]
	}
	for at := range p.settled {
		p.settled[at].set(on[uint32(at)])
	}
}

// unsettle is for a place that gets another vip.
func (p *Plane) unsettle(at uint32) {
	p.settling.Lock()
	defer p.settling.Unlock()
	p.settled[at].set(false)
}

func (s *settled) set(on bool) {
	n := uint64(0)
	if on {
		n = 1
	}
	s.on.Store(n)
}
