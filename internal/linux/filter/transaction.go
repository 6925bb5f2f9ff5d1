package filter

import (
	"maps"

	"github.com/google/nftables"
)

// transact leads to the state after, in one transaction: it writes all of put
// and removes all of take where our table exists, and makes it where it is
// missing.
func (t *Table) transact(put, take, after map[Key]bool) error {
	if err := t.nft.open(); err != nil {
		return err
	}
	sets := maps.Clone(t.sets)
	for _, family := range families() {
		if err := t.queue(family, sets, only(family, put), only(family, take), only(family, after)); err != nil {
			t.nft.close() // with what is queued
			return err
		}
	}
	if err := t.nft.flush(); err != nil {
		return err
	}
	t.sets = sets
	return nil
}

// only gives the keys of one family.
func only(family nftables.TableFamily, keys map[Key]bool) map[Key]bool {
	part := map[Key]bool{}
	for k := range keys {
		if id, _ := where(k); id.family == family {
			part[k] = true
		}
	}
	return part
}

// queue queues what transact does in one family, and keeps sets in line.
func (t *Table) queue(family nftables.TableFamily, sets map[setID]*nftables.Set, put, take, after map[Key]bool) error {
	exists := sets[setID{family, closedSet}] != nil
	switch {
	case len(after) == 0 && exists:
		remove(t.nft.conn, family)
		maps.DeleteFunc(sets, func(id setID, _ *nftables.Set) bool { return id.family == family })
		return nil
	case len(after) == 0:
		return nil
	case !exists:
		if err := declare(t.nft.conn, family, sets); err != nil {
			return err
		}
		put, take = after, nil
	}
	if err := each(sets, put, t.nft.conn.SetAddElements); err != nil {
		return err
	}
	return each(sets, take, t.nft.conn.SetDeleteElements)
}

// each does something to all keys, with one message for each set.
func each(sets map[setID]*nftables.Set, keys map[Key]bool, do func(*nftables.Set, []nftables.SetElement) error) error {
	elements := map[setID][]nftables.SetElement{}
	for k := range keys {
		id, key := where(k)
		elements[id] = append(elements[id], nftables.SetElement{Key: key})
	}
	for id, list := range elements {
		if err := do(sets[id], list); err != nil {
			return err
		}
	}
	return nil
}

// declare queues the making of our table in a family. What an earlier run
// left there is replaced.
func declare(conn *nftables.Conn, family nftables.TableFamily, sets map[setID]*nftables.Set) error {
	remove(conn, family)
	table := conn.AddTable(&nftables.Table{Name: Name, Family: family})
	for _, set := range setsOf(table) {
		if err := conn.AddSet(set, nil); err != nil {
			return err
		}
		sets[setID{family, set.Name}] = set
	}
	chain := conn.AddChain(&nftables.Chain{
		Table: table, Name: "input", Type: nftables.ChainTypeFilter,
		Hooknum: nftables.ChainHookInput, Priority: nftables.ChainPriorityFilter,
	})
	for _, exprs := range rulesOf(family, sets) {
		conn.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: exprs})
	}
	return nil
}

// remove queues the deletion of our table in a family, whether it is there or
// not.
func remove(conn *nftables.Conn, family nftables.TableFamily) {
	table := &nftables.Table{Name: Name, Family: family}
	conn.AddTable(table) // so that deleting it cannot fail
	conn.DelTable(table)
}
