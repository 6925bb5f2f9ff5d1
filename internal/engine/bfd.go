package engine

// BFD is the Kind of a packet of package bfd: UDP, to port 3784, with TTL 255,
// from one source port for all sessions of an interface and family
// (RFC 5881 §4).
const BFD Kind = Vote + 1

// BFDWire is a Wire that carries BFD on the interfaces that are told to.
type BFDWire interface {
	Wire
	// OpenBFD starts it on an open interface, and tries again what failed
	// before. Close ends it with the interface.
	OpenBFD(Port) error
	// CloseBFD stops it.
	CloseBFD(Port)
}
