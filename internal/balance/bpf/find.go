package bpf

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/cilium/ebpf"

	"github.com/holdfast-net/holdfast/internal/balance"
	"github.com/holdfast-net/holdfast/internal/balance/flowhash"
)

var _ balance.Finder = (*Plane)(nil)

// Find is balance.Finder's: what the program would find in its maps for a
// client's packet.
func (p *Plane) Find(name string, at balance.Endpoint, client netip.AddrPort) (balance.Sight, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := balance.Sight{Flows: map[uint32]uint64{}}
	s := p.services[name]
	if s == nil || s.plan == nil {
		return out, fmt.Errorf("cannot look for a flow of %s: it is not served", name)
	}
	for _, slot := range append([]uint32{s.nobody}, s.slots...) {
		id, _ := s.targetID(slot)
		out.Flows[id] = uint64(max(p.tallies[slot].flows.Load(), 0))
	}
	out.Turn = uint32(p.tallies[s.nobody].turn.Load() % uint64(max(len(s.plan.Table), 1)))
	hash := flowhash.Flow(s.plan.Seed, client, at.AddrPort, uint8(at.Proto))
	size := uint32(len(s.plan.Table))
	out.Random = [2]uint32{flowhash.Slot(hash, size), flowhash.Slot(hash<<32, size)}
	if err := errors.Join(p.findFlow(at, client, &out), p.findBond(s, client.Addr(), &out)); err != nil {
		return out, fmt.Errorf("cannot look for a flow of %s: %w", name, err)
	}
	return out, nil
}

// findFlow looks in both tiers, as the program does.
func (p *Plane) findFlow(at balance.Endpoint, client netip.AddrPort, out *balance.Sight) error {
	k := flowKey{
		Tuple: tuple{
			Src: client.Addr().As16(), Dst: at.Addr().As16(), Sport: portOf(client.Port()), Dport: portOf(at.Port()),
		},
		Proto: uint8(at.Proto), Side: clientSide,
	}
	var f, back flow
	m := p.objs.HfFlows
	err := m.Lookup(k, &f)
	out.Established = err == nil
	if errors.Is(err, ebpf.ErrKeyNotExist) {
		m = p.objs.HfHalf
		err = m.Lookup(k, &f)
	}
	if err != nil {
		return ignoreMissing(err)
	}
	now := monotonic()
	out.Flow = balance.Flow{Listen: at, Client: client, Ends: uint8(f.Ends), Idle: age(now, f.Seen)}
	if f.To.Dport != (port{}) {
		out.Backend, out.Source = joined(f.To.Dst, f.To.Dport), joined(f.To.Src, f.To.Sport)
		// Each direction notes for itself when it was seen.
		if err := m.Lookup(k.other(f.To), &back); err == nil {
			out.Idle = min(out.Idle, age(now, back.Seen))
		} else if !errors.Is(err, ebpf.ErrKeyNotExist) {
			return err
		}
	}
	out.Lasts, out.Gone = p.timeout(k, f, out.Established), p.gone(f)
	if t, ok := p.slots.used[f.Slot]; ok && !out.Gone {
		out.Backend = t.addr() // also where the destination stays the service's
	}
	return nil
}

// bondKey and bond are struct client and struct bond.
type bondKey struct {
	Service uint32
	Source  address
}

type bond struct {
	Slot, ID uint32
	Until    uint64
}

func (p *Plane) findBond(s *service, client netip.Addr, out *balance.Sight) error {
	if s.plan.Service.Affinity == 0 {
		return nil
	}
	k := bondKey{Service: s.number, Source: flowhash.Prefix(client, s.plan.Service.Sources).Addr().As16()}
	var b bond
	if err := p.objs.HfBonds.Lookup(k, &b); err != nil {
		return ignoreMissing(err)
	}
	t, ok := p.slots.used[b.Slot]
	now := monotonic()
	if !ok || t.ID != b.ID || t.Service != s.number || b.Until <= now {
		return nil
	}
	out.Bond, out.Bound = t.addr(), time.Duration(b.Until-now)
	return nil
}
