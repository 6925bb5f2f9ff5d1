package filter

import (
	"errors"
	"fmt"
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

// Need is what a user wants to be able to do.
type Need uint8

const (
	NeedQuiet  Need = 1 << iota // to make addresses quiet
	NeedClosed                  // to close addresses
)

// Table is all of our tables together. Its methods may be called from any
// goroutine.
type Table struct {
	mu    sync.Mutex
	nft   transport
	sets  map[setID]*nftables.Set // what exists in the kernel
	state map[string]map[Key]bool // what is in it: quietSet and closedSet
	users map[user]bool
}

type user struct {
	name   string
	family nftables.TableFamily
}

// New gives tables that do not exist in the kernel yet.
func New() *Table {
	return &Table{
		sets:  map[setID]*nftables.Set{},
		state: map[string]map[Key]bool{quietSet: {}, closedSet: {}},
		users: map[user]bool{},
	}
}

// Acquire makes sure that the tables for addresses like a exist, so that
// Apply is one fast transaction later. A table that an earlier run left is
// replaced. The error says what this kernel lacks.
func (t *Table) Acquire(name string, a netip.Addr, need Need) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	var wanted []nftables.TableFamily
	switch {
	case a.Is6():
		wanted = append(wanted, nftables.TableFamilyIPv6)
	case need&NeedClosed != 0:
		wanted = append(wanted, nftables.TableFamilyIPv4)
		fallthrough
	default:
		if need&NeedQuiet != 0 {
			wanted = append(wanted, nftables.TableFamilyARP)
		}
	}
	for _, family := range wanted {
		if !t.exists(family) {
			err := t.transact(func() error { return t.declare(family) })
			if err != nil {
				t.forget(family)
				return fmt.Errorf("cannot make nftables table %s: %w", Name, explain(err))
			}
		}
		t.users[user{name, family}] = true
	}
	return nil
}

// Release ends the use by one user, whose addresses are off by now. The
// tables that nobody uses any more are deleted.
func (t *Table) Release(name string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	inUse := map[nftables.TableFamily]bool{}
	for u := range t.users {
		if u.name == name {
			delete(t.users, u)
			continue
		}
		inUse[u.family] = true
	}
	var errs []error
	for _, family := range families() {
		if !t.exists(family) || inUse[family] {
			continue
		}
		if err := remove(&t.nft, family); err != nil {
			errs = append(errs, fmt.Errorf("cannot delete nftables table %s: %w", Name, err))
		}
		t.forget(family)
	}
	if len(inUse) == 0 {
		t.nft.close()
	}
	return errors.Join(errs...)
}

// Change is what one transaction does. Addresses that are as wanted already
// are fine.
type Change struct {
	Quiet, Speak []Key
	Close, Open  []Key
}

// Apply carries out the change. On an error nothing has changed.
func (t *Table) Apply(c Change) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	deltas := append(t.plan(quietSet, c.Quiet, c.Speak), t.plan(closedSet, c.Close, c.Open)...)
	if len(deltas) == 0 {
		return nil
	}
	err := t.transact(func() error { return t.commit(deltas) })
	if missing(err) {
		// Somebody has deleted our tables ("nft flush ruleset", a
		// firewall's restart): make them again, as they should be now.
		t.keep(deltas)
		if err = t.rebuild(); err != nil {
			t.undo(deltas)
		}
	} else if err == nil {
		t.keep(deltas)
	}
	if err != nil {
		return fmt.Errorf("cannot change nftables table %s: %w", Name, explain(err))
	}
	return nil
}

// Clear deletes all our tables, whoever made them. Addresses that were quiet
// answer again, so they must be off first.
func Clear() error {
	var nft transport
	defer nft.close()
	for _, family := range families() {
		if err := remove(&nft, family); err != nil && !unavailable(err) {
			return fmt.Errorf("cannot delete nftables table %s: %w", Name, err)
		}
	}
	return nil
}

func (t *Table) exists(family nftables.TableFamily) bool {
	for id := range t.sets {
		if id.family == family {
			return true
		}
	}
	return false
}

// forget drops what is known of a table that is gone.
func (t *Table) forget(family nftables.TableFamily) {
	for id := range t.sets {
		if id.family == family {
			delete(t.sets, id)
		}
	}
	for name, keys := range t.state {
		for k := range keys {
			if id, _ := where(k, name); id.family == family {
				delete(keys, k)
			}
		}
	}
}
