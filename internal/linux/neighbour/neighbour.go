// Package neighbour helps the kernel to find neighbours again after an
// interface was cut off.
//
// A packet that left while nothing could be reached made the kernel ask for
// its next hop, in vain. It asks again only once a second, and nothing hastens
// that: a node that takes an address over in this second receives what clients
// send, and keeps its answers back. Without that entry, the next packet asks
// at once.
package neighbour

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/linux/rtnl"
)

// Attributes of linux/neighbour.h, NDA_..., and the size of struct ndmsg.
const (
	attrDst       = 1
	attrCacheInfo = 3
	attrIfindex   = 8
	headerSize    = 12
)

// tick is the unit of struct nda_cacheinfo: USER_HZ is 100 everywhere.
const tick = 10 * time.Millisecond

// Unstick deletes the entries of an interface for neighbours that have been
// asked for in vain for so long, in both families. Who answers at all does so
// within a fraction of a millisecond on a LAN. What waits for such a neighbour
// is lost.
func Unstick(c *rtnl.Conn, index int, longer time.Duration) error {
	var stuck []rtnl.Request
	body := rtnl.AppendUint32(make([]byte, headerSize, headerSize+8), attrIfindex, uint32(index))
	err := c.Dump(unix.RTM_GETNEIGH, body, func(b []byte) {
		if dst, ok := inVain(b, index, longer); ok {
			stuck = append(stuck, remove(b, dst))
		}
	})
	if err != nil {
		return fmt.Errorf("cannot list neighbours: %w", err)
	}
	errs := []error{c.Do(stuck)}
	for _, r := range stuck {
		if r.Err != nil && !errors.Is(r.Err, unix.ENOENT) {
			errs = append(errs, fmt.Errorf("cannot forget a neighbour: %w", r.Err))
		}
	}
	return errors.Join(errs...)
}

// inVain gives the address of an entry that the kernel asks for in vain.
func inVain(b []byte, index int, longer time.Duration) (dst []byte, ok bool) {
	if len(b) < headerSize || int(binary.NativeEndian.Uint32(b[4:])) != index ||
		binary.NativeEndian.Uint16(b[8:])&unix.NUD_INCOMPLETE == 0 {
		return nil, false
	}
	var age time.Duration
	rtnl.Attrs(b[headerSize:], func(typ uint16, v []byte) {
		switch {
		case typ == attrDst:
			dst = append([]byte(nil), v...)
		case typ == attrCacheInfo && len(v) >= 12: // confirmed, used, updated, ...
			age = time.Duration(binary.NativeEndian.Uint32(v[8:])) * tick
		}
	})
	return dst, dst != nil && age >= longer
}

func remove(entry, dst []byte) rtnl.Request {
	b := append(make([]byte, 0, headerSize+20), entry[0], 0, 0, 0)
	b = append(b, entry[4:8]...)
	b = append(b, 0, 0, 0, 0)
	return rtnl.Request{Type: unix.RTM_DELNEIGH, Body: rtnl.AppendAttr(b, attrDst, dst)}
}
