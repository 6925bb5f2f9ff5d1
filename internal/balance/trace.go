package balance

import (
	"net/netip"
	"time"
)

// Look is which packets are to be told of.
type Look struct {
	Service string         // only of this one; empty: of all
	Backend netip.AddrPort // only of this one of the service; invalid: of all
	Client  netip.Prefix   // only of clients from there; invalid: of all
	Snap    int            // how many bytes of a packet are told at most
}

// MaxSnap is the most that a [Look] gets of a packet.
const MaxSnap = 256

// Fate is what became of a packet.
type Fate uint8

const (
	Lost     Fate = iota // dropped
	PassedOn             // the kernel has it, and routes it
	Sent                 // to the backend or the client
)

// Sighting is one packet that a plane saw.
type Sighting struct {
	Time      time.Time
	Interface string // that it came by
	Service   string
	Client    netip.AddrPort
	Backend   netip.AddrPort // invalid: none was chosen
	Answer    bool           // it came from the backend
	Fate      Fate
	// Reason is why it was dropped or, of one that was sent, why its sender was
	// told something instead ("too big"). Empty: there is none.
	Reason string
	// CameAs and LeftAs are the beginnings of the frame; Came and Left are how
	// long it was. LeftAs is empty where it was dropped.
	CameAs, LeftAs []byte
	Came, Left     int
	// Missed is how many there was no room for, since the trace began.
	Missed uint64
}

// Tracer is a plane whose packets nobody else sees.
type Tracer interface {
	// Trace calls see with each packet that is looked for, until stop is
	// closed, see returns false, or the plane is closed. The slices are the caller's
	// again after the call. One looks at a time.
	Trace(stop <-chan struct{}, l Look, see func(*Sighting) bool) error
}
