package mirror

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/holdfast-net/holdfast/internal/balance"
)

// Bits of the first byte of a flow.
const (
	flagGone     = 1 << iota
	flagTold     // the backend knows the client by another address: Source follows
	flagClient   // the backend knows it by its own: Source is the client
	flagClient6  // the client is of IPv6
	flagBackend6 // so is the backend
	flagSource6  // so is Source
	flagsAll     = 1<<6 - 1
)

// nowhere stands for a backend that is not known any more, of a flow that is
// gone.
var nowhere = netip.AddrPortFrom(netip.IPv4Unspecified(), 0)

// smallest is how many bytes a flow takes at least, and usual how many it takes
// most often.
const (
	smallest = 6 + 6 + 6
	usual    = smallest + 6
)

// most is how many flows one frame has room for.
const most = 1000

// appendChanges encodes changes, in runs of those of one service.
func appendChanges(b []byte, changes []balance.Change) []byte {
	b = slices.Grow(b, 64+usual*len(changes))
	for len(changes) > 0 {
		n := 1
		for n < len(changes) && n < 1<<16-1 && changes[n].Listen == changes[0].Listen {
			n++
		}
		b = appendEndpoint(b, changes[0].Listen)
		b = binary.BigEndian.AppendUint16(b, uint16(n))
		for _, c := range changes[:n] {
			b = appendChange(b, &c)
		}
		changes = changes[n:]
	}
	return b
}

func appendChange(b []byte, c *balance.Change) []byte {
	at := len(b)
	b = append(b, 0, c.Ends)
	b = binary.BigEndian.AppendUint32(b, uint32(min(max(c.Idle/time.Millisecond, 0), 1<<32-1)))
	b = appendAddrPort(b, c.Client)
	backend := c.Backend
	if !backend.IsValid() {
		backend = nowhere
	}
	b = appendAddrPort(b, backend)
	flags := byte(0)
	if c.Gone {
		flags |= flagGone
	}
	if c.Client.Addr().Is6() {
		flags |= flagClient6
	}
	if c.Backend.Addr().Is6() {
		flags |= flagBackend6
	}
	switch {
	case !c.Source.IsValid():
	case c.Source == c.Client:
		flags |= flagClient
	default:
		flags |= flagTold
		if c.Source.Addr().Is6() {
			flags |= flagSource6
		}
		b = appendAddrPort(b, c.Source)
	}
	b[at] = flags
	return b
}

// parseChanges decodes what appendChanges made.
func parseChanges(b []byte) (out []balance.Change, err error) {
	for len(b) > 0 {
		var listen balance.Endpoint
		if listen, b, err = parseEndpoint(b); err != nil {
			return nil, err
		}
		if len(b) < 2 {
			return nil, fmt.Errorf("%w: a run without its length", ErrFrame)
		}
		n := int(binary.BigEndian.Uint16(b))
		b = b[2:]
		out = slices.Grow(out, min(n, len(b)/smallest))
		for range n {
			c := balance.Change{Flow: balance.Flow{Listen: listen}}
			if b, err = parseChange(b, &c); err != nil {
				return nil, err
			}
			out = append(out, c)
		}
	}
	return out, nil
}

func parseChange(b []byte, c *balance.Change) (rest []byte, err error) {
	if len(b) < 6 {
		return nil, fmt.Errorf("%w: half a flow", ErrFrame)
	}
	flags := b[0]
	if flags&^flagsAll != 0 || flags&flagTold != 0 && flags&flagClient != 0 {
		return nil, fmt.Errorf("%w: a flow with flags %#x", ErrFrame, flags)
	}
	c.Gone, c.Ends = flags&flagGone != 0, b[1]
	c.Idle = time.Duration(binary.BigEndian.Uint32(b[2:])) * time.Millisecond
	b = b[6:]
	if c.Client, b, err = parseAddrPort(b, flags&flagClient6 != 0); err != nil {
		return nil, err
	}
	if c.Backend, b, err = parseAddrPort(b, flags&flagBackend6 != 0); err != nil {
		return nil, err
	}
	if c.Backend == nowhere {
		c.Backend = netip.AddrPort{}
	}
	switch {
	case flags&flagClient != 0:
		c.Source = c.Client
	case flags&flagTold != 0:
		c.Source, b, err = parseAddrPort(b, flags&flagSource6 != 0)
	}
	return b, err
}

func appendAddrPort(b []byte, a netip.AddrPort) []byte {
	b = append(b, a.Addr().AsSlice()...)
	return binary.BigEndian.AppendUint16(b, a.Port())
}

func parseAddrPort(b []byte, six bool) (netip.AddrPort, []byte, error) {
	n := 4
	if six {
		n = 16
	}
	if len(b) < n+2 {
		return netip.AddrPort{}, nil, fmt.Errorf("%w: half an address", ErrFrame)
	}
	a, _ := netip.AddrFromSlice(b[:n])
	if a.Is4In6() {
		return netip.AddrPort{}, nil, fmt.Errorf("%w: %s", ErrFrame, a)
	}
	return netip.AddrPortFrom(a, binary.BigEndian.Uint16(b[n:])), b[n+2:], nil
}

// appendEndpoint encodes where a service listens: family, protocol, address,
// port.
func appendEndpoint(b []byte, e balance.Endpoint) []byte {
	family := byte(4)
	if e.Addr().Is6() {
		family = 6
	}
	return appendAddrPort(append(b, family, byte(e.Proto)), e.AddrPort)
}

func parseEndpoint(b []byte) (e balance.Endpoint, rest []byte, err error) {
	if len(b) < 2 || b[0] != 4 && b[0] != 6 {
		return e, nil, fmt.Errorf("%w: half an endpoint", ErrFrame)
	}
	e.Proto = balance.Proto(b[1])
	if e.Proto != balance.TCP && e.Proto != balance.UDP {
		return e, nil, fmt.Errorf("%w: protocol %d", ErrFrame, b[1])
	}
	e.AddrPort, rest, err = parseAddrPort(b[2:], b[0] == 6)
	return e, rest, err
}
