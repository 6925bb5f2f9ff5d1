package wire

import (
	"fmt"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/vrrp"
)

// What the kernel drops before it wakes anyone. RFC 9568 §7.1 wants wrong
// adverts counted and named by cause (TTL, version, checksum, ...), and the
// router that does so is found by the VRID, the second byte. So the filter
// drops only what cannot be meant for any router:
//
//   - what is addressed to another multicast group or to broadcast;
//   - what is too short to have a VRID.
//
// Everything else passes, whatever its version, type or length: VRRPv2 and
// v3, and also CARP (which is told from them by its contents, and a person
// wants to know that it shares a VRID with them).

// dropAll is the filter of a socket that is not set up yet.
var dropAll = []bpf.Instruction{bpf.RetConstant{Val: 0}}

// Offsets from here on count from the network header, SKF_NET_OFF of
// linux/filter.h.
const networkHeader = 0xfff00000

const accept = 0x40000

// advertFilter is the filter of a raw socket. A load beyond the packet's end
// drops it.
func advertFilter(family vrrp.Family) []bpf.Instruction {
	if family == vrrp.IPv6 {
		// A raw IPv6 socket sees the packet from behind the IP header on.
		return append([]bpf.Instruction{
			bpf.LoadAbsolute{Off: 1, Size: 1}, // a VRID
			bpf.LoadAbsolute{Off: networkHeader + 24, Size: 4},
			bpf.JumpIf{Cond: bpf.JumpLessThan, Val: 0xff000000, SkipTrue: 8}, // unicast
		}, destination6()...)
	}
	return []bpf.Instruction{
		bpf.LoadMemShift{Off: 0},          // X = length of the IP header
		bpf.LoadIndirect{Off: 1, Size: 1}, // a VRID
		bpf.LoadAbsolute{Off: 16, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: be32(vrrp.Group4.AsSlice()), SkipTrue: 2},
		bpf.JumpIf{Cond: bpf.JumpLessThan, Val: 0xe0000000, SkipTrue: 1}, // unicast
		bpf.RetConstant{Val: 0},
		bpf.RetConstant{Val: accept},
	}
}

// destination6 compares the destination, whose first word is loaded, with
// the group.
func destination6() []bpf.Instruction {
	group := vrrp.Group6.AsSlice()
	return []bpf.Instruction{
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: be32(group[0:]), SkipTrue: 6},
		bpf.LoadAbsolute{Off: networkHeader + 28, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: be32(group[4:]), SkipTrue: 4},
		bpf.LoadAbsolute{Off: networkHeader + 32, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: be32(group[8:]), SkipTrue: 2},
		bpf.LoadAbsolute{Off: networkHeader + 36, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: be32(group[12:]), SkipTrue: 1},
		bpf.RetConstant{Val: 0},
		bpf.RetConstant{Val: accept},
	}
}

func be32(b []byte) uint32 {
	return uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
}

// filter attaches a filter, replacing the one before.
func (s *socket) filter(program []bpf.Instruction) error {
	raw, err := bpf.Assemble(program)
	if err != nil {
		return fmt.Errorf("cannot assemble the packet filter: %w", err)
	}
	code := make([]unix.SockFilter, len(raw))
	for i, r := range raw {
		code[i] = unix.SockFilter{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	prog := unix.SockFprog{Len: uint16(len(code)), Filter: &code[0]}
	if err := unix.SetsockoptSockFprog(s.fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &prog); err != nil {
		return fmt.Errorf("cannot attach the packet filter: %w", err)
	}
	return nil
}
