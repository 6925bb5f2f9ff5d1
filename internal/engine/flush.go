package engine

import "time"

// job is what an Outgoing is for.
type job struct {
	router *router   // of an advert that extends its hold; else nil
	due    time.Time // when the advert should have been sent; zero: at once
	packet int       // of BFD: its place in sights.sent, from 1 on
}

// send hands the round's packets to the kernel, and what follows from that.
func (e *Engine) send() {
	e.flush()
	for len(e.claimed)+len(e.expired) > 0 {
		e.tellSent()
		e.flush()
	}
}

// flush hands the round's packets to the kernel: first adverts and messages,
// which extend and open holds, and then the announcements, which pass the gate
// only where a hold is open.
func (e *Engine) flush() {
	e.speakMute()
	if len(e.out) > 0 {
		for _, a := range e.sights.sent {
			e.sights.set.Sending(a, e.opt.Gate.Now())
		}
		e.bound()
		e.withhold()
		before := e.opt.Gate.Now()
		e.opt.Wire.Send(e.out)
		e.sent(before, e.opt.Gate.Now())
		e.bound()
		e.sights.sent = e.sights.sent[:0]
		e.out, e.jobs = e.out[:0], e.jobs[:0]
	}
	if len(e.frames) > 0 {
		e.opt.Wire.Send(e.frames)
		sent := e.opt.Clock()
		for i := range e.frames {
			if o := &e.frames[i]; o.Err != nil {
				e.sendFailed(sent, o)
			}
			e.frames[i].Data = nil
		}
		e.frames = e.frames[:0]
	}
	e.arena = e.arena[:0]
}

// withhold takes out the adverts of holds that have ended: what they say is no
// longer true.
func (e *Engine) withhold() {
	now := e.opt.Gate.Now()
	kept := 0
	for i := range e.out {
		if r := e.jobs[i].router; r != nil && !r.keeper.May(now) {
			e.expire(r.unit)
			continue
		}
		e.out[kept], e.jobs[kept] = e.out[i], e.jobs[i]
		kept++
	}
	clear(e.out[kept:])
	e.out, e.jobs = e.out[:kept], e.jobs[:kept]
}

// sent extends the holds of what was sent between two readings of the gate's
// clock. Of an advert to several unicast peers, the kernel has to have taken one:
// a peer that no route leads to must not cost the others the address.
func (e *Engine) sent(before, after Instant) {
	now := e.opt.Clock()
	for i := range e.out {
		o, j := &e.out[i], &e.jobs[i]
		switch {
		case o.Err != nil:
			e.sendFailed(now, o)
		case j.packet != 0:
			e.sights.set.Sent(e.sights.sent[j.packet-1], before, after)
		case j.router != nil:
			e.spoke(j.router, before, after)
			if !j.due.IsZero() {
				e.late.add(now.Sub(j.due))
			}
		}
		o.Data = nil
	}
}
