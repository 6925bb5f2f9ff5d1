package gate

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/ringbuf"
	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/engine"
)

// Sighting tells that a frame from a MAC that is not one of this machine used
// a guarded address.
type Sighting struct {
	At    engine.Instant
	Slot  engine.Slot
	Addr  netip.Addr
	MAC   [6]byte
	Index int // of the interface
	Kind  SightingKind
}

// SightingKind is what the frame was.
type SightingKind uint8

// The kinds, as bpf/sightings.h has them.
const (
	ARPClaim SightingKind = iota + 1 // ARP with the address as the sender
	ARPProbe                         // ARP that asks whether somebody has it, RFC 5227 §2.1.1
	NDClaim                          // a neighbour advertisement
	NDSource                         // a neighbour solicitation from the address
	NDProbe                          // duplicate address detection, RFC 4862 §5.4
)

func (k SightingKind) String() string {
	switch k {
	case ARPClaim:
		return "ARP"
	case ARPProbe:
		return "ARP probe"
	case NDClaim:
		return "neighbour advertisement"
	case NDSource:
		return "neighbour solicitation"
	case NDProbe:
		return "duplicate address detection"
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// Claims says whether the sender uses the address, and does not only ask for
// it.
func (k SightingKind) Claims() bool { return k == ARPClaim || k == NDClaim || k == NDSource }

// sightingSize is the size of struct sighting.
const sightingSize = 40

func parseSighting(b []byte) (Sighting, bool) {
	if len(b) < sightingSize {
		return Sighting{}, false
	}
	n := binary.NativeEndian
	return Sighting{
		At:    engine.Instant(n.Uint64(b)),
		Slot:  engine.Slot(n.Uint32(b[8:])),
		Index: int(n.Uint32(b[12:])),
		Addr:  netip.AddrFrom16([16]byte(b[16:32])).Unmap(),
		MAC:   [6]byte(b[32:38]),
		Kind:  SightingKind(b[38]),
	}, true
}

// sightings calls fn for everything in the ring, until the context ends. The
// library's reader would wait on a thread of its own for what comes once a
// year; here the runtime's poller waits, as in package wire, and the reader
// only reads.
func (k *kernel) sightings(ctx context.Context, fn func(Sighting)) error {
	reader, err := ringbuf.NewReader(k.objs.HfSightings)
	if err != nil {
		return err
	}
	defer reader.Close()
	reader.SetDeadline(time.Unix(1, 0)) // never wait
	ring, err := pollable(k.objs.HfSightings)
	if err != nil {
		return err
	}
	defer ring.Close()
	defer context.AfterFunc(ctx, func() { _ = ring.SetReadDeadline(time.Unix(1, 0)) })()
	conn, err := ring.SyscallConn()
	if err != nil {
		return err
	}
	var rec ringbuf.Record
	var failed error
	err = conn.Read(func(uintptr) bool {
		for ctx.Err() == nil {
			failed = reader.ReadInto(&rec)
			if failed != nil {
				return !errors.Is(failed, os.ErrDeadlineExceeded)
			}
			if s, ok := parseSighting(rec.RawSample); ok {
				fn(s)
			}
		}
		return true
	})
	if ctx.Err() != nil {
		return nil
	}
	return errors.Join(err, failed)
}

// pollable is a second file descriptor of a map that the runtime's poller
// watches.
func pollable(m *ebpf.Map) (*os.File, error) {
	fd, err := unix.FcntlInt(uintptr(m.FD()), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	if err := unix.SetNonblock(fd, true); err != nil { // else os.File does not poll
		return nil, errors.Join(err, unix.Close(fd))
	}
	return os.NewFile(uintptr(fd), "sightings"), nil
}
