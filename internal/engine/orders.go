package engine

import (
	"fmt"
	"time"

	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/group"
	"github.com/holdfast-net/holdfast/vrrp"
)

// retryPrepare is how long to wait after the kernel refused to prepare a
// router.
const retryPrepare = 5 * time.Second

func (e *Engine) submit(r *router, kind OpKind) {
	e.opt.Hands.Submit(Op{
		Kind: kind, Tag: r.tag(), Interface: r.group.Interface, Family: r.cfg.Family, VRID: r.cfg.VRID,
		Addresses: r.addrs, MAC: macMode(r.group), Drop: !r.group.VRRP.Accept,
		Owner: r.group.VRRP.Priority == vrrp.OwnerPriority, Group: r.group.Name, Keep: r.kept,
	})
}

// macMode is what was configured, except that unicast peers may be behind a
// router, which would never learn a virtual MAC.
func macMode(g *config.Group) MACMode {
	switch {
	case g.VRRP.MAC == config.MACVirtual:
		return MACVirtual
	case g.VRRP.MAC == config.MACPhysical, len(g.VRRP.Peers) > 0:
		return MACPhysical
	}
	return MACAuto
}

// Carried is for the hands: it may be called from any goroutine.
func (e *Engine) Carried(res Result) {
	e.Post(func(now time.Time) { e.carried(now, res) })
}

func (e *Engine) carried(now time.Time, res Result) {
	r := e.tagged(res.Op.Tag)
	for _, note := range res.Notes {
		e.record(Record{Time: now, Record: group.Record{
			Group: res.Op.Group, Kind: "address", Code: "HF2006", Family: res.Op.Family, Reason: note,
		}})
	}
	if r == nil {
		return // its unit has ended
	}
	switch res.Op.Kind {
	case OpPrepare:
		e.preparedNow(now, r, res)
	case OpInstall:
		e.step(now, r.unit, group.Done(r.index, group.Install, res.Err))
	case OpRemove:
		e.step(now, r.unit, group.Done(r.index, group.Remove, res.Err))
	case OpDiscard:
	}
}

func (e *Engine) preparedNow(now time.Time, r *router, res Result) {
	r.preparing = false
	if r.kept {
		e.keptNow(now, r, res)
		return
	}
	if res.Err != nil {
		r.trouble = fmt.Sprintf("cannot prepare %s: %v", r.group.Interface, res.Err)
		r.retry = now.Add(retryPrepare)
		e.later(r.retry, func(now time.Time) {
			if e.tagged(r.tag()) == r && !r.prepared {
				r.trouble = ""
				e.attach(now, r)
			}
		})
		e.attach(now, r)
		return
	}
	r.prepared, r.trouble = true, ""
	r.mac, r.virtual, r.why = res.MAC, res.Virtual, res.Why
	r.slot = res.Slot
	e.store(r, r.keeper.Doors())
	e.explainMAC(r)
	e.attach(now, r)
	e.startIfReady(now, r.unit)
}

// explainMAC says why not the virtual MAC where this package decided that.
func (e *Engine) explainMAC(r *router) {
	if r.why == "" && !r.virtual && len(r.cfg.Peers) > 0 && r.group.VRRP.MAC == config.MACAuto {
		r.why = "unicast peers: they may be behind a router"
	}
}

// later posts f at t.
func (e *Engine) later(t time.Time, f func(now time.Time)) {
	time.AfterFunc(time.Until(t), func() { e.Post(f) })
}
