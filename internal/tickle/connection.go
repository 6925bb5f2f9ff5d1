package tickle

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
)

// Connection is a TCP connection of a client, as the holder sees it.
type Connection struct {
	Local  netip.AddrPort // an address of a group, and the service's port
	Remote netip.AddrPort // the client
}

// hash spreads connections over buckets, with a seed that clients do not know,
// or they could choose ports that fill one bucket.
func (c Connection) hash(seed uint64) uint64 {
	a := c.Remote.Addr().As16()
	h := mix(seed^binary.NativeEndian.Uint64(a[:]), 0x9e3779b97f4a7c15)
	h = mix(h^binary.NativeEndian.Uint64(a[8:]), 0xa0761d6478bd642f)
	return mix(h^uint64(c.Remote.Port())<<16^uint64(c.Local.Port()), 0xe7037ed1a0b428db)
}

// mix folds the 128 bits of a product into 64, each of which depends on all that
// went in.
func mix(a, b uint64) uint64 {
	high, low := bits.Mul64(a, b)
	return high ^ low
}
