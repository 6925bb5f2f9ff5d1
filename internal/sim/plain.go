package sim

import (
	"time"

	"github.com/holdfast-net/holdfast/internal/group"
	"github.com/holdfast-net/holdfast/vrrp"
)

// plainRouter is a virtual router of another vendor: RFC 9568 and nothing
// else. It does not ask, its families do not move together, it says no more
// than adverts, and it lets go at once.
type plainRouter struct {
	vr     int
	router *vrrp.Router
	wakeAt time.Duration
}

func (w *World) startPlain(n *node) {
	for vr := range w.vrs {
		v := &w.vrs[vr]
		g := n.sets[v.set].Groups[v.group]
		r, err := vrrp.New(w.router(n.index, &g, n.settings[v.set], v.family))
		if err != nil {
			w.fail("%s: %v", n.name, err)
			return
		}
		n.plains = append(n.plains, &plainRouter{vr: vr, router: r})
	}
	for lan := range w.lans {
		if w.lans[lan].ports[n.index].up {
			w.linkPlain(n, lan, true)
		}
	}
}

// linkPlain starts or stops the routers of a LAN.
func (w *World) linkPlain(n *node, lan int, up bool) {
	ev := vrrp.Shutdown()
	if up {
		ev = vrrp.Startup()
	}
	for _, p := range n.plains {
		if w.vrs[p.vr].lan == lan {
			w.stepPlain(n, p, ev)
		}
	}
}

func (w *World) stepPlain(n *node, p *plainRouter, ev vrrp.Event) {
	v := &w.vrs[p.vr]
	for _, a := range p.router.Step(n.clock.at(w.now), ev, nil) {
		switch a.Kind {
		case vrrp.ActionSend:
			w.advertisePlain(n, p, a.Priority)
		case vrrp.ActionTransition:
			w.tell(n.name, "%s: %s -> %s: %s", v.name, a.From, a.To, a.Reason)
			op := group.Remove
			if a.To == vrrp.Active {
				op = group.Install
				w.announcePlain(n, p)
			}
			w.submit(n, p.vr, op, p.router.Config().Addresses)
		}
	}
	w.schedulePlain(n, p)
}

func (w *World) advertisePlain(n *node, p *plainRouter, priority uint8) {
	v := &w.vrs[p.vr]
	if w.story.Adverts {
		w.tell(n.name, "advert: %s priority %d", v.name, priority)
	}
	to := v.family.Group()
	w.transmit(v.lan, n.index, &frame{
		content: advert, family: v.family, src: nodeMAC(n.index, v.lan), dst: multicast,
		from: w.nodeAddr(n.index, v.lan, v.family), to: to,
		data: p.router.AppendAdvert(nil, n.clock.at(w.now), to, priority),
	})
}

// announcePlain announces when the addresses are on: shortly.
func (w *World) announcePlain(n *node, p *plainRouter) {
	v := &w.vrs[p.vr]
	for i := range time.Duration(5) {
		w.after(n, w.cfg.Kernel.Latency+w.cfg.Kernel.Jitter+i*50*time.Millisecond, func() {
			if p.router.State() != vrrp.Active {
				return
			}
			for _, a := range p.router.Config().Addresses {
				w.transmit(v.lan, n.index, &frame{
					content: announced, family: v.family, src: nodeMAC(n.index, v.lan), dst: broadcast, addr: a,
				})
			}
		})
	}
}

func (w *World) schedulePlain(n *node, p *plainRouter) {
	d := p.router.Deadline()
	if d.IsZero() {
		return
	}
	at := max(w.now+d.Sub(n.clock.at(w.now)), w.now, 1)
	if p.wakeAt != 0 && p.wakeAt <= at {
		return
	}
	p.wakeAt = at
	for i := range n.plains {
		if n.plains[i] == p {
			w.queue.push(event{at: at, kind: wakePlain, node: uint16(n.index), index: uint16(i), life: n.life})
		}
	}
}

func (w *World) wakePlain(n *node, i int) {
	p := n.plains[i]
	p.wakeAt = 0
	if d := p.router.Deadline(); !d.IsZero() && !d.After(n.clock.at(w.now)) {
		w.stepPlain(n, p, vrrp.Tick())
		return
	}
	w.schedulePlain(n, p)
}

func (w *World) plainHears(n *node, lan int, f *frame) {
	if f.content != advert {
		return
	}
	for _, p := range n.plains {
		if v := &w.vrs[p.vr]; v.lan == lan && v.family == f.family && v.vrid == f.data[1] {
			w.stepPlain(n, p, vrrp.Received(&vrrp.Packet{Src: f.from, Dst: f.to, TTL: 255, Payload: f.data}))
			return
		}
	}
}

func (w *World) stopPlain(n *node) {
	for _, p := range n.plains {
		w.stepPlain(n, p, vrrp.Shutdown())
	}
	w.exits(n)
}
