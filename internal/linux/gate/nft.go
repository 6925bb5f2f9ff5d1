package gate

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/google/nftables"

	"github.com/holdfast-net/holdfast/internal/engine"
)

// nft is the second line of defence, where eBPF is not allowed: nftables drops
// what comes for and from guarded addresses, unless the address is in a set of
// those that are held. The elements of these sets time out in the kernel. Set
// only notes a hold; a goroutine writes it, and what it cannot write in time is
// not open.
//
// What it does not see: frames that holdfast itself writes to packet sockets
// (adverts, announcements), and frames of a virtual MAC that are for none of
// the addresses. A link-local address is guarded on all interfaces.
type nft struct {
	notes
	mu    sync.Mutex
	conn  *nftables.Conn // nil after an error: answers could still be in it
	sets  map[place]*nftables.Set
	addrs map[engine.Slot][]netip.Addr
}

var _ line = (*nft)(nil)

// jiffy is the longest that a kernel has between two looks at the clock by
// which elements time out (CONFIG_HZ=100).
const jiffy = 10 * time.Millisecond

func openNft() (*nft, error) {
	n := &nft{addrs: map[engine.Slot][]netip.Addr{}}
	if err := n.transact(func() error { return nil }); err != nil {
		return nil, err
	}
	n.start(func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		_ = n.writeChanged() // what could not be written is closed, or will be soon
	})
	return n, nil
}

func (n *nft) about() Line {
	return Line{
		ID: Nftables,
		Text: "nftables drops what comes for and from an address once its hold has timed out; " +
			"adverts, frames of the virtual MAC for other addresses, and a flush of the ruleset escape it",
		Guarantee: 2 * jiffy,
	}
}

// known: there is nothing to take over. The tables of an earlier run are
// replaced, so its addresses must be off.
func (n *nft) known() []guarded { return nil }

func (n *nft) guard(_ *guarded, now guarded) error { return n.change(now.slot, now.addrs) }

func (n *nft) release(g guarded) error { return n.change(g.slot, nil) }

// change makes these the addresses of a slot.
func (n *nft) change(s engine.Slot, addrs []netip.Addr) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	was := n.addrs[s]
	n.addrs[s] = addrs
	if len(addrs) == 0 {
		delete(n.addrs, s)
	}
	err := n.transact(func() error {
		errs := []error{n.guardAll(addrs)}
		for _, a := range was {
			if !n.wants(a) {
				for _, p := range append(guardedPlaces(a), announcedPlace(a), servedPlace(a)) {
					errs = append(errs, n.remove(p, a))
				}
			}
		}
		return errors.Join(errs...)
	})
	if err != nil {
		n.addrs[s] = was
	}
	n.renew(s) // an address that is new has the slot's hold
	return err
}

// wants says whether any slot guards an address.
func (n *nft) wants(a netip.Addr) bool {
	for _, addrs := range n.addrs {
		if slices.Contains(addrs, a) {
			return true
		}
	}
	return false
}

func (n *nft) guardAll(addrs []netip.Addr) error {
	var errs []error
	for _, a := range addrs {
		for _, p := range guardedPlaces(a) {
			errs = append(errs, n.conn.SetAddElements(n.sets[p], element(a, 0)))
		}
	}
	return errors.Join(errs...)
}

// remove removes an element. One that is not there cannot be: so it is added
// before, which does nothing to one that is.
func (n *nft) remove(p place, a netip.Addr) error {
	return errors.Join(n.conn.SetAddElements(n.sets[p], element(a, 0)), n.conn.SetDeleteElements(n.sets[p], element(a, 0)))
}

// transact carries out what the function queues, all or nothing. Where our
// tables are missing, at first or because somebody has flushed the ruleset,
// they are made with all that is guarded.
func (n *nft) transact(queue func() error) error {
	for range 2 {
		err := n.tryTransact(queue)
		if err == nil {
			return nil
		}
		n.hangUp()
		if n.conn, err = nftables.New(nftables.AsLasting()); err != nil {
			return fmt.Errorf("cannot open nftables: %w", err)
		}
		if n.sets, err = nftSets(n.conn); err == nil {
			err = errors.Join(n.guardAll(slices.Concat(slices.Collect(maps.Values(n.addrs))...)), n.conn.Flush())
		}
		if err != nil {
			n.hangUp()
			return fmt.Errorf("cannot make nftables table %s: %w", nftTable, err)
		}
		for s := range n.addrs {
			n.renew(s)
		}
	}
	return fmt.Errorf("cannot change nftables table %s", nftTable)
}

func (n *nft) tryTransact(queue func() error) error {
	if n.conn == nil {
		return errors.New("no connection")
	}
	if err := queue(); err != nil {
		return err
	}
	return n.conn.Flush()
}

func (n *nft) hangUp() {
	if n.conn != nil {
		_ = n.conn.CloseLasting() // nothing of ours is lost with it
		n.conn = nil
	}
}

// writeChanged writes all holds that have changed in one transaction. A
// timeout begins when the kernel gets it: where that was late, because this
// process was stopped in between, it is written again at once, and right.
func (n *nft) writeChanged() error {
	var changed []engine.Slot
	for s := range n.addrs {
		if n.changed(s) {
			changed = append(changed, s)
		}
	}
	if len(changed) == 0 {
		return nil
	}
	for range 3 {
		at := now()
		err := n.transact(func() error { return n.queue(changed, at) })
		if err != nil || time.Duration(now()-at) < jiffy {
			return err
		}
	}
	return n.transact(func() error { return n.queue(changed, never) })
}

// never is an instant after the end of all holds.
const never = engine.Instant(math.MaxInt64)

func (n *nft) queue(slots []engine.Slot, at engine.Instant) error {
	var errs []error
	put := func(p place, a netip.Addr, until engine.Instant) {
		errs = append(errs, n.remove(p, a))
		// In whole milliseconds, never more than there are.
		if left := time.Duration(until - at).Truncate(time.Millisecond); left > 0 {
			errs = append(errs, n.conn.SetAddElements(n.sets[p], element(a, left)))
		}
	}
	for _, s := range slots {
		h := n.held(s)
		for _, a := range n.addrs[s] {
			put(announcedPlace(a), a, h.Announced)
			put(servedPlace(a), a, h.Served)
		}
	}
	return errors.Join(errs...)
}

func (n *nft) closeAll() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	for s := range n.addrs {
		n.set(s, engine.Hold{})
	}
	return n.writeChanged()
}

func (n *nft) counters(engine.Slot) Counters { return Counters{} }

func (n *nft) sightings(context.Context, func(Sighting)) error { return errors.ErrUnsupported }

func (n *nft) close() error {
	n.end()
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hangUp()
	return nil
}
