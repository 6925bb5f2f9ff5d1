package engine

import (
	"net/netip"
	"slices"
	"time"

	"github.com/holdfast-net/holdfast/internal/group"
	"github.com/holdfast-net/holdfast/internal/peer"
	"github.com/holdfast-net/holdfast/vrrp"
)

// hush is the shortest time between two hellos: a failover of a thousand
// groups tells the peers once.
const hush = 50 * time.Millisecond

// early is how much sooner than due a hello goes out if the loop is awake
// anyway: being woken costs more than the hello.
const early = peer.Interval / 2

// news is how many rounds of hellos ask the others who they are: a node that
// has just started must not take a holdfast node for another vendor's.
const news = 2

// talk sends the hellos that are due: one message an interface and family to
// the multicast group, and one to each unicast peer.
func (e *Engine) talk(now time.Time) {
	if len(e.units) == 0 {
		e.nextTalk = time.Time{} // nothing to tell, and no reason to wake up
		return
	}
	if e.nextTalk.Add(-early).After(now) {
		return
	}
	if soonest := e.lastTalk.Add(hush); soonest.After(now) {
		e.nextTalk = soonest
		return
	}
	e.lastTalk, e.nextTalk = now, now.Add(peer.Interval+early)
	for _, p := range e.ports {
		if !p.open() || !p.link.Up {
			continue
		}
		e.hello(now, p, vrrp.IPv4)
		e.hello(now, p, vrrp.IPv6)
		e.rest(now, p)
	}
	e.hellos++
	e.look(now)
}

func (e *Engine) hello(now time.Time, p *port, f vrrp.Family) {
	h := peer.Hello{Family: f, From: e.node, New: e.hellos < news, Sent: e.stamp(now), Entries: e.entries[:0], Hears: p.hears(f, now)}
	var src netip.Addr
	var unicast []netip.Addr
	for _, r := range p.routers {
		if r.cfg.Family != f || !r.src.IsValid() || r.mute() {
			continue
		}
		if len(r.cfg.Peers) > 0 {
			unicast = append(unicast, r.cfg.Peers...)
			continue
		}
		src = r.src
		h.Entries = append(h.Entries, r.entry())
	}
	e.entries = h.Entries
	if len(h.Entries) > 0 {
		e.push(Outgoing{
			Port: p.id, Kind: Message, Src: src, Dst: multicast(f),
			Data: e.encode(h.Append),
		}, job{})
	}
	for i, to := range unicast {
		if !slices.Contains(unicast[:i], to) {
			e.helloTo(h, p, to)
		}
	}
}

// helloTo tells one unicast peer about the routers that it is a peer of.
func (e *Engine) helloTo(h peer.Hello, p *port, to netip.Addr) {
	h.Entries = e.entries[:0]
	var src netip.Addr
	for _, r := range p.routers {
		if r.cfg.Family == h.Family && r.src.IsValid() && slices.Contains(r.cfg.Peers, to) {
			src = r.src
			h.Entries = append(h.Entries, r.entry())
		}
	}
	e.entries = h.Entries
	e.push(Outgoing{Port: p.id, Kind: Message, Src: src, Dst: to, Data: e.encode(h.Append)}, job{})
}

func (r *router) entry() peer.Entry {
	state := r.unit.set.State()
	if r.unit.set.Taken() && r.unit.asks(wantsAgents) {
		state = group.Active // who fences must not think that it has let go
	}
	return peer.Entry{
		VRID: r.cfg.VRID, State: uint8(state), Priority: r.unit.set.Router(r.index).Priority(),
	}
}

// message sends data where the router's adverts go.
func (e *Engine) message(p *port, cfg vrrp.Config, src netip.Addr, data []byte) {
	if !p.open() {
		return
	}
	to := cfg.Peers
	if len(to) == 0 {
		to = []netip.Addr{multicast(cfg.Family)}
	}
	for _, dst := range to {
		e.push(Outgoing{Port: p.id, Kind: Message, Src: src, Dst: dst, Data: data}, job{})
	}
}

// hears lists the nodes that are heard on an interface.
func (p *port) hears(f vrrp.Family, now time.Time) []string {
	var names []string
	for _, r := range p.routers {
		if r.cfg.Family != f {
			continue
		}
		for _, n := range r.table.Present(now) {
			if !slices.Contains(names, n.Name) {
				names = append(names, n.Name)
			}
		}
	}
	return names
}
