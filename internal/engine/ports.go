package engine

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/holdfast-net/holdfast/internal/group"
	"github.com/holdfast-net/holdfast/vrrp"
)

// port is one interface that groups or checks use.
type port struct {
	name    string
	id      Port // 0: not open
	link    Link
	routers []*router
	// broken is the last error of sending, so that it is recorded when it
	// begins and when it ends, not with every packet.
	broken string
}

func (p *port) open() bool { return p.id != 0 }

func (p *port) forget(r *router) {
	p.routers = slices.DeleteFunc(p.routers, func(o *router) bool { return o == r })
}

func (e *Engine) portFor(name string) *port {
	p := e.ports[name]
	if p == nil {
		p = &port{name: name, link: Link{Name: name, Why: "there is no such interface"}}
		e.ports[name] = p
	}
	return p
}

func (e *Engine) closeIfUnused(p *port) {
	if len(p.routers) > 0 {
		return
	}
	e.closePort(p)
}

func (e *Engine) closePort(p *port) {
	if !p.open() {
		return
	}
	if err := e.opt.Wire.Close(p.id); err != nil {
		e.opt.Log.Debug("closing an interface failed", "iface", p.name, "err", err)
	}
	p.id = 0
	for _, r := range p.routers {
		e.unroute(r)
	}
}

// Changed is for the link watch: it may be called from any goroutine.
func (e *Engine) Changed(c Change) {
	e.Post(func(now time.Time) { e.changed(now, c) })
}

func (e *Engine) changed(now time.Time, c Change) {
	p := e.portFor(c.Link.Name)
	was := p.link
	if c.Link.Up && !p.link.Up {
		e.hellos, e.nextTalk = 0, now // ask there, too, who is there
	}
	p.link = c.Link
	if c.Gone {
		p.link.Up, p.link.Why = false, "the interface was deleted"
		p.link.Index = 0
	}
	if was.Up != p.link.Up || was.Index != p.link.Index {
		e.recordLink(now, p, was)
	}
	if was.Index != 0 && was.Index != p.link.Index {
		// Gone, or another interface of the same name: sockets and
		// macvlans of the old one are gone with it.
		e.closePort(p)
		for _, r := range p.routers {
			r.prepared, r.preparing, r.kept, r.trouble = false, false, false, ""
		}
	}
	for _, r := range slices.Clone(p.routers) {
		e.attach(now, r)
		e.startIfReady(now, r.unit)
		for _, lost := range c.Lost {
			if slices.Contains(r.addrs, lost) || slices.ContainsFunc(r.addrs, sameAddr(lost)) {
				e.step(now, r.unit, group.Lost(r.index, lost.String()+" on "+p.name))
			}
		}
		for _, bad := range c.Failed {
			if slices.ContainsFunc(r.addrs, sameAddr(bad)) {
				e.record(Record{Time: now, Record: group.Record{
					Group: r.group.Name, Kind: "address", Code: "HF2004", Family: r.cfg.Family,
					Reason: fmt.Sprintf("duplicate address detection failed for %s on %s: another node answers for it", bad.Addr(), p.name),
				}})
			}
		}
	}
}

func sameAddr(a netip.Prefix) func(netip.Prefix) bool {
	return func(b netip.Prefix) bool { return a.Addr() == b.Addr() }
}

// attach brings a router in line with its interface: opened, prepared, and
// told about.
func (e *Engine) attach(now time.Time, r *router) {
	p := r.port
	if p.link.Index == 0 {
		e.linkDown(now, r, fmt.Sprintf("%s: %s", p.name, p.link.Why))
		return
	}
	if !p.open() {
		id, err := e.opt.Wire.Open(p.name)
		if err != nil {
			e.linkDown(now, r, fmt.Sprintf("cannot use %s: %v", p.name, err))
			return
		}
		p.id = id
		for _, o := range p.routers {
			e.route(o)
		}
	}
	e.route(r)
	if !r.virtual {
		r.mac = p.link.MAC
	}
	if !r.prepared && !r.preparing && !now.Before(r.retry) {
		r.preparing = true
		e.submit(r, OpPrepare)
	}
	r.src = primary(p.link, r)
	switch {
	case !p.link.Up:
		e.linkDown(now, r, fmt.Sprintf("%s: %s", p.name, p.link.Why))
	case r.trouble != "":
		e.linkDown(now, r, r.trouble)
	case !r.src.IsValid():
		e.linkDown(now, r, fmt.Sprintf("%s has no %s address of its own to send from", p.name, r.cfg.Family))
	case r.prepared:
		e.step(now, r.unit, group.LinkUp(r.index, r.src))
	}
}

func (e *Engine) linkDown(now time.Time, r *router, why string) {
	e.step(now, r.unit, group.LinkDown(r.index, why))
}

// primary is the address that adverts are sent from: the interface's first
// IPv4 address, or its link-local one for IPv6 (RFC 9568 §5.1.1.1, §5.1.2.1).
// To unicast peers it is the address in the peers' own subnet, for that is the
// one that they know this node by. A virtual address never is, unless this
// node owns it.
func primary(l Link, r *router) netip.Addr {
	var owned netip.Addr
	var own []netip.Prefix
	for _, p := range l.Addresses {
		switch a := p.Addr(); {
		case a.Is4() != (r.cfg.Family == vrrp.IPv4):
		case slices.ContainsFunc(r.addrs, sameAddr(p)):
			if !owned.IsValid() && r.group.VRRP.Priority == vrrp.OwnerPriority && !(a.Is6() && !a.IsLinkLocalUnicast()) {
				owned = a
			}
		case slices.ContainsFunc(r.cfg.Peers, p.Masked().Contains):
			return a
		default:
			own = append(own, p)
		}
	}
	multicast := len(r.cfg.Peers) == 0
	for _, p := range own {
		if p.Addr().Is4() || p.Addr().IsLinkLocalUnicast() == multicast {
			return p.Addr()
		}
	}
	if !owned.IsValid() && !multicast && len(own) > 0 {
		return own[0].Addr()
	}
	return owned
}

func (e *Engine) route(r *router) {
	if r.mute() {
		return // what has its VRID is for another one
	}
	e.routes[route{r.port.id, r.cfg.Family, r.cfg.VRID}] = r
}

func (e *Engine) unroute(r *router) {
	for k, v := range e.routes {
		if v == r {
			delete(e.routes, k)
		}
	}
}

func (e *Engine) recordLink(now time.Time, p *port, was Link) {
	if len(p.routers) == 0 || was.Index == 0 && p.link.Up {
		return // nobody cares, or it is only seen for the first time
	}
	text := p.name + " is up"
	if !p.link.Up {
		text = fmt.Sprintf("%s is down: %s", p.name, p.link.Why)
	}
	e.record(Record{Time: now, Record: group.Record{Kind: "link", Reason: text}})
}

// sendFailed records that an interface stopped taking packets, once.
func (e *Engine) sendFailed(now time.Time, o *Outgoing) {
	for _, p := range e.ports {
		if p.id != o.Port || p.broken == o.Err.Error() {
			continue
		}
		p.broken = o.Err.Error()
		e.record(Record{Time: now, Record: group.Record{
			Kind: "notice", Code: "HF2005",
			Reason: fmt.Sprintf("cannot send on %s: %v", p.name, o.Err),
		}})
	}
}
