package proxy

import "github.com/holdfast-net/holdfast/internal/balance"

var _ balance.Roomer = (*Plane)(nil)

// Room implements [balance.Roomer].
func (p *Plane) Room() (balance.Room, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	bonds := balance.Table{Name: "affinity", Gives: true}
	for _, s := range p.services {
		if s.view.Load().plan.Service.Affinity > 0 {
			bonds.Used += uint64(s.memory.size())
			bonds.Size += uint64(s.memory.room())
		}
	}
	return balance.Room{Tables: []balance.Table{
		{Name: "sessions", Used: uint64(max(p.sessions.now.Load(), 0)), Size: uint64(p.sessions.most)}, bonds,
	}}, nil
}
