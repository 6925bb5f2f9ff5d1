package tcp

import "golang.org/x/sys/unix"

// Instructions of the kernel's socket filters, and places outside of the packet
// (linux/filter.h).
const (
	loadByte  = unix.BPF_LD | unix.BPF_B | unix.BPF_ABS
	loadHalf  = unix.BPF_LD | unix.BPF_H | unix.BPF_ABS
	loadWord  = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
	loadByteX = unix.BPF_LD | unix.BPF_B | unix.BPF_IND // X bytes further on
	headerToX = unix.BPF_LDX | unix.BPF_B | unix.BPF_MSH
	toX       = unix.BPF_MISC | unix.BPF_TAX
	equal     = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
	equalX    = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_X
	anyBit    = unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K
	shift     = unix.BPF_ALU | unix.BPF_RSH | unix.BPF_K
	and       = unix.BPF_ALU | unix.BPF_AND | unix.BPF_K
	addX      = unix.BPF_ALU | unix.BPF_ADD | unix.BPF_X
	verdict   = unix.BPF_RET | unix.BPF_K

	atProtocol = 0xfffff000
	atKind     = 0xfffff004 // PACKET_OUTGOING and the like
)

type instructions = []unix.SockFilter

// require goes on only if a comparison holds, and refuse only if it does not.
func require(code uint16, k uint32) instructions {
	return instructions{{Code: code, K: k, Jt: 1}, {Code: verdict}}
}

func refuse(code uint16, k uint32) instructions {
	return instructions{{Code: code, K: k, Jf: 1}, {Code: verdict}}
}

// bare is the filter: segments of TCP that did not leave from here, without
// data, without RST, and in one piece.
func bare() instructions {
	four := join(
		instructions{{Code: loadByte, K: 9}}, require(equal, unix.IPPROTO_TCP),
		instructions{{Code: loadHalf, K: 6}}, refuse(anyBit, 0x3fff),
		instructions{{Code: headerToX}, {Code: loadByteX, K: 13}}, refuse(anyBit, flagRST),
		// The packet is as long as its two headers are.
		instructions{{Code: loadByteX, K: 12}, {Code: shift, K: 2}, {Code: and, K: 0x3c}, {Code: addX}, {Code: toX}, {Code: loadHalf, K: 2}},
		require(equalX, 0), instructions{{Code: verdict, K: snap}},
	)
	six := join( // without extension headers
		instructions{{Code: loadByte, K: 6}}, require(equal, unix.IPPROTO_TCP),
		instructions{{Code: loadByte, K: 40 + 13}}, refuse(anyBit, flagRST),
		instructions{{Code: loadByte, K: 40 + 12}, {Code: shift, K: 2}, {Code: and, K: 0x3c}, {Code: toX}, {Code: loadHalf, K: 4}},
		require(equalX, 0), instructions{{Code: verdict, K: snap}},
	)
	return join(
		instructions{{Code: loadWord, K: atKind}}, refuse(equal, unix.PACKET_OUTGOING),
		instructions{{Code: loadWord, K: atProtocol}, {Code: equal, K: unix.ETH_P_IP, Jf: uint8(len(four))}}, four,
		require(equal, unix.ETH_P_IPV6), six,
	)
}

func join(parts ...instructions) (out instructions) {
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}
