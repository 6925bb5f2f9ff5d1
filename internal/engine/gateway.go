package engine

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/holdfast-net/holdfast/internal/announce"
	"github.com/holdfast-net/holdfast/internal/group"
	"github.com/holdfast-net/holdfast/internal/vote"
)

// Answer is the Kind of what a gateway says when it is asked where it is, by
// ARP or neighbour discovery: from Src to Dst, with its MAC address as Data, or
// none where it does not say.
const Answer Kind = BFD + 1

// gateway is an address that has to answer for units to hold: one of an
// interface, and one for each term that its units have. It is asked also while
// they are backups, so that one that has to take over knows already.
type gateway struct {
	iface string
	addr  netip.Addr
	guard vote.Gateway
	term  time.Duration
	units []*unit

	port   *port
	source netip.Addr // that was asked with
	mac    [6]byte    // that answered last; zero: ask all
	said   string     // why it cannot be asked
}

// standAt puts a unit under the guard of its gateway.
func (e *Engine) standAt(u *unit) {
	addr, term := u.groups[0].Guard.Gateway, u.term()
	r := u.nearest(addr)
	if u.gateway != nil && u.gateway.iface == r.port.name && u.gateway.term == term {
		return
	}
	e.leaveGateway(u)
	i := slices.IndexFunc(e.gateways, func(g *gateway) bool {
		return g.iface == r.port.name && g.addr == addr && g.term == term
	})
	if i < 0 {
		e.gateways = append(e.gateways, &gateway{iface: r.port.name, addr: addr, guard: vote.NewGateway(term), term: term, port: r.port})
		i = len(e.gateways) - 1
	}
	g := e.gateways[i]
	g.units = append(g.units, u)
	u.gateway = g
	if u.mandate == 0 {
		u.mandate = max(Instant(g.guard.Until()), 1)
		e.limit(u)
	}
}

// nearest is the router of a unit whose interface an address is reached on:
// one that has a subnet with it, else the first.
func (u *unit) nearest(a netip.Addr) *router {
	for _, r := range u.routers {
		if slices.ContainsFunc(r.group.Addresses, func(p netip.Prefix) bool { return p.Masked().Contains(a) }) {
			return r
		}
	}
	return u.routers[0]
}

// leaveGateway is for a unit that ends, or comes under another guard.
func (e *Engine) leaveGateway(u *unit) {
	g := u.gateway
	if g == nil {
		return
	}
	u.gateway = nil
	g.units = slices.DeleteFunc(g.units, func(o *unit) bool { return o == u })
	if len(g.units) > 0 {
		return
	}
	e.gateways = slices.DeleteFunc(e.gateways, func(o *gateway) bool { return o == g })
	shared := slices.ContainsFunc(e.gateways, func(o *gateway) bool { return o.port == g.port && o.addr == g.addr })
	if g.port.open() && !shared {
		e.opt.Wire.CloseAnswers(g.port.id, g.addr)
	}
}

// askGateways asks those whose turn it is.
func (e *Engine) askGateways(now time.Time) {
	if len(e.gateways) == 0 {
		return
	}
	at := vote.Instant(e.opt.Gate.Now())
	for _, g := range e.gateways {
		if g.guard.Next() <= at {
			e.askGateway(now, at, g)
		}
	}
}

// askGateway sends a question. It counts from before it was sent.
func (e *Engine) askGateway(now time.Time, at vote.Instant, g *gateway) {
	if g.guard.Silent() {
		g.mac = [6]byte{} // it may have got another one
	}
	g.guard.Ask(at)
	if !g.port.open() || !g.port.link.Up {
		return // the routers know, and say so
	}
	g.source = g.nearestSource()
	var err error
	if !g.source.IsValid() {
		err = fmt.Errorf("%s has no address to ask with", g.iface)
	} else {
		err = e.opt.Wire.OpenAnswers(g.port.id, g.addr)
	}
	if e.cannotAsk(now, g, err); err != nil {
		return
	}
	mac := g.port.link.MAC
	e.frames = append(e.frames, Outgoing{Port: g.port.id, Kind: Frame, Data: e.encode(func(b []byte) []byte {
		if g.addr.Is4() {
			return announce.AppendARPAsk(b, mac, g.mac, g.source, g.addr)
		}
		return announce.AppendNSAsk(b, mac, g.mac, g.source, g.addr)
	})})
}

// nearestSource is the address of the interface that the gateway is asked by:
// in its subnet if there is one. The gateway answers that one alone.
func (g *gateway) nearestSource() netip.Addr {
	var any netip.Addr
	for _, p := range g.port.link.Addresses {
		a := p.Addr()
		if a.Is4() != g.addr.Is4() || g.shares(a) {
			continue
		}
		if p.Masked().Contains(g.addr) {
			return a
		}
		if !any.IsValid() {
			any = a
		}
	}
	return any
}

// shares reports whether an address is one of the units': it is not this
// node's own.
func (g *gateway) shares(a netip.Addr) bool {
	for _, r := range g.port.routers {
		if slices.ContainsFunc(r.addrs, func(p netip.Prefix) bool { return p.Addr() == a }) {
			return true
		}
	}
	return false
}

// cannotAsk records, once, why a gateway is not asked.
func (e *Engine) cannotAsk(now time.Time, g *gateway, err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	if g.said == text {
		return
	}
	if g.said = text; err != nil {
		e.record(Record{Time: now, Record: group.Record{
			Kind: "notice", Code: "HF2005", Reason: fmt.Sprintf("gateway %s is not asked: %v", g.addr, err),
		}})
	}
}

// answered takes in what a gateway said. The answer has to be for the source
// that was asked with; the wire brings none from elsewhere.
func (e *Engine) answered(now time.Time, d *Datagram) {
	for _, g := range e.gateways {
		if g.port.id != d.Port || g.addr != d.Src || g.source != d.Dst || !g.guard.Silent() {
			continue
		}
		if len(d.Data) == len(g.mac) {
			copy(g.mac[:], d.Data)
		}
		at := e.opt.Gate.Now()
		g.guard.Answered(vote.Instant(at))
		until := Instant(g.guard.Until())
		for _, u := range g.units { // a step ends no unit
			u.mandate = max(until, 1)
			e.limit(u)
			e.step(now, u, group.Mandate(now.Add(until.Sub(at))))
		}
	}
}

// nextQuestion is when a gateway has to be asked; zero: never.
func (e *Engine) nextQuestion(now time.Time) time.Time {
	var first vote.Instant
	for _, g := range e.gateways {
		if t := max(g.guard.Next(), 1); first == 0 || t < first {
			first = t
		}
	}
	if first == 0 {
		return time.Time{}
	}
	return now.Add(Instant(first).Sub(e.opt.Gate.Now()))
}
