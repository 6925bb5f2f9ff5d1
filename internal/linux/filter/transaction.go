package filter

import (
	"fmt"
	"maps"

	"github.com/google/nftables"
)

// delta is what a transaction does to one of the state's sets.
type delta struct {
	set string
	put bool
	key Key
}

// plan lists what leads from the state to one where the set has all of put
// and none of take.
func (t *Table) plan(set string, put, take []Key) []delta {
	next := map[Key]bool{}
	for _, k := range put {
		next[identity(k)] = true
	}
	for _, k := range take {
		next[identity(k)] = false
	}
	var deltas []delta
	for k, want := range next {
		if t.state[set][k] != want {
			deltas = append(deltas, delta{set, want, k})
		}
	}
	return deltas
}

func (t *Table) keep(deltas []delta) {
	for _, d := range deltas {
		if d.put {
			t.state[d.set][d.key] = true
		} else {
			delete(t.state[d.set], d.key)
		}
	}
}

func (t *Table) undo(deltas []delta) {
	for i := range deltas {
		deltas[i].put = !deltas[i].put
	}
	t.keep(deltas)
}

// transact sends what queue queues as one transaction.
func (t *Table) transact(queue func() error) error {
	if err := t.nft.open(); err != nil {
		return err
	}
	if err := queue(); err != nil {
		t.nft.close() // with what is queued
		return err
	}
	return t.nft.flush()
}

// commit queues the deltas, with one message for each set and direction.
func (t *Table) commit(deltas []delta) error {
	type batch struct {
		set *nftables.Set
		put bool
	}
	batches := map[batch][]nftables.SetElement{}
	for _, d := range deltas {
		id, key := where(d.key, d.set)
		if !t.exists(id.family) {
			return fmt.Errorf("nobody acquired the table for %s", d.key.Addr)
		}
		b := batch{t.sets[id], d.put}
		batches[b] = append(batches[b], nftables.SetElement{Key: key})
	}
	for b, elements := range batches {
		do := t.nft.conn.SetDeleteElements
		if b.put {
			do = t.nft.conn.SetAddElements
		}
		if err := do(b.set, elements); err != nil {
			return err
		}
	}
	return nil
}

// rebuild makes all our tables anew, with the state.
func (t *Table) rebuild() error {
	had := map[nftables.TableFamily]bool{}
	for id := range t.sets {
		had[id.family] = true
	}
	clear(t.sets)
	return t.transact(func() error {
		for family := range had {
			if err := t.declare(family); err != nil {
				return err
			}
		}
		var all []delta
		for set, keys := range t.state {
			for k := range maps.Keys(keys) {
				all = append(all, delta{set, true, k})
			}
		}
		return t.commit(all)
	})
}

// declare queues the making of our table in a family. What an earlier run
// left there is replaced.
func (t *Table) declare(family nftables.TableFamily) error {
	table := &nftables.Table{Name: Name, Family: family}
	conn, l := t.nft.conn, layoutOf(family)
	conn.AddTable(table) // so that deleting it cannot fail
	conn.DelTable(table)
	conn.AddTable(table)
	for _, s := range l.sets {
		set := &nftables.Set{Table: table, Name: s.name, KeyType: s.key, Concatenation: s.pair}
		if err := conn.AddSet(set, nil); err != nil {
			return err
		}
		t.sets[setID{family, s.name}] = set
	}
	for _, c := range l.chains {
		chain := conn.AddChain(&nftables.Chain{
			Table: table, Name: c.name, Type: nftables.ChainTypeFilter,
			Hooknum: c.hook, Priority: nftables.ChainPriorityFilter,
		})
		for _, exprs := range c.rules(t.sets) {
			conn.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: exprs})
		}
	}
	return nil
}

// remove deletes our table in a family, whether it is there or not.
func remove(nft *transport, family nftables.TableFamily) error {
	if err := nft.open(); err != nil {
		return err
	}
	table := &nftables.Table{Name: Name, Family: family}
	nft.conn.AddTable(table)
	nft.conn.DelTable(table)
	return nft.flush()
}
