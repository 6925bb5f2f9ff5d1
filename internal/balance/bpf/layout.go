package bpf

import (
	"encoding/binary"
	"net/netip"
	"sync/atomic"

	"github.com/holdfast-net/holdfast/internal/balance"
)

// What follows are the structs of bpf/maps.h, for the maps.

const (
	maxServices   = 1024
	maxTargets    = 8192
	maxVIPs       = 4096
	maxTranslates = 8
)

// address is struct addr: IPv4 as ::ffff:a.b.c.d.
type address = [16]byte

// port is in network byte order.
type port = [2]byte

func portOf(n uint16) (p port) {
	binary.BigEndian.PutUint16(p[:], n)
	return p
}

type tuple struct {
	Src, Dst     address
	Sport, Dport port
}

func joined(a address, p port) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom16(a).Unmap(), binary.BigEndian.Uint16(p[:]))
}

const (
	clientSide  = 0
	backendSide = 1
)

type flowKey struct {
	Tuple       tuple
	Proto, Side uint8
	Zero        uint16
}

// other is the key of packets in the other direction.
func (k flowKey) other(to tuple) flowKey {
	return flowKey{
		Tuple: tuple{Src: to.Dst, Dst: to.Src, Sport: to.Dport, Dport: to.Sport},
		Proto: k.Proto, Side: 1 - k.Side,
	}
}

// Bits of flow.Ends.
const (
	clientFin  = 1
	backendFin = 2
	reset      = 4
	answered   = 8
)

type flow struct {
	Seen                    uint64
	Service, Slot, ID, Ends uint32
	To                      tuple
	Zero                    uint32
}

func (f flow) closed() bool {
	const both = clientFin | backendFin
	return f.Ends&reset != 0 || f.Ends&both == both
}

type vip struct {
	Addr        address
	Port        port
	Proto, Zero uint8
}

func vipOf(e balance.Endpoint) vip {
	return vip{Addr: e.Addr().As16(), Port: portOf(e.Port()), Proto: uint8(e.Proto)}
}

type place struct{ At, Number, Table uint32 }

// settings is struct service.
type settings struct {
	Seed                                  [16]byte
	Affinity, MaxFlows                    uint64
	Number, Table, Size, Nobody, Rate     uint32
	Translate, Translates                 uint32
	Port, Ports                           uint16
	Select, Forward, OnDown, OnRemoved    uint8
	Encapsulation, Source, Listed, Family uint8
}

type target struct {
	Service, ID      uint32
	Addr             address
	Port             port
	State, Zero      uint8
	Weight, MaxFlows uint32
	Nobody           uint32
	From             address
}

func (t target) addr() netip.AddrPort { return joined(t.Addr, t.Port) }

const reasons = 13

type counters struct {
	Began, Made                              uint64
	PacketsIn, BytesIn, PacketsOut, BytesOut uint64
	Drops                                    [reasons]uint64
}

// settled is struct settled of bpf/stranger.h: shared with the kernel.
type settled struct {
	on   atomic.Uint64
	_, _ uint64 // the program's own
}

type portRange struct{ First, Last uint16 }

type source struct {
	Bits    uint32
	Service [4]byte // in network byte order
	Addr    address
}

func sourceOf(number uint32, p netip.Prefix) source {
	bits := p.Bits()
	if p.Addr().Is4() {
		bits += 96
	}
	s := source{Bits: uint32(32 + bits), Addr: p.Masked().Addr().As16()}
	binary.BigEndian.PutUint32(s.Service[:], number)
	return s
}

func (s source) number() uint32 { return binary.BigEndian.Uint32(s.Service[:]) }

// What a MAC is: enum mac_kind.
const (
	kindVirtual uint32 = 1
	kindOwn     uint32 = 2
)

type virtualMAC struct {
	Ifindex uint32
	MAC     [6]byte
	Zero    uint16
}
