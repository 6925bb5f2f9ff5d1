package check

import "net/netip"

// BFD looks at a BFD session (RFC 5880) that this node keeps: fit while it is
// up. It starts none: sessions come from the groups with `bfd:`.
//
//	bfd: 192.0.2.2
//	bfd: {peer: fe80::2, dev: eth0}
type BFD struct {
	Peer netip.Addr // the neighbour
	Dev  string     // the interface of the session; empty: any
}

// Word is the kind's key in the file.
func (BFD) Word() string { return "bfd" }

// Target is the neighbour.
func (x BFD) Target() string { return x.Peer.String() }

// Problems says what is wrong. Fields: peer, dev.
func (x BFD) Problems() []Problem {
	var p problems
	p.add(!x.Peer.IsValid(), "peer", "for example bfd: 192.0.2.2", "there is no neighbour")
	p.add(x.Dev != "" && !linkName(x.Dev), "dev", "", "%q cannot be the name of an interface", x.Dev)
	return p
}
