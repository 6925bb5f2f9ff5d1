package filter

import (
	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// Names of the sets.
const (
	closedSet     = "closed"
	closedLinkSet = "closed_link"
)

// setID names one set in the kernel.
type setID struct {
	family nftables.TableFamily
	name   string
}

// families is every family that we make a table in.
func families() []nftables.TableFamily {
	return []nftables.TableFamily{nftables.TableFamilyIPv6, nftables.TableFamilyIPv4}
}

// setsOf are the sets of our table in a family.
func setsOf(table *nftables.Table) []*nftables.Set {
	if table.Family == nftables.TableFamilyIPv4 {
		return []*nftables.Set{{Table: table, Name: closedSet, KeyType: nftables.TypeIPAddr}}
	}
	link := nftables.MustConcatSetType(nftables.TypeIFIndex, nftables.TypeIP6Addr)
	return []*nftables.Set{
		{Table: table, Name: closedSet, KeyType: nftables.TypeIP6Addr},
		{Table: table, Name: closedLinkSet, KeyType: link, Concatenation: true},
	}
}

// rulesOf are the rules of the input chain in a family.
func rulesOf(family nftables.TableFamily, sets map[setID]*nftables.Set) [][]expr.Any {
	if family == nftables.TableFamilyIPv4 {
		return input4(sets[setID{family, closedSet}])
	}
	return input6(sets[setID{family, closedSet}], sets[setID{family, closedLinkSet}])
}

// where gives the set for an address and its key there.
func where(k Key) (setID, []byte) {
	switch {
	case k.Addr.Is4():
		return setID{nftables.TableFamilyIPv4, closedSet}, k.Addr.AsSlice()
	case k.Addr.IsLinkLocalUnicast():
		key := append(binaryutil.NativeEndian.PutUint32(uint32(k.Index)), k.Addr.AsSlice()...)
		return setID{nftables.TableFamilyIPv6, closedLinkSet}, key
	default:
		return setID{nftables.TableFamilyIPv6, closedSet}, k.Addr.AsSlice()
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

func input4(closed *nftables.Set) [][]expr.Any {
	return [][]expr.Any{{load(expr.PayloadBaseNetworkHeader, 16, 4, regA), in(closed, regA), drop()}}
}

// ICMPv6 types of neighbour discovery, RFC 4861 §4.
const (
	routerSolicitation = 133
	redirect           = 137
)

// input6 lets all of neighbour discovery pass: Accept_Mode must not keep an
// address from being found (RFC 9568 §6.1).
func input6(closed, link *nftables.Set) [][]expr.Any {
	destination := func(reg uint32) expr.Any { return load(expr.PayloadBaseNetworkHeader, 24, 16, reg) }
	return [][]expr.Any{
		{
			&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: regA},
			&expr.Cmp{Op: expr.CmpOpEq, Register: regA, Data: []byte{unix.IPPROTO_ICMPV6}},
			load(expr.PayloadBaseTransportHeader, 0, 1, regA),
			&expr.Cmp{Op: expr.CmpOpGte, Register: regA, Data: []byte{routerSolicitation}},
			&expr.Cmp{Op: expr.CmpOpLte, Register: regA, Data: []byte{redirect}},
			&expr.Verdict{Kind: expr.VerdictAccept},
		},
		{destination(regA), in(closed, regA), drop()},
		{&expr.Meta{Key: expr.MetaKeyIIF, Register: regPair}, destination(regPair2), in(link, regPair), drop()},
	}
}

func load(base expr.PayloadBase, offset, length, reg uint32) expr.Any {
	return &expr.Payload{OperationType: expr.PayloadLoad, Base: base, Offset: offset, Len: length, DestRegister: reg}
}

func in(s *nftables.Set, reg uint32) expr.Any {
	return &expr.Lookup{SourceRegister: reg, SetName: s.Name, SetID: s.ID}
}

func drop() expr.Any { return &expr.Verdict{Kind: expr.VerdictDrop} }
