package engine

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"github.com/holdfast-net/holdfast/bfd"
	"github.com/holdfast-net/holdfast/internal/group"
	"github.com/holdfast-net/holdfast/internal/sight"
	"github.com/holdfast-net/holdfast/vrrp"
)

// BFD is the Kind of a packet of package bfd: UDP, to port 3784, with TTL 255,
// from one source port for all sessions of an interface and family
// (RFC 5881 §4).
const BFD Kind = Vote + 1

// sights is this node's part in watching its neighbours by BFD.
type sights struct {
	set    *sight.Set
	acts   []sight.Action
	sent   []sight.Action           // of the round, for job.packet
	units  []*unit                  // that have neighbours, in no order
	said   map[string]string        // per interface, why BFD cannot be used
	told   map[sight.Path]time.Time // when a neighbour was last named whose packets are refused
	limits []sight.Limit            // of holds, at the last look
	bound  bool                     // some hold may be limited
	off    bool                     // none are wanted while another process takes over
}

func newSights() sights {
	return sights{
		set:  sight.New(rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))),
		said: map[string]string{},
		told: map[sight.Path]time.Time{},
	}
}

// stumble is how long this process may stand still before the silence
// meanwhile is taken for its own.
const stumble = 2 * time.Millisecond

// look brings the sessions in line with who is there: the unicast peers, or
// else the holdfast nodes that were heard.
func (e *Engine) look(now time.Time) {
	for _, u := range e.units {
		e.lookFor(now, u)
	}
	e.sights.units = slices.DeleteFunc(e.sights.units, func(u *unit) bool { return len(u.paths) == 0 })
}

func (e *Engine) lookFor(now time.Time, u *unit) {
	before := u.paths
	u.paths = nil
	for _, r := range u.routers {
		b := r.group.VRRP.BFD
		if b == nil || e.sights.off || u.retiring || !r.port.open() || !r.port.link.Up || !r.src.IsValid() || !e.speaksBFD(now, r.port) {
			continue
		}
		for _, peer := range r.neighbours(now) {
			p := sight.Path{Link: int(r.port.id), Peer: peer}
			if slices.Contains(u.paths, p) {
				continue
			}
			w := sight.Wish{Local: r.src, Interval: b.Interval, Multiplier: b.Multiplier, Key: b.Key.Bytes()}
			acts, err := e.sights.set.Want(now, u.id, p, w, nil)
			e.saw(now, acts)
			if err != nil {
				e.opt.Log.Debug("watching a neighbour failed", "peer", peer, "err", err)
				continue
			}
			u.paths = append(u.paths, p)
		}
	}
	for _, p := range before {
		if !slices.Contains(u.paths, p) {
			e.saw(now, e.sights.set.Leave(now, u.id, p, nil))
			delete(e.sights.told, p)
		}
	}
	if len(u.paths) > 0 && !slices.Contains(e.sights.units, u) {
		e.sights.units = append(e.sights.units, u)
	}
}

// forgetNeighbours is for a unit that ends.
func (e *Engine) forgetNeighbours(now time.Time, u *unit) {
	for _, p := range u.paths {
		e.saw(now, e.sights.set.Leave(now, u.id, p, nil))
	}
	u.paths = nil
}

// neighbours are the addresses of the other nodes of a router.
func (r *router) neighbours(now time.Time) []netip.Addr {
	if len(r.cfg.Peers) > 0 {
		return r.cfg.Peers
	}
	var out []netip.Addr
	for _, n := range r.table.Nodes() {
		if r.table.Kin(n.Addr, now) {
			out = append(out, n.Addr)
		}
	}
	return out
}

// speaksBFD opens BFD on an interface, and says once why that fails.
func (e *Engine) speaksBFD(now time.Time, p *port) bool {
	err := e.opt.Wire.OpenBFD(p.id)
	if err == nil {
		delete(e.sights.said, p.name)
		return true
	}
	if e.sights.said[p.name] != err.Error() {
		e.sights.said[p.name] = err.Error()
		e.record(Record{Time: now, Record: group.Record{
			Kind: "notice", Code: "HF2005", Reason: fmt.Sprintf("neighbours on %s are not watched: %v", p.name, err),
		}})
	}
	return false
}

// heardBFD takes in a packet of a neighbour.
func (e *Engine) heardBFD(now time.Time, d *Datagram) {
	p := bfd.Packet{Src: d.Src, Link: int(d.Port), TTL: d.TTL, Payload: d.Data}
	e.sights.acts = e.sights.set.Received(now, &p, e.sights.acts[:0])
	e.saw(now, e.sights.acts)
}

// watch does what is due in the sessions, after all packets were heard.
func (e *Engine) watch(now time.Time) {
	if at := e.sights.set.Deadline(); at.IsZero() || now.Before(at) {
		return
	}
	e.sights.acts = e.sights.set.Tick(now, e.sights.acts[:0])
	e.saw(now, e.sights.acts)
}

// saw carries out what the sessions answered.
func (e *Engine) saw(now time.Time, acts []sight.Action) {
	for _, a := range acts {
		if a.Refused != bfd.DropNone {
			e.refused(now, a)
			continue
		}
		if a.Kind == bfd.ActionSend {
			e.sights.sent = append(e.sights.sent, a)
			e.push(Outgoing{
				Port: Port(a.Path.Link), Kind: BFD, Src: a.Local, Dst: a.Path.Peer, Data: e.encode(a.AppendPacket),
			}, job{packet: len(e.sights.sent)})
			continue
		}
		e.opt.Log.Info("neighbour", "peer", a.Path.Peer, "from", a.From, "to", a.To, "reason", a.Reason)
		if a.Missed() {
			e.missed(now, a)
		}
	}
}

// tellRefused is how often a neighbour is named whose packets are refused.
const tellRefused = time.Minute

// refused says that a neighbour signs its packets in another way than this
// node, so that neither watches the other.
func (e *Engine) refused(now time.Time, a sight.Action) {
	if last, told := e.sights.told[a.Path]; told && now.Sub(last) < tellRefused {
		return
	}
	for _, u := range e.sights.units {
		if !slices.Contains(u.paths, a.Path) {
			continue
		}
		e.sights.told[a.Path] = now
		e.record(Record{Time: now, Record: group.Record{
			Group: u.groups[0].Name, Kind: "notice", Code: "HF2028", Peer: a.Path.Peer,
			Reason: fmt.Sprintf("BFD packets from %s are dropped (%s), so it is missed no sooner than VRRP misses it: set the same bfd: {auth} on both", a.Path.Peer, a.Refused),
		}})
		return
	}
}

// missed tells who waits for a neighbour to fall silent that it has: its holds
// are over, as they were bound by the same session. One that has advertised
// since is another process, or has ended the session: nothing bound that hold.
func (e *Engine) missed(now time.Time, a sight.Action) {
	p := a.Path
	for _, u := range slices.Clone(e.sights.units) {
		if !slices.Contains(u.paths, p) || slices.ContainsFunc(u.routers, func(r *router) bool { return r.heardSince(a) }) {
			continue
		}
		holder := ""
		for _, r := range u.routers {
			if int(r.port.id) != p.Link || p.Peer.Is4() != r.src.Is4() {
				continue
			}
			active, live := u.set.Router(r.index).Active()
			e.step(now, u, group.Yielded(r.index, p.Peer))
			if live && active.Addr == p.Peer {
				if holder, live = r.table.ByAddr(p.Peer); !live {
					holder = p.Peer.String()
				}
			}
		}
		if holder != "" && u.set.State() == group.Backup {
			e.step(now, u, group.Missed(holder))
		}
	}
}

// heardSince reports whether a neighbour has advertised when it sent no more
// packets of BFD: it sends one at least as often as adverts, or else to wait for
// those costs little.
func (r *router) heardSince(a sight.Action) bool {
	o, ok := r.unit.set.Router(r.index).Peer(a.Path.Peer)
	return ok && o.LastHeard.Sub(a.Heard) > r.cfg.Interval
}

// bound lets no hold last longer than the neighbours wait for this node. It is
// called before packets are sent, for an answer that has become smaller, and
// again after. A hold that has ended meanwhile is not extended: the neighbour
// may have acted on that already, and a packet that says Down may be the news
// of it.
func (e *Engine) bound() {
	s := &e.sights
	if s.limits = s.set.Limits(s.limits[:0]); len(s.limits) == 0 && !s.bound {
		return
	}
	s.bound = len(s.limits) > 0
	for _, u := range e.units {
		b := u.bounded(s.limits)
		if b == u.bound {
			continue
		}
		if later := b == 0 || b > u.bound; later && u.bound != 0 {
			if _, late := u.lapsed(e.opt.Gate.Now()); late > 0 {
				e.expire(u)
				continue
			}
		}
		u.bound = b
		e.limit(u)
	}
}

// bounded is the first of the limits on the unit's links. A unit whose holds
// are leases has none: no neighbour takes them for its silence.
func (u *unit) bounded(limits []sight.Limit) Instant {
	var first Instant
	for _, l := range limits {
		if first != 0 && l.Until >= first {
			continue
		}
		if slices.ContainsFunc(u.routers, func(r *router) bool {
			return int(r.port.id) == l.Link && (r.cfg.Family == vrrp.IPv4) == l.V4 && !r.mute()
		}) {
			first = l.Until
		}
	}
	return first
}
