package balance

import (
	"crypto/sha256"
	"encoding/binary"
)

// Digest is the same for two plans exactly where new flows go the same ways by
// them: nodes compare it before they take over each other's flows. Generations,
// and backends that were removed, are of no consequence to it.
func (p *Plan) Digest() [32]byte {
	sum := sha256.New()
	number := func(n uint64) {
		var b [8]byte
		binary.LittleEndian.PutUint64(b[:], n)
		sum.Write(b[:])
	}
	number(uint64(p.Select))
	if p.Select == ByFlow || p.Select == BySource {
		sum.Write(p.Seed[:]) // of no consequence to turns and counts
	}
	number(uint64(p.Service.Sources[0])<<8 | uint64(p.Service.Sources[1]))
	for _, t := range p.Targets {
		if t.State != Up {
			continue
		}
		addr := t.Addr.Addr().As16()
		sum.Write(addr[:])
		number(uint64(t.Addr.Port())<<32 | uint64(t.ID))
		number(uint64(t.Weight)<<32 | uint64(t.MaxFlows))
	}
	number(uint64(len(p.Table)))
	ids := make([]byte, 4*len(p.Table))
	for slot, place := range p.Table {
		binary.LittleEndian.PutUint32(ids[4*slot:], p.Targets[place].ID)
	}
	sum.Write(ids)
	return [32]byte(sum.Sum(nil))
}
