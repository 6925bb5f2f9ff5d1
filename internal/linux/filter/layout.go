package filter

import (
	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// Names of the sets. The ones for link-local addresses have linkSuffix.
const (
	quietSet   = "quiet"
	closedSet  = "closed"
	linkSuffix = "_link"
)

// setID names one set in the kernel.
type setID struct {
	family nftables.TableFamily
	name   string
}

// layout is the content of the table of one family.
type layout struct {
	sets   []setLayout
	chains []chainLayout
}

type setLayout struct {
	name string
	key  nftables.SetDatatype
	pair bool // the key is (interface index, address)
}

type chainLayout struct {
	name  string
	hook  *nftables.ChainHook
	rules func(sets map[setID]*nftables.Set) [][]expr.Any
}

// hookARPOut is NF_ARP_OUT of linux/netfilter_arp.h.
const hookARPOut = 1

// families is every family that we ever make a table in.
func families() []nftables.TableFamily {
	return []nftables.TableFamily{nftables.TableFamilyARP, nftables.TableFamilyIPv6, nftables.TableFamilyIPv4}
}

// layoutOf is the content of our table in a family.
func layoutOf(family nftables.TableFamily) layout {
	switch family {
	case nftables.TableFamilyARP:
		return layout{
			sets:   []setLayout{{name: quietSet, key: nftables.TypeIPAddr}},
			chains: []chainLayout{{"output", nftables.ChainHookRef(hookARPOut), arpOutput}},
		}
	case nftables.TableFamilyIPv4:
		return layout{
			sets:   []setLayout{{name: closedSet, key: nftables.TypeIPAddr}},
			chains: []chainLayout{{"input", nftables.ChainHookInput, input4}},
		}
	default:
		link := nftables.MustConcatSetType(nftables.TypeIFIndex, nftables.TypeIP6Addr)
		return layout{
			sets: []setLayout{
				{name: quietSet, key: nftables.TypeIP6Addr},
				{name: quietSet + linkSuffix, key: link, pair: true},
				{name: closedSet, key: nftables.TypeIP6Addr},
				{name: closedSet + linkSuffix, key: link, pair: true},
			},
			chains: []chainLayout{
				{"output", nftables.ChainHookOutput, ndOutput},
				{"input", nftables.ChainHookInput, input6},
			},
		}
	}
}

// where gives the set for an address and its key there.
func where(k Key, name string) (setID, []byte) {
	switch {
	case k.Addr.Is4() && name == quietSet:
		return setID{nftables.TableFamilyARP, name}, k.Addr.AsSlice()
	case k.Addr.Is4():
		return setID{nftables.TableFamilyIPv4, name}, k.Addr.AsSlice()
	case k.Addr.IsLinkLocalUnicast():
		key := append(binaryutil.NativeEndian.PutUint32(uint32(k.Index)), k.Addr.AsSlice()...)
		return setID{nftables.TableFamilyIPv6, name + linkSuffix}, key
	default:
		return setID{nftables.TableFamilyIPv6, name}, k.Addr.AsSlice()
	}
}

// identity is what a key is known by: the interface matters on a link only.
func identity(k Key) Key {
	k.Addr = k.Addr.WithZone("")
	if !(k.Addr.Is6() && k.Addr.IsLinkLocalUnicast()) {
		k.Index = 0
	}
	return k
}

// Registers: an address of 16 bytes fills regA; a (index, address) pair is
// regPair and the four that follow it.
const (
	regA     = unix.NFT_REG_1
	regPair  = unix.NFT_REG32_00
	regPair2 = unix.NFT_REG32_01
)

// arpOutput drops replies and requests alike: both carry the sender's address
// at the same place (RFC 826: 14 octets into a packet for Ethernet and IPv4).
func arpOutput(sets map[setID]*nftables.Set) [][]expr.Any {
	return [][]expr.Any{{
		load(expr.PayloadBaseNetworkHeader, 14, 4, regA),
		in(sets[setID{nftables.TableFamilyARP, quietSet}], regA),
		drop(),
	}}
}

// ICMPv6 types of neighbour discovery, RFC 4861 §4.
const (
	routerSolicitation    = 133
	neighborSolicitation  = 135
	neighborAdvertisement = 136
	redirect              = 137
)

// ndOutput drops advertisements by their target (RFC 4861 §4.4: 8 octets into
// the message) and solicitations by their source.
func ndOutput(sets map[setID]*nftables.Set) [][]expr.Any {
	quiet := sets[setID{nftables.TableFamilyIPv6, quietSet}]
	link := sets[setID{nftables.TableFamilyIPv6, quietSet + linkSuffix}]
	target := func(reg uint32) expr.Any { return load(expr.PayloadBaseTransportHeader, 8, 16, reg) }
	source := func(reg uint32) expr.Any { return load(expr.PayloadBaseNetworkHeader, 8, 16, reg) }
	oif := &expr.Meta{Key: expr.MetaKeyOIF, Register: regPair}
	return [][]expr.Any{
		append(icmpv6(neighborAdvertisement, neighborAdvertisement), target(regA), in(quiet, regA), drop()),
		append(icmpv6(neighborAdvertisement, neighborAdvertisement), oif, target(regPair2), in(link, regPair), drop()),
		append(icmpv6(neighborSolicitation, neighborSolicitation), source(regA), in(quiet, regA), drop()),
		append(icmpv6(neighborSolicitation, neighborSolicitation), oif, source(regPair2), in(link, regPair), drop()),
	}
}

func input4(sets map[setID]*nftables.Set) [][]expr.Any {
	return [][]expr.Any{{
		load(expr.PayloadBaseNetworkHeader, 16, 4, regA),
		in(sets[setID{nftables.TableFamilyIPv4, closedSet}], regA),
		drop(),
	}}
}

// input6 lets all of neighbour discovery pass: Accept_Mode must not keep an
// address from being found (RFC 9568 §6.1).
func input6(sets map[setID]*nftables.Set) [][]expr.Any {
	destination := func(reg uint32) expr.Any { return load(expr.PayloadBaseNetworkHeader, 24, 16, reg) }
	return [][]expr.Any{
		append(icmpv6(routerSolicitation, redirect), &expr.Verdict{Kind: expr.VerdictAccept}),
		{destination(regA), in(sets[setID{nftables.TableFamilyIPv6, closedSet}], regA), drop()},
		{
			&expr.Meta{Key: expr.MetaKeyIIF, Register: regPair},
			destination(regPair2),
			in(sets[setID{nftables.TableFamilyIPv6, closedSet + linkSuffix}], regPair),
			drop(),
		},
	}
}

// icmpv6 matches the ICMPv6 types first to last.
func icmpv6(first, last byte) []expr.Any {
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: regA},
		&expr.Cmp{Op: expr.CmpOpEq, Register: regA, Data: []byte{unix.IPPROTO_ICMPV6}},
		load(expr.PayloadBaseTransportHeader, 0, 1, regA),
		&expr.Cmp{Op: expr.CmpOpGte, Register: regA, Data: []byte{first}},
		&expr.Cmp{Op: expr.CmpOpLte, Register: regA, Data: []byte{last}},
	}
}

func load(base expr.PayloadBase, offset, length, reg uint32) expr.Any {
	return &expr.Payload{OperationType: expr.PayloadLoad, Base: base, Offset: offset, Len: length, DestRegister: reg}
}

func in(s *nftables.Set, reg uint32) expr.Any {
	return &expr.Lookup{SourceRegister: reg, SetName: s.Name, SetID: s.ID}
}

func drop() expr.Any { return &expr.Verdict{Kind: expr.VerdictDrop} }
