package engine

import (
	"net/netip"
	"time"

	"github.com/holdfast-net/holdfast/internal/announce"
	"github.com/holdfast-net/holdfast/internal/group"
)

// inquiry is a host that was asked by ARP or ND where it is: does it hear
// anything at all?
type inquiry struct {
	router *router
	addr   netip.Addr
	until  time.Time
}

// patience of an inquiry. Who answers does so within a fraction of it.
const answerWithin = 300 * time.Millisecond

// reach asks a host where it is.
func (e *Engine) reach(now time.Time, r *router, addr netip.Addr) {
	if !r.port.open() || !r.src.IsValid() || e.opt.Wire.OpenAnswers(r.port.id, addr) != nil {
		return
	}
	e.inquiries = append(e.inquiries, inquiry{r, addr, now.Add(answerWithin)})
	mac, src := r.port.link.MAC, r.src
	e.frame(r, e.encode(func(b []byte) []byte {
		if addr.Is4() {
			return announce.AppendARPAsk(b, mac, [6]byte{}, src, addr)
		}
		return announce.AppendNSAsk(b, mac, [6]byte{}, src, addr)
	}))
	e.later(now.Add(answerWithin), e.endInquiries)
}

// hostAnswered takes in where a host says it is.
func (e *Engine) hostAnswered(now time.Time, d *Datagram) {
	for _, q := range e.inquiries {
		if q.router.port.id == d.Port && q.addr == d.Src && e.units[q.router.unit.id] == q.router.unit {
			e.step(now, q.router.unit, group.Reached(q.router.index, q.addr))
		}
	}
}

// endInquiries forgets what has not been answered in time.
func (e *Engine) endInquiries(now time.Time) {
	kept := e.inquiries[:0]
	for _, q := range e.inquiries {
		if q.until.After(now) {
			kept = append(kept, q)
		} else if q.router.port.open() && !e.asksElsewhere(q) {
			e.opt.Wire.CloseAnswers(q.router.port.id, q.addr)
		}
	}
	e.inquiries = kept
}

// asksElsewhere reports whether a gateway is heard by the same address.
func (e *Engine) asksElsewhere(q inquiry) bool {
	for _, g := range e.gateways {
		if g.port == q.router.port && g.addr == q.addr {
			return true
		}
	}
	return false
}
