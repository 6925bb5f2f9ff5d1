package gate

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// nftTable is the name of our table in each family.
const nftTable = "holdfast_gate"

// The sets of addresses: what is guarded, and what of it may pass now. In the
// latter an element is a hold and its timeout the time that is left.
const (
	guardedSet   = "guarded"
	announcedSet = "announced"
	servedSet    = "served"
)

// place is one set in the kernel.
type place struct {
	family nftables.TableFamily
	set    string
}

// guardedPlaces are the sets that make an address a guarded one.
func guardedPlaces(a netip.Addr) []place {
	if a.Is6() {
		return []place{{nftables.TableFamilyIPv6, guardedSet}}
	}
	return []place{{nftables.TableFamilyARP, guardedSet}, {nftables.TableFamilyIPv4, guardedSet}}
}

func announcedPlace(a netip.Addr) place {
	if a.Is6() {
		return place{nftables.TableFamilyIPv6, announcedSet}
	}
	return place{nftables.TableFamilyARP, announcedSet}
}

func servedPlace(a netip.Addr) place {
	if a.Is6() {
		return place{nftables.TableFamilyIPv6, servedSet}
	}
	return place{nftables.TableFamilyIPv4, servedSet}
}

// nftFamilies is every family that we have a table in, with its sets.
var nftFamilies = map[nftables.TableFamily][]string{
	nftables.TableFamilyARP:  {guardedSet, announcedSet},
	nftables.TableFamilyIPv4: {guardedSet, servedSet},
	nftables.TableFamilyIPv6: {guardedSet, announcedSet, servedSet},
}

// nftSets queues the making of all tables, in the place of earlier ones, and
// returns their sets.
func nftSets(conn *nftables.Conn) (map[place]*nftables.Set, error) {
	sets := map[place]*nftables.Set{}
	for family, names := range nftFamilies {
		t := &nftables.Table{Name: nftTable, Family: family}
		conn.AddTable(t) // so that there is one to delete
		conn.DelTable(t)
		conn.AddTable(t)
		for _, name := range names {
			s := &nftables.Set{Table: t, Name: name, KeyType: nftables.TypeIPAddr, HasTimeout: name != guardedSet}
			if family == nftables.TableFamilyIPv6 {
				s.KeyType = nftables.TypeIP6Addr
			}
			if err := conn.AddSet(s, nil); err != nil {
				return nil, err
			}
			sets[place{family, name}] = s
		}
		chain := func(name string, hook nftables.ChainHook, rules ...[]expr.Any) {
			c := conn.AddChain(&nftables.Chain{
				Name: name, Table: t, Type: nftables.ChainTypeFilter, Hooknum: &hook, Priority: nftables.ChainPriorityRef(-400),
			})
			for _, r := range rules {
				conn.AddRule(&nftables.Rule{Table: t, Chain: c, Exprs: r})
			}
		}
		r := nftRules{sets: sets, family: family}
		switch family {
		case nftables.TableFamilyARP:
			// RFC 826: the operation is 6 octets into the packet, the
			// sender's address 14, the target's 24.
			chain("in", 0, append([]expr.Any{load(network, 6, 2), equal(0, 1)}, r.unless(network, 24, announcedSet)...))
			chain("out", 1, r.unless(network, 14, announcedSet))
		case nftables.TableFamilyIPv4:
			chain("in", *nftables.ChainHookInput, r.unless(network, 16, servedSet))
			chain("out", *nftables.ChainHookOutput, adverts(), r.unless(network, 12, servedSet))
		case nftables.TableFamilyIPv6:
			chain("in", *nftables.ChainHookInput,
				append(nd(ndSolicit), r.unless(transport, 8, announcedSet)...),
				append(nd(ndSolicit), r.accept(transport, 8, announcedSet)...),
				r.unless(network, 24, servedSet))
			chain("out", *nftables.ChainHookOutput,
				adverts(),
				append(nd(ndAdvert), r.unless(transport, 8, announcedSet)...),
				append(nd(ndAdvert), r.accept(transport, 8, announcedSet)...),
				append(nd(ndSolicit), r.unless(network, 8, announcedSet)...),
				append(nd(ndSolicit), r.accept(network, 8, announcedSet)...),
				r.unless(network, 8, servedSet))
		}
	}
	return sets, nil
}

const (
	network   = expr.PayloadBaseNetworkHeader
	transport = expr.PayloadBaseTransportHeader
)

// The ICMPv6 types of RFC 4861 §4.3 and §4.4.
const (
	ndSolicit = 135
	ndAdvert  = 136
)

type nftRules struct {
	sets   map[place]*nftables.Set
	family nftables.TableFamily
}

// unless drops when the address at an offset is guarded, and not in the set.
func (r nftRules) unless(base expr.PayloadBase, offset uint32, set string) []expr.Any {
	size := uint32(4)
	if r.family == nftables.TableFamilyIPv6 {
		size = 16
	}
	guarded, open := r.sets[place{r.family, guardedSet}], r.sets[place{r.family, set}]
	return []expr.Any{
		load(base, offset, size),
		&expr.Lookup{SourceRegister: unix.NFT_REG_1, SetName: guarded.Name, SetID: guarded.ID},
		&expr.Lookup{SourceRegister: unix.NFT_REG_1, SetName: open.Name, SetID: open.ID, Invert: true},
		&expr.Counter{},
		&expr.Verdict{Kind: expr.VerdictDrop},
	}
}

// accept ends the judgement of what is in the set: it is not to be asked for
// another one.
func (r nftRules) accept(base expr.PayloadBase, offset uint32, set string) []expr.Any {
	open := r.sets[place{r.family, set}]
	return []expr.Any{
		load(base, offset, 16),
		&expr.Lookup{SourceRegister: unix.NFT_REG_1, SetName: open.Name, SetID: open.ID},
		&expr.Verdict{Kind: expr.VerdictAccept},
	}
}

// adverts accepts them: whether one may leave is not known here.
func adverts() []expr.Any {
	return append(l4proto(112), &expr.Verdict{Kind: expr.VerdictAccept})
}

func nd(typ byte) []expr.Any {
	return append(l4proto(unix.IPPROTO_ICMPV6), load(transport, 0, 1), equal(typ))
}

func l4proto(p byte) []expr.Any {
	return []expr.Any{&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: unix.NFT_REG_1}, equal(p)}
}

func load(base expr.PayloadBase, offset, length uint32) expr.Any {
	return &expr.Payload{OperationType: expr.PayloadLoad, Base: base, Offset: offset, Len: length, DestRegister: unix.NFT_REG_1}
}

func equal(b ...byte) expr.Any {
	return &expr.Cmp{Op: expr.CmpOpEq, Register: unix.NFT_REG_1, Data: b}
}

// element is an address in a set. A zero timeout is none.
func element(a netip.Addr, timeout time.Duration) []nftables.SetElement {
	return []nftables.SetElement{{Key: a.AsSlice(), Timeout: timeout}}
}

// sweepNft deletes our tables. Where there is no nftables there are none.
func sweepNft() error {
	for family := range nftFamilies {
		conn, err := nftables.New()
		if err != nil {
			return err
		}
		t := &nftables.Table{Name: nftTable, Family: family}
		conn.AddTable(t)
		conn.DelTable(t)
		err = conn.Flush()
		for _, no := range []error{unix.EOPNOTSUPP, unix.EAFNOSUPPORT, unix.EPROTONOSUPPORT, unix.EPERM} {
			if errors.Is(err, no) {
				err = nil
			}
		}
		if err != nil {
			return fmt.Errorf("cannot delete nftables table %s: %w", nftTable, err)
		}
	}
	return nil
}
