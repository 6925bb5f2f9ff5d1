package lab

import (
	"encoding/binary"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/linux/netns"
)

// filter makes the switch drop exactly what losses say. The table is replaced
// in one transaction: no frame sees half of it.
func filter(ns *netns.NS, losses []Loss) error {
	c, err := nftables.New(nftables.WithNetNSFd(ns.Handle()))
	if err != nil {
		return err
	}
	table := &nftables.Table{Name: "lab", Family: nftables.TableFamilyBridge}
	c.AddTable(table) // there is one to delete now, the first time too
	c.DelTable(table)
	c.AddTable(table)
	chain := func(name string, hook *nftables.ChainHook) *nftables.Chain {
		return c.AddChain(&nftables.Chain{
			Name: name, Table: table, Type: nftables.ChainTypeFilter, Hooknum: hook, Priority: nftables.ChainPriorityFilter,
		})
	}
	// What a host sends and is lost on its own cable never reaches the
	// switch, which does not learn from it where a MAC is.
	cable, forward := chain("cable", nftables.ChainHookPrerouting), chain("forward", nftables.ChainHookForward)
	for _, loss := range losses {
		at := forward
		if loss.To == "" {
			at = cable
		}
		c.AddRule(&nftables.Rule{Table: table, Chain: at, Exprs: loss.exprs()})
	}
	return c.Flush()
}

// exprs is the rule: iifname FROM oifname TO numgen random mod 100 < PERCENT
// drop.
func (l Loss) exprs() []expr.Any {
	var e []expr.Any
	match := func(key expr.MetaKey, name string) {
		if name == "" {
			return
		}
		want := make([]byte, unix.IFNAMSIZ)
		copy(want, name)
		e = append(e, &expr.Meta{Key: key, Register: 1},
			&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: want})
	}
	match(expr.MetaKeyIIFNAME, l.From)
	match(expr.MetaKeyOIFNAME, l.To)
	if l.Percent < 100 {
		// The kernel compares bytes: the number has to be in network order.
		limit := binary.BigEndian.AppendUint32(nil, uint32(l.Percent))
		e = append(e,
			&expr.Numgen{Register: 1, Modulus: 100, Type: unix.NFT_NG_RANDOM},
			&expr.Byteorder{SourceRegister: 1, DestRegister: 1, Op: expr.ByteorderHton, Len: 4, Size: 4},
			&expr.Cmp{Op: expr.CmpOpLt, Register: 1, Data: limit})
	}
	return append(e, &expr.Verdict{Kind: expr.VerdictDrop})
}
