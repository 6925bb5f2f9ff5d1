package filter

import (
	"fmt"
	"maps"
	"net/netip"
	"sync"

	"github.com/google/nftables"
)

// Name is the name of all our tables.
const Name = "holdfast"

// Key is one address on one interface.
type Key struct {
	Addr  netip.Addr
	Index int // of the interface that carries it
}

// Table is all of our tables together. Its methods may be called from any
// goroutine.
type Table struct {
	mu    sync.Mutex
	nft   transport
	sets  map[setID]*nftables.Set // what exists in the kernel
	users map[string][]Key        // what is closed, and for whom
}

// New gives tables that do not exist in the kernel yet.
func New() *Table {
	return &Table{sets: map[setID]*nftables.Set{}, users: map[string][]Key{}}
}

// Close closes, for each user in the map, its addresses, and opens those that
// it had closed before and no other user has. What is closed already is written
// again: somebody may have flushed the ruleset. A table that an earlier run
// left is replaced. On an error nothing has changed.
func (t *Table) Close(wanted map[string][]Key) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	before, users := map[Key]bool{}, maps.Clone(t.users)
	put := map[Key]bool{}
	for user, keys := range wanted {
		collect(before, t.users[user])
		collect(put, keys)
		users[user] = keys
		if len(keys) == 0 {
			delete(users, user)
		}
	}
	if len(before) == 0 && len(put) == 0 {
		return nil
	}
	after := map[Key]bool{}
	for _, keys := range users {
		collect(after, keys)
	}
	take := before
	maps.DeleteFunc(take, func(k Key, _ bool) bool { return after[k] })

	err := t.transact(put, take, after)
	if missing(err) {
		// Somebody has deleted our tables ("nft flush ruleset", a
		// firewall's restart): make them again, as they should be now.
		clear(t.sets)
		err = t.transact(put, take, after)
	}
	if err != nil {
		return fmt.Errorf("cannot change nftables table %s: %w", Name, explain(err))
	}
	t.users = users
	if len(users) == 0 {
		t.nft.close()
	}
	return nil
}

func collect(set map[Key]bool, keys []Key) {
	for _, k := range keys {
		set[identity(k)] = true
	}
}

// Clear deletes all our tables, whoever made them. Addresses that were closed
// accept packets again, so they must be off first.
func Clear() error {
	var nft transport
	defer nft.close()
	// The first versions also had a table for ARP.
	for _, family := range append(families(), nftables.TableFamilyARP) {
		err := nft.open()
		if err == nil {
			remove(nft.conn, family)
			err = nft.flush()
		}
		if err != nil && !unavailable(err) {
			return fmt.Errorf("cannot delete nftables table %s: %w", Name, err)
		}
	}
	return nil
}
