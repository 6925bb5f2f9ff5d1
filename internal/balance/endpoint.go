package balance

import (
	"fmt"
	"net/netip"
	"strings"
)

// Endpoint is an address, a port and a protocol.
type Endpoint struct {
	netip.AddrPort
	Proto Proto
}

func (e Endpoint) String() string { return e.AddrPort.String() + "/" + e.Proto.String() }

// MarshalText gives the form that files have. Without it an endpoint would have
// that of its address and port, which say nothing of the protocol.
func (e Endpoint) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// UnmarshalText reads that form.
func (e *Endpoint) UnmarshalText(b []byte) error {
	address, proto, _ := strings.Cut(string(b), "/")
	a, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("cannot read endpoint: %w", err)
	}
	switch proto {
	case "tcp":
		*e = Endpoint{a, TCP}
	case "udp":
		*e = Endpoint{a, UDP}
	default:
		return fmt.Errorf("cannot read endpoint %s: its protocol is neither tcp nor udp", b)
	}
	return nil
}

// MarshalBinary is MarshalText.
func (e Endpoint) MarshalBinary() ([]byte, error) { return e.MarshalText() }

// UnmarshalBinary is UnmarshalText.
func (e *Endpoint) UnmarshalBinary(b []byte) error { return e.UnmarshalText(b) }
