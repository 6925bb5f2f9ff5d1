package sim

import (
	"net/netip"
	"time"

	"github.com/holdfast-net/holdfast/vrrp"
)

// client asks every address on its LAN at an interval.
type client struct {
	lan     int
	index   int // of its port
	targets []*target
}

// target is one address with the client's neighbour entry for it.
type target struct {
	vr     int
	addr   netip.Addr
	family vrrp.Family
	mac    mac           // 0: not resolved
	asked  time.Duration // when a question was sent last
	probes []askedAt
	last   int // the latest probe that was answered; -1: none
}

// askedAt is one probe.
type askedAt struct {
	at       time.Duration
	answered bool
}

// askAgain is the time between two questions for an unresolved address, as in
// Linux.
const askAgain = time.Second

func (c *client) mac() mac { return 0x020000ff0000 | mac(c.lan)<<8 | mac(c.index) }

// probeAll sends a round of probes.
func (w *World) probeAll(c *client) {
	for i, t := range c.targets {
		id := i<<32 | len(t.probes)
		t.probes = append(t.probes, askedAt{at: w.now})
		if t.mac == 0 {
			if t.asked == 0 || w.now-t.asked >= askAgain {
				t.asked = w.now
				w.transmit(c.lan, c.index, &frame{content: question, family: t.family, src: c.mac(), dst: broadcast, addr: t.addr})
			}
			continue
		}
		w.transmit(c.lan, c.index, &frame{content: ping, family: t.family, src: c.mac(), dst: t.mac, addr: t.addr, id: id})
	}
	w.queue.push(event{at: w.now + w.cfg.Probe, kind: probe, index: uint16(c.lan)})
}

// lost counts the probes of a virtual router's addresses that were sent from
// one instant to another and had no answer. An answer needs the time of a round
// trip, so a probe sent just now would count as lost.
func (w *World) lost(vr int, from, to time.Duration) int {
	n := 0
	for _, c := range w.clients {
		for _, t := range c.targets {
			if t.vr != vr {
				continue
			}
			for _, p := range t.probes {
				if p.at >= from && p.at <= to && !p.answered {
					n++
				}
			}
		}
	}
	return n
}

// clientHears follows announcements, as a host does that has an entry for the
// address, and notes answers.
func (w *World) clientHears(c *client, f *frame) {
	switch f.content {
	case announced, answer:
		for _, t := range c.targets {
			if t.addr == f.addr {
				t.mac = f.src
			}
		}
	case pong:
		t := c.targets[f.id>>32]
		i := f.id & 0xffffffff
		t.probes[i].answered = true
		if i <= t.last {
			return
		}
		if t.last >= 0 && i > t.last+1 {
			lost := 0
			for _, p := range t.probes[t.last+1 : i] {
				if !p.answered {
					lost++
				}
			}
			if lost > 0 {
				w.tell("client", "%s did not answer for %s (%d probes)",
					t.addr, show(t.probes[i].at-t.probes[t.last].at), lost)
			}
		}
		t.last = i
	}
}
