package engine

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/holdfast-net/holdfast/internal/config"
)

// Apply brings the engine in line with a configuration. Groups that are the
// same go on undisturbed; groups whose settings changed are changed in place
// where their virtual router stays the same one; others leave in order and
// start anew. On an error nothing has changed.
func (e *Engine) Apply(ctx context.Context, cfg *config.Config) error {
	err, timeout := Ask(ctx, e, func(now time.Time, answer func(error)) { answer(e.apply(now, cfg)) })
	if timeout != nil {
		return timeout
	}
	return err
}

func (e *Engine) apply(now time.Time, cfg *config.Config) error {
	if e.stopping {
		return ErrStopped
	}
	sets := mute(together(cfg.Groups))
	fresh := make([]*unit, len(sets))
	for i, groups := range sets { // everything that can fail comes first
		u, err := e.newUnit(groups)
		if err != nil {
			return fmt.Errorf("cannot apply configuration: %w", err)
		}
		fresh[i] = u
	}
	if err := e.joinCluster(cfg); err != nil {
		return fmt.Errorf("cannot apply configuration: %w", err)
	}
	e.node = cfg.Node
	e.fencing.configure(cfg)
	e.forgetChecks(cfg.Checks)
	e.waiting = nil

	kept := map[*unit]bool{}
	for _, f := range fresh {
		old := e.unitOf(f.groups[0].Name)
		if old != nil && old.adaptable(f) && e.adapt(now, old, f) {
			kept[old] = true
			continue
		}
		e.waiting = append(e.waiting, f)
	}
	for _, u := range e.sortedUnits() {
		if !kept[u] {
			e.retire(now, u, "the configuration changed")
		}
	}
	e.beginWaiting(now)
	e.nextTalk = now
	return nil
}

// beginWaiting starts the new units none of whose groups or virtual routers
// are still leaving as part of an old one.
func (e *Engine) beginWaiting(now time.Time) {
	e.waiting = slices.DeleteFunc(e.waiting, func(f *unit) bool {
		for _, u := range e.units {
			if u.overlaps(f) {
				return false
			}
		}
		e.begin(now, f)
		return true
	})
}

// overlaps reports whether two units share a group, a virtual router or an
// address on an interface.
func (u *unit) overlaps(f *unit) bool {
	for i := range f.groups {
		if u.has(f.groups[i].Name) {
			return true
		}
	}
	for _, a := range u.routers {
		for _, b := range f.routers {
			if a.group.Interface != b.group.Interface || a.cfg.Family != b.cfg.Family {
				continue
			}
			if a.cfg.VRID == b.cfg.VRID || slices.ContainsFunc(a.addrs, func(p netip.Prefix) bool { return slices.ContainsFunc(b.addrs, sameAddr(p)) }) {
				return true
			}
		}
	}
	return false
}

// adaptable reports whether the unit can become f without leaving.
func (u *unit) adaptable(f *unit) bool {
	if len(u.groups) != len(f.groups) || len(u.routers) != len(f.routers) {
		return false
	}
	if u.voted && u.key() != f.key() {
		return false // what was promised so far is for another group
	}
	for i := range u.groups {
		a, b := &u.groups[i], &f.groups[i]
		if a.Name != b.Name || a.Interface != b.Interface || macMode(a) != macMode(b) || a.VRRP.Accept != b.VRRP.Accept || a.Guard != b.Guard {
			return false
		}
		if (a.Lease == nil) != (b.Lease == nil) || a.Lease != nil && !a.Lease.Store.Equal(b.Lease.Store) {
			return false // another election
		}
		if hasSteps(a) != hasSteps(b) {
			return false // who holds without steps has not taken them
		}
	}
	for i := range u.routers {
		a, b := u.routers[i].cfg, f.routers[i].cfg
		if a.VRID != b.VRID || a.Family != b.Family || a.Version != b.Version {
			return false
		}
	}
	return true
}

// adapt changes a unit in place. The routers keep what they know; addresses
// that are new are installed and those that are gone are taken off by the
// same order (OpInstall leaves exactly what it names).
func (e *Engine) adapt(now time.Time, u, f *unit) bool {
	old := u.groups
	u.groups = f.groups
	for i, r := range u.routers {
		r.group = f.routers[i].group
		r.cfg = f.routers[i].cfg
		was := r.addrs
		r.addrs = f.routers[i].addrs
		e.exchanged(r, was)
		r.key = f.routers[i].key
	}
	acts, err := u.set.Reconfigure(now, setConfigs(u.groups), e.acts[:0])
	if err != nil {
		// adaptable was wrong: let the unit leave and start anew.
		e.opt.Log.Warn("changing a group in place failed", "group", old[0].Name, "err", err)
		return false
	}
	e.acts = acts
	e.perform(now, u, acts)
	for _, t := range u.steps {
		t.machine.Reconfigure(e.opt.Steps.Plan(t.group))
	}
	e.plan(u)
	e.stand(u)
	e.tellChecks(now, u)
	return true
}

// together splits groups into sets that move together. Each group lists all
// that it moves with, so the first of them by name stands for the set.
func together(groups []config.Group) [][]config.Group {
	var out [][]config.Group
	at := map[string]int{}
	for _, g := range groups {
		first := g.Name
		for _, w := range g.With {
			first = min(first, w)
		}
		i, ok := at[first]
		if !ok {
			i = len(out)
			at[first] = i
			out = append(out, nil)
		}
		out[i] = append(out[i], g)
	}
	return out
}

// Settled waits until no group is on its way out or in because of an Apply.
func (e *Engine) Settled(ctx context.Context) error {
	for {
		done, err := Ask(ctx, e, func(_ time.Time, answer func(bool)) {
			busy := len(e.waiting) > 0
			for _, u := range e.units {
				busy = busy || u.retiring
			}
			answer(!busy)
		})
		if err != nil || done {
			return err
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
