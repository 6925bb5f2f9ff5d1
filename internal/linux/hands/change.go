package hands

import (
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/internal/linux/address"
	"github.com/holdfast-net/holdfast/internal/linux/filter"
	"github.com/holdfast-net/holdfast/internal/linux/rtnl"
)

// remove takes the addresses off. The macvlan goes down later.
func (h *hand) remove(results []engine.Result) {
	var (
		reqs []rtnl.Request
		of   []int // the result that a request belongs to
	)
	// The last first: so the primary address of a subnet goes after its
	// secondaries, and none has to be promoted on the way.
	for i := len(results) - 1; i >= 0; i-- {
		op := results[i].Op
		r := h.routers[idOf(op)]
		if r == nil {
			continue
		}
		if r.virtual {
			h.chores[r.index] = takeDown
		}
		for _, p := range r.leaving(op) {
			reqs, of = append(reqs, address.Remove(r.index, p)), append(of, i)
		}
	}
	h.send(reqs)
	for n, req := range reqs {
		if req.Err != nil && !gone(req.Err) {
			fail(results[of[n]:of[n]+1], req.Err)
		}
	}
	for i := range results {
		if r := h.routers[idOf(results[i].Op)]; r != nil && results[i].Err == nil {
			for p := range r.held {
				h.let(r, p)
			}
		}
	}
	h.patrol()
}

// leaving lists the addresses to take off, the last of the list first.
func (r *router) leaving(op engine.Op) []netip.Prefix {
	var list []netip.Prefix
	listed := map[netip.Prefix]bool{}
	add := func(p netip.Prefix) {
		h, on := r.held[p]
		if !listed[p] && !h.before && (on || !op.Owner) {
			list = append(list, p)
		}
		listed[p] = true
	}
	for i := len(op.Addresses) - 1; i >= 0; i-- {
		add(op.Addresses[i])
	}
	for p := range r.held {
		add(p)
	}
	return list
}

// discard undoes all that was done for a router.
func (h *hand) discard(results []engine.Result) {
	h.remove(results)
	for i := range results {
		res := &results[i]
		id := idOf(res.Op)
		r := h.routers[id]
		if r == nil {
			res.Err = errors.Join(res.Err, h.unguard(id), h.reopen(id)) // its interface is gone
			continue
		}
		delete(h.routers, id)
		var errs []error
		switch {
		case r.virtual:
			h.chores[r.index] = discard
			h.retired[id] = true
		case res.Err == nil:
			errs = append(errs, h.unguard(id))
		}
		errs = append(errs, h.reopen(id), h.relax())
		res.Err = errors.Join(append(errs, res.Err)...)
	}
}

// reopen ends what the filter does for a router, whose addresses are off.
func (h *hand) reopen(id routerID) error {
	return h.hands.filter.Close(map[string][]filter.Key{h.user(id): nil})
}

// gone says whether there was nothing to remove.
func gone(err error) bool {
	return errors.Is(err, unix.EADDRNOTAVAIL) || errors.Is(err, unix.ENODEV)
}

// why puts a cause the kernel gives into words of ours where its own mislead.
func (h *hand) explain(p netip.Prefix, err error) error {
	switch {
	case errors.Is(err, unix.ENETDOWN):
		return fmt.Errorf("%s is down: %w", h.ifname, err)
	case errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPERM):
		if p.Addr().Is6() {
			return fmt.Errorf("%s is refused (is IPv6 disabled on the interface?): %w", p, err)
		}
	}
	return fmt.Errorf("%s: %w", p, err)
}
