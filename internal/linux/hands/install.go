package hands

import (
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/internal/linux/address"
	"github.com/holdfast-net/holdfast/internal/linux/filter"
	"github.com/holdfast-net/holdfast/internal/linux/macvlan"
	"github.com/holdfast-net/holdfast/internal/linux/rtnl"
)

// install puts addresses on. This is what a failover waits for:
// a lookup of routes, one datagram with everything in it, and the verdicts.
func (h *hand) install(results []engine.Result) {
	defer h.patrol()
	again := h.tryInstall(results)
	if len(again) == 0 {
		return
	}
	// An interface is gone, this one or a macvlan. Maybe it was re-created
	// meanwhile; a macvlan we make anew ourselves.
	parent := h.parent
	for i := range again {
		h.forget(idOf(again[i].Op))
	}
	h.prepare(again)
	for i := range again {
		if again[i].Err != nil {
			continue
		}
		note := fmt.Sprintf("%s was re-created", h.ifname)
		if h.parent == parent {
			note = fmt.Sprintf("the macvlan of virtual router %d was deleted by somebody: it was made anew", again[i].Op.VRID)
		}
		again[i].Notes = append(again[i].Notes, note)
		if len(h.tryInstall(again[i:i+1])) > 0 {
			fail(again[i:i+1], fmt.Errorf("interface gone while addresses were put on: %w", unix.ENODEV))
		}
	}
	for i := range results {
		for _, a := range again {
			if idOf(a.Op) == idOf(results[i].Op) {
				results[i] = a
			}
		}
	}
}

// forget drops what is known of a router whose interface is gone.
func (h *hand) forget(id routerID) {
	r := h.routers[id]
	if r == nil {
		return
	}
	delete(h.chores, r.index)
	for p := range r.held {
		h.let(r, p)
	}
	delete(h.routers, id)
}

// step is one request of an install and what it is for.
type step struct {
	result int
	prefix netip.Prefix // the address that is added or removed; none for the rest
	held   held
	remove bool
}

// tryInstall returns the results whose interface was not there.
func (h *hand) tryInstall(results []engine.Result) (again []engine.Result) {
	closed := map[string][]filter.Key{}
	for i := range results {
		res := &results[i]
		id := idOf(res.Op)
		if h.routers[id] == nil {
			h.prepare(results[i : i+1])
		}
		r := h.routers[id]
		if r == nil || res.Err != nil {
			continue
		}
		r.op = res.Op
		closed[h.user(id)] = r.closed()
	}
	h.guardAll(results)
	// Before the addresses are there: no packet may slip through.
	if err := h.hands.filter.Close(closed); err != nil {
		fail(results, err)
		return nil
	}
	routes, err := h.routes(results)
	if err != nil {
		fail(results, err)
		return nil
	}
	reqs, steps := h.steps(results, routes)
	h.send(reqs)
	lost := map[int]bool{}
	for n, s := range steps {
		if errors.Is(reqs[n].Err, unix.ENODEV) {
			lost[s.result] = true
			continue
		}
		h.done(&results[s.result], s, reqs[n].Err)
	}
	for i := range results {
		if lost[i] {
			again = append(again, engine.Result{Op: results[i].Op})
		}
	}
	h.guardAll(results) // without what was taken off
	h.verify(results, steps)
	return again
}

// steps lists the requests: for each router the macvlan up, new addresses on,
// addresses that left the list off.
func (h *hand) steps(results []engine.Result, routes map[netip.Prefix]address.Route) (reqs []rtnl.Request, steps []step) {
	add := func(req rtnl.Request, s step) {
		reqs, steps = append(reqs, req), append(steps, s)
	}
	for i := range results {
		r := h.routers[idOf(results[i].Op)]
		if r == nil || results[i].Err != nil {
			continue
		}
		if r.virtual {
			delete(h.chores, r.index)
			add(macvlan.Up(r.index), step{result: i})
		}
		for _, p := range r.op.Addresses {
			// Also one that is on as far as we know: somebody may have
			// taken it off, and asking costs as much as adding.
			want := held{route: h.routeOf(r, p, routes)}
			if has, on := r.held[p]; on {
				want = has
			}
			add(address.Add(r.index, p, want.route), step{result: i, prefix: p, held: want})
			if r.virtual && linkLocal(p) && p.Bits() > 64 {
				// Without it the router could not answer its own link.
				add(address.LinkRoute(r.index), step{result: i})
			}
		}
		for p, was := range r.held {
			if !names(r.op, p.Addr()) && !was.before {
				add(address.Remove(r.index, p), step{result: i, prefix: p, remove: true})
			}
		}
	}
	return reqs, steps
}

// done takes the verdict about one step.
func (h *hand) done(res *engine.Result, s step, err error) {
	r := h.routers[idOf(res.Op)]
	switch {
	case s.remove:
		if err == nil || gone(err) {
			h.let(r, s.prefix)
		} else {
			res.Err = errors.Join(res.Err, h.explain(s.prefix, err))
		}
	case !s.prefix.IsValid():
		if err != nil && !errors.Is(err, unix.EEXIST) {
			res.Err = errors.Join(res.Err, h.explain(s.prefix, err))
		}
	case errors.Is(err, unix.EEXIST):
		if _, on := r.held[s.prefix]; !on {
			s.held.before = res.Op.Owner
			h.hold(r, s.prefix, s.held)
		}
	case err != nil:
		h.let(r, s.prefix)
		res.Err = errors.Join(res.Err, h.explain(s.prefix, err))
	default:
		if _, on := r.held[s.prefix]; on {
			res.Notes = append(res.Notes, fmt.Sprintf("%s had been removed, by somebody or because the interface was down: added it again", s.prefix))
			s.held.before = false
		}
		h.hold(r, s.prefix, s.held)
	}
}

// routes finds out for the subnets of all new addresses whether the interface
// reaches them already.
func (h *hand) routes(results []engine.Result) (map[netip.Prefix]address.Route, error) {
	var subnets []netip.Prefix
	var ask []netip.Addr
	routes := map[netip.Prefix]address.Route{}
	for i := range results {
		r := h.routers[idOf(results[i].Op)]
		if r == nil || results[i].Err != nil {
			continue
		}
		for _, p := range r.op.Addresses {
			if _, on := r.held[p]; on {
				continue
			}
			if _, known := routes[p.Masked()]; !known {
				routes[p.Masked()] = address.WithRoute
				subnets, ask = append(subnets, p.Masked()), append(ask, p.Addr())
			}
		}
	}
	if len(ask) == 0 {
		return nil, nil
	}
	connected, err := address.Connected(h.conn, h.parent, ask)
	if err != nil {
		return nil, err
	}
	for i, yes := range connected {
		if yes {
			routes[subnets[i]] = address.WithoutRoute
		}
	}
	return routes, nil
}

// routeOf decides whether an address brings the route of its subnet. It does
// where no address of the node itself has it: then every one of ours does, so
// that the route stays until the last of them leaves.
func (h *hand) routeOf(r *router, p netip.Prefix, routes map[netip.Prefix]address.Route) address.Route {
	if r.virtual && linkLocal(p) {
		return address.WithRoute // a link of its own, as far as IPv6 is concerned
	}
	if h.brought[subnet{r.index, p.Masked()}] > 0 {
		return address.WithRoute
	}
	return routes[p.Masked()]
}

func linkLocal(p netip.Prefix) bool { return p.Addr().Is6() && p.Addr().IsLinkLocalUnicast() }
