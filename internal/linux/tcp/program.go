package tcp

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Operations of linux/inet_diag.h, and sizes of struct inet_diag_bc_op and of
// the struct inet_diag_hostcond that follows a condition, without its address.
const (
	opJump       = 1
	opSourceIs   = 7
	opSize       = 4
	hostCondSize = 8
)

// maxAddresses is how many addresses one program can ask for: its jumps have 16
// bits.
const maxAddresses = 1024

// program makes the kernel choose the sockets whose own address is one of
// addrs. For each address it has a condition, and behind that a jump to the end,
// where what gets there is chosen; who fails the condition leaps over the jump,
// and after the last one over the end.
func program(addrs []netip.Addr) []byte {
	total := -opSize // the last condition needs no jump
	for _, a := range addrs {
		total += opSize + hostCondSize + a.BitLen()/8 + opSize
	}
	b := make([]byte, 0, total)
	for i, a := range addrs {
		size := opSize + hostCondSize + a.BitLen()/8
		b = appendOp(b, opSourceIs, size, size+opSize)
		family := byte(unix.AF_INET)
		if a.Is6() {
			family = unix.AF_INET6
		}
		b = append(b, family, byte(a.BitLen()), 0, 0, 0xff, 0xff, 0xff, 0xff) // any port
		b = append(b, a.AsSlice()...)
		if i < len(addrs)-1 {
			b = appendOp(b, opJump, opSize, total-len(b))
		}
	}
	return b
}

// appendOp appends an operation: how far it is to the next one if it holds, and
// if not. A jump never holds, whatever its first distance is for.
func appendOp(b []byte, code byte, yes, no int) []byte {
	b = append(b, code, byte(yes))
	return binary.NativeEndian.AppendUint16(b, uint16(no))
}
