package engine

import (
	"net/netip"
	"time"

	"github.com/holdfast-net/holdfast/internal/announce"
	"github.com/holdfast-net/holdfast/internal/group"
	"github.com/holdfast-net/holdfast/internal/peer"
	"github.com/holdfast-net/holdfast/vrrp"
)

// perform carries out what a set answered, in order.
func (e *Engine) perform(now time.Time, u *unit, acts []group.Action) {
	for i := range acts {
		a := &acts[i]
		switch a.Kind {
		case group.ActionSend:
			e.advertise(now, u.routers[a.Router], a.Priority, a.Due)
		case group.ActionOrder:
			e.submit(u.routers[a.Router], opKinds[a.Op])
		case group.ActionAnnounce:
			e.announce(u.routers[a.Router])
		case group.ActionHold:
			e.hold(u.routers[a.Router], a.Level, a.For)
		case group.ActionTell:
			e.tell(now, u, a)
		case group.ActionAsk:
			e.call(now, u.routers[a.Router], peer.Call{Kind: peer.KindAsk, Priority: a.Priority})
		case group.ActionReach:
			e.reach(now, u.routers[a.Router], a.Addr)
		case group.ActionProbe:
			e.probe(u.routers[a.Router])
		case group.ActionWant:
			e.wantMandate(u, a.Priority)
		case group.ActionRelease:
			e.releaseMandate(now, u, a)
		case group.ActionForsake:
			e.forsakeMandate(u)
		case group.ActionSecure:
			why := a.Text
			e.afterwards(u, func(now time.Time) { e.secure(now, u, why) })
		case group.ActionTake:
			why := a.Text
			e.afterwards(u, func(now time.Time) { e.take(now, u, why) })
		case group.ActionLeave:
			role, why := a.Name, a.Text
			e.afterwards(u, func(now time.Time) { e.leave(now, u, role, why) })
		case group.ActionYield:
			e.call(now, u.routers[a.Router], peer.Call{Kind: peer.KindYield})
		case group.ActionRecord:
			if a.Record.Kind == "transition" && a.Record.To == group.Active && u.lease != nil {
				a.Record.Epoch = u.epoch
			}
			e.record(Record{Time: now, Record: *a.Record})
			e.countFault(u, a.Record)
			e.nextTalk = now // tell the peers, too
		case group.ActionResult:
			e.answer(u, CommandResult{OK: a.OK, Text: a.Text})
		case group.ActionStopped:
			e.Post(func(now time.Time) { e.end(now, u) })
		}
	}
}

var opKinds = [...]OpKind{group.Install: OpInstall, group.Remove: OpRemove}

// advertise puts one advert into the round's batch: to the multicast group,
// or to every unicast peer. due is when it should have been sent, if it was
// due at a certain time.
func (e *Engine) advertise(now time.Time, r *router, priority uint8, due time.Time) {
	if r.mute() {
		if priority != 0 {
			e.muted = append(e.muted, r)
		}
		return
	}
	if !r.port.open() {
		return
	}
	vr := r.unit.set.Router(r.index)
	j := job{due: due}
	if priority != 0 {
		j.router = r
	}
	if len(r.cfg.Peers) == 0 {
		dst := multicast(r.cfg.Family)
		e.push(Outgoing{
			Port: r.port.id, Kind: Advert, Src: r.src, Dst: dst, SrcMAC: r.sourceMAC(),
			Data: e.encode(func(b []byte) []byte { return vr.AppendAdvert(b, now, dst, priority) }),
		}, j)
		return
	}
	for _, dst := range r.cfg.Peers {
		e.push(Outgoing{
			Port: r.port.id, Kind: Advert, Src: r.src, Dst: dst,
			Data: e.encode(func(b []byte) []byte { return vr.AppendAdvert(b, now, dst, priority) }),
		}, j)
	}
}

// sourceMAC is the virtual MAC, from which an Active sends (RFC 9568 §7.2),
// or zero for the interface's own.
func (r *router) sourceMAC() [6]byte {
	if r.virtual {
		return r.mac
	}
	return [6]byte{}
}

func multicast(f vrrp.Family) netip.Addr {
	if f == vrrp.IPv4 {
		return vrrp.Group4
	}
	return vrrp.Group6
}

// announce tells the LAN where the router's addresses are.
func (e *Engine) announce(r *router) {
	if !r.port.open() {
		return
	}
	mac := r.mac
	for _, p := range r.addrs {
		a := p.Addr()
		if r.cfg.Family == vrrp.IPv6 {
			e.frame(r, e.encode(func(b []byte) []byte { return announce.AppendNA(b, mac, a, e.role(r)) }))
			continue
		}
		e.frame(r, e.encode(func(b []byte) []byte { return announce.AppendARPRequest(b, mac, a) }))
		e.frame(r, e.encode(func(b []byte) []byte { return announce.AppendARPReply(b, mac, a) }))
	}
}

// probe asks the LAN whether somebody else has the router's addresses.
func (e *Engine) probe(r *router) {
	if !r.port.open() || !r.prepared {
		return
	}
	mac := r.mac
	for _, p := range r.addrs {
		a := p.Addr()
		if r.cfg.Family == vrrp.IPv6 {
			e.frame(r, e.encode(func(b []byte) []byte { return announce.AppendNSProbe(b, mac, a) }))
		} else {
			e.frame(r, e.encode(func(b []byte) []byte { return announce.AppendARPProbe(b, mac, a) }))
		}
	}
}

func (e *Engine) role(r *router) announce.Role { return e.opt.Role(r.group.Interface) }

func (e *Engine) frame(r *router, data []byte) {
	e.frames = append(e.frames, Outgoing{Port: r.port.id, Kind: Frame, Data: data})
}

// tell names the successor to the other nodes. Without a name it is the best
// holdfast node that is there, one for the whole set; without one of those
// nothing needs saying, as a priority 0 says it all.
func (e *Engine) tell(now time.Time, u *unit, a *group.Action) {
	r, to := u.routers[a.Router], a.Name
	if to == "" {
		n, ok := u.routers[u.set.Lead()].table.Successor(uint8(group.Backup), now)
		if !ok {
			return
		}
		to = n.Name
	}
	kind := peer.KindNext
	if a.Chosen {
		kind = peer.KindTake
	}
	e.call(now, r, peer.Call{Kind: kind, To: to})
}

// call says something about a router to the other nodes.
func (e *Engine) call(now time.Time, r *router, c peer.Call) {
	if r.mute() {
		return
	}
	c.Family, c.VRID, c.From, c.Sent, c.Set = r.cfg.Family, r.cfg.VRID, e.node, e.stamp(now), r.unit.print
	e.message(r.port, r.cfg, r.src, e.encode(func(b []byte) []byte { return c.Append(b, r.key) }))
}

// stamp is the time for a message: later than any before, as receivers take
// what is not for repeated.
func (e *Engine) stamp(now time.Time) time.Time {
	if !now.After(e.stamped) {
		now = e.stamped.Add(1)
	}
	e.stamped = now
	return now
}

// encode appends to the round's arena. Earlier slices stay valid when it
// grows: they keep the array that they point into.
func (e *Engine) encode(f func([]byte) []byte) []byte {
	at := len(e.arena)
	e.arena = f(e.arena)
	return e.arena[at:len(e.arena):len(e.arena)]
}

func (e *Engine) push(o Outgoing, j job) {
	e.out = append(e.out, o)
	e.jobs = append(e.jobs, j)
}
