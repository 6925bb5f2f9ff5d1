package balance

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/holdfast-net/holdfast/internal/check"
)

// View is what a holder knows of a service's backends, for the nodes that
// follow it: all that tables are made of and that their own files do not say.
// A standby that made its tables of its own checks would send flows elsewhere
// exactly when it matters.
type View struct {
	Backends []Standing
	Digest   [32]byte // of the plan that the holder made of it
}

// Standing is one backend in a view.
type Standing struct {
	Addr    netip.AddrPort
	Health  Health
	Why     string
	Share   uint32 // in percent
	Ramp    uint32 // of a slow start, in percent
	Wish    Wish
	Wished  string
	Weighed bool
	Weight  uint16 // where Weighed
}

// View gives this node's view, as of its last plan. It has no backends before
// the first one.
func (p *Pool) View() View {
	if p.plan == nil {
		return View{}
	}
	v := View{Digest: p.plan.Digest()}
	for _, m := range p.members {
		if !m.removed {
			v.Backends = append(v.Backends, Standing{
				Addr: m.Addr, Health: m.health, Why: m.why, Share: m.share, Ramp: m.ramp,
				Wish: m.wish, Wished: m.wished, Weighed: m.weighed, Weight: m.weight,
			})
		}
	}
	return v
}

// follow takes the holder's view. A backend that it does not name stays as it
// is: the two files differ, and the digests will.
func (p *Pool) follow(now time.Time, v View, out []Action) []Action {
	if len(v.Backends) == 0 {
		return out
	}
	p.following = true
	p.believe()
	for _, s := range v.Backends {
		m := find(p.members, s.Addr)
		if m == nil || m.removed {
			continue
		}
		m.health, m.why, m.share, m.ramp = min(s.Health, Unhealthy), s.Why, min(s.Share, 100), min(max(s.Ramp, 1), 100)
		m.wish, m.wished = min(s.Wish, WishDown), s.Wished
		m.weighed, m.weight = s.Weighed, s.Weight
		m.started, m.due = time.Time{}, time.Time{}
		if m.ramp < 100 {
			// Where this node leads one day, it goes on where the holder was.
			m.started = now.Add(-p.service.SlowStart * time.Duration(m.ramp-1) / 100)
		}
	}
	return out
}

// Trust is for how long the last holder's word counts against what this node's own
// checks said before it held: where it was cut off itself, they found everything
// down, and need some rounds to find it up again.
const Trust = 10 * time.Second

// lead lets this node's own checks decide again. Wishes and weights of
// operators stay as the last holder had them. A check of which nothing was
// heard here is taken to be as the holder said, and one that was down here and
// well there too, until it says something or for [Trust].
func (p *Pool) lead(now time.Time) {
	if !p.following {
		return
	}
	p.following = false
	for _, m := range p.members {
		to := check.Up
		switch m.health {
		case Unhealthy:
			to = check.Down
		case Unchecked:
			to = check.Pending
		case Healthy:
		}
		for _, name := range m.Checks {
			own, heard := m.checks[name]
			if heard && (own.To != check.Down || m.health != Healthy) {
				continue
			}
			if heard {
				m.doubted[name], p.trust = own, now.Add(Trust)
			}
			m.checks[name] = check.Change{To: to, Text: fmt.Sprintf("as the last holder saw it (%s)", m.why)}
		}
	}
}

// believe has what this node's own checks said count again.
func (p *Pool) believe() {
	p.trust = time.Time{}
	for _, m := range p.members {
		for name, own := range m.doubted {
			m.checks[name] = own
		}
		clear(m.doubted)
	}
}

// compare records once that this node's table is not the holder's, though it
// was made of the holder's view: their files, seeds or versions differ.
func (p *Pool) compare(v View, out []Action) []Action {
	differs := p.plan != nil && len(v.Backends) > 0 && p.plan.Digest() != v.Digest
	if differs && !p.diverged {
		out = append(out, record(CodeDiverged, netip.AddrPort{}, fmt.Sprintf("service %s: the holder's table is another one: the files of the nodes differ, or the cluster's seed does", p.service.Name)))
	}
	p.diverged = differs
	return out
}
