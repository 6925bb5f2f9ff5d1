package engine

import (
	"net/netip"
	"slices"
	"time"

	"github.com/holdfast-net/holdfast/internal/hold"
	"github.com/holdfast-net/holdfast/internal/tickle"
)

// Clients resets the connections that clients had with the holder before. Its
// methods must not block, and keep nothing of what they are given.
type Clients interface {
	// Holds tells that an address answers here from now on, or not any more.
	Holds(a netip.Addr, held bool)
	// Heard hands on a datagram of another node that arrived on an interface.
	Heard(iface string, data []byte)
}

// opened tells that a router's addresses answer, once for each hold. They do from
// the first advert on that a holding router sent.
func (e *Engine) opened(r *router) {
	if e.opt.Clients == nil || r.answers || r.keeper.Level() != hold.Holding {
		return
	}
	r.answers = true
	for _, a := range r.addrs {
		e.opt.Clients.Holds(a.Addr(), true)
	}
}

// closed tells that they do not any more. While what still arrives is served,
// they do.
func (e *Engine) closed(r *router) {
	if !r.answers {
		return
	}
	r.answers = false
	for _, a := range r.addrs {
		e.opt.Clients.Holds(a.Addr(), false)
	}
}

// exchanged tells of the addresses that a router has got and lost while it
// holds.
func (e *Engine) exchanged(r *router, was []netip.Prefix) {
	if !r.answers {
		return
	}
	for _, a := range was {
		if !slices.ContainsFunc(r.addrs, sameAddr(a)) {
			e.opt.Clients.Holds(a.Addr(), false)
		}
	}
	for _, a := range r.addrs {
		if !slices.ContainsFunc(was, sameAddr(a)) {
			e.opt.Clients.Holds(a.Addr(), true)
		}
	}
}

// heardClients hands on what another node tells of its clients. Of a group with
// unicast peers, only those may.
func (e *Engine) heardClients(d *Datagram) {
	if e.opt.Clients == nil {
		return
	}
	about, ok := tickle.About(d.Data)
	if !ok {
		return
	}
	for _, p := range e.ports {
		if p.id != d.Port {
			continue
		}
		for _, r := range p.routers {
			if r.has(about) && (len(r.cfg.Peers) == 0 || slices.Contains(r.cfg.Peers, d.Src)) {
				e.opt.Clients.Heard(p.name, d.Data)
				return
			}
		}
	}
}

// TellClients sends datagrams to the other nodes of the group that has an
// address. It may be called from any goroutine.
func (e *Engine) TellClients(about netip.Addr, data [][]byte) {
	e.Post(func(time.Time) {
		for _, u := range e.units {
			for _, r := range u.routers {
				if !r.has(about) || !r.src.IsValid() {
					continue
				}
				for _, b := range data {
					e.message(r.port, r.cfg, r.src, b)
				}
				return
			}
		}
	})
}

func (r *router) has(a netip.Addr) bool {
	return slices.ContainsFunc(r.addrs, func(p netip.Prefix) bool { return p.Addr() == a })
}
