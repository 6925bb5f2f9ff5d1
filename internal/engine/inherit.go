package engine

import (
	"context"
	"slices"
	"time"

	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/group"
	"github.com/holdfast-net/holdfast/internal/hold"
	"github.com/holdfast-net/holdfast/internal/order"
)

// Rehearse does beforehand what takes time in Inherit, and says what would keep
// it from succeeding. Links must have been told before. Nothing is sent.
func (e *Engine) Rehearse(ctx context.Context, cfg *config.Config, es *Estate) error {
	err, timeout := Ask(ctx, e, func(_ time.Time, answer func(error)) {
		_, _, err := e.heirs(cfg, es)
		for i := range cfg.Groups {
			p := e.portFor(cfg.Groups[i].Interface)
			if err == nil && p.link.Index != 0 && !p.open() {
				p.id, err = e.opt.Wire.Open(p.name)
			}
		}
		answer(err)
	})
	if timeout != nil {
		return timeout
	}
	return err
}

// Inherit is Apply for a process that goes on where another one stopped: what
// that one held is held here from the first round on, and its adverts are sent
// when they are due. Links must have been told before. taken is called in the
// loop when nothing can fail any more, and before anything is sent.
func (e *Engine) Inherit(ctx context.Context, cfg *config.Config, es *Estate, taken func()) error {
	err, timeout := Ask(ctx, e, func(now time.Time, answer func(error)) { answer(e.inherit(now, cfg, es, taken)) })
	if timeout != nil {
		return timeout
	}
	return err
}

func (e *Engine) inherit(now time.Time, cfg *config.Config, es *Estate, taken func()) error {
	fresh, of, err := e.heirs(cfg, es)
	if err != nil {
		return err
	}
	e.legacy = es.Votes
	if err := e.joinCluster(cfg); err != nil {
		return err
	}
	e.node, e.maintenance, e.stamped = cfg.Node, es.Maintenance, es.Stamped
	e.hellos, e.sights.off = news, true
	e.fencing.configure(cfg)
	e.fencing.inherit(es.Fencing)
	taken()
	drawn := now.Add(-e.opt.Gate.Now().Sub(es.Drawn))
	for _, c := range es.Checks { // they count until there is something newer
		e.results[c.Name] = group.Event{Kind: group.EventCheck, Name: c.Name, Up: c.Up, Text: c.Text, Worth: c.Worth}
	}
	e.forgetChecks(cfg.Checks)
	for i, u := range fresh {
		e.succeed(now, drawn, u, of[i])
	}
	e.nextTalk = now.Add(hush)
	return nil
}

// succeed takes a unit into the engine as another process left it.
func (e *Engine) succeed(now, drawn time.Time, u *unit, ue *UnitEstate) {
	e.units[u.id] = u
	for i, r := range u.routers {
		o := &ue.Routers[i]
		p := e.portFor(r.group.Interface)
		r.port = p
		p.routers = append(p.routers, r)
		if o.Prepared && o.Index == p.link.Index {
			r.prepared, r.kept = true, true
			r.mac, r.virtual, r.why, r.slot = o.MAC, o.Virtual, o.Why, o.Slot
		}
		r.keeper = hold.Inherit(o.Keeper)
		for _, n := range o.Nodes {
			r.table.Note(n)
		}
		r.calls.Inherit(o.Calls)
	}
	e.inheritSteps(u, ue)
	u.former = ue.Lease
	e.stand(u)
	u.mandate, u.epoch = ue.Mandate, ue.Epoch
	e.limit(u)
	e.tellChecks(now, u)
	for _, r := range u.routers {
		e.attach(now, r)
	}
	if slices.ContainsFunc(u.routers, func(r *router) bool { return !r.kept && r.port.link.Up }) {
		// Its interface has just been made anew: it begins as any other.
		for _, r := range u.routers {
			r.keeper = hold.Keeper{}
			e.store(r, r.keeper.Doors())
		}
		e.undoSteps(now, u, "the interface was made anew while another process took over")
		e.startIfReady(now, u)
		return
	}
	u.started = true
	// The hands find what is there, and take it for theirs.
	for _, r := range u.routers {
		if r.kept {
			e.submit(r, OpPrepare)
		}
	}
	e.acts = u.set.Inherit(now, drawn, &ue.Set, e.acts[:0])
	e.perform(now, u, e.acts)
	if u.set.Wanting() {
		e.wantMandate(u, u.set.Router(u.set.Lead()).Priority())
	}
	e.plan(u)
	for _, t := range u.steps {
		e.transaction(now, u, t, order.Tick())
	}
}

// keptNow is preparedNow for a router that another process prepared.
func (e *Engine) keptNow(now time.Time, r *router, res Result) {
	if res.Err != nil {
		// What it holds it holds behind the gate, known to the hands or not.
		e.later(now.Add(retryPrepare), func(time.Time) {
			if e.tagged(r.tag()) == r && r.kept {
				e.submit(r, OpPrepare)
			}
		})
		return
	}
	r.kept = false
	moved := r.mac != res.MAC || r.slot != res.Slot
	r.mac, r.virtual, r.why, r.slot = res.MAC, res.Virtual, res.Why, res.Slot
	e.explainMAC(r)
	if moved {
		e.store(r, r.keeper.Doors())
		e.opt.Log.Warn("what was taken over is not what it was", "iface", r.port.name, "vrid", r.cfg.VRID)
	}
}

// Alone says that the process before this one has ended, and with it its
// sockets. It may be called from any goroutine.
func (e *Engine) Alone() {
	e.Post(func(now time.Time) {
		e.sights.off = false
		e.nextTalk = now
	})
}
