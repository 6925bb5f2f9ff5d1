package balance

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/holdfast-net/holdfast/internal/check"
)

// Settle is for how long a new pool waits for the first results of all checks
// before its first plan. What a plane found in the kernel goes on until then,
// and tables are not made anew for each result.
const Settle = 3 * time.Second

// Config is what a new pool is told.
type Config struct {
	Service *Service
	// Seed is the same on all nodes of a cluster, and secret.
	Seed [16]byte
	// After is the generation of the last plan that was given for this service,
	// by this process or an earlier one.
	After uint64
}

// Pool is the machine of one service.
type Pool struct {
	service    *Service
	seed       [16]byte
	generation uint64

	members   []*member // in the order of targets
	settle    time.Time // zero once it has settled
	following bool
	trust     time.Time // of what the last holder said; zero: nothing is doubted
	diverged  bool      // that was told
	deadline  time.Time

	plan *Plan
	mode Mode
}

// NewPool gives the pool of a service. Its first event is [Started].
func NewPool(c Config) *Pool {
	p := &Pool{service: c.Service, seed: c.Seed, generation: c.After, mode: ModeOwn}
	for _, b := range c.Service.Backends {
		p.add(b)
	}
	return p
}

// Deadline is when the pool wants [Reached]; zero is never.
func (p *Pool) Deadline() time.Time { return p.deadline }

// Plan is the last plan, and nil before the first.
func (p *Pool) Plan() *Plan { return p.plan }

// Step takes an event and adds what is to be done to out.
func (p *Pool) Step(now time.Time, ev Event, out []Action) []Action {
	switch e := ev.(type) {
	case Started:
		p.settle = now.Add(Settle)
	case Checked:
		p.checked(e)
	case Asked:
		out = p.asked(now, e, out)
	case Weighed:
		out = p.weighed(e, out)
	case Configured:
		out = p.configure(e.Service, out)
	case Counted:
		out = p.counted(now, e, out)
	case Followed:
		out = p.follow(now, e.View, out)
	case Led:
		p.lead(now)
	case Reached:
	}
	if !p.trust.IsZero() && !now.Before(p.trust) {
		p.believe()
	}
	if !p.following {
		p.judgeAll(now)
	}
	out = p.settleOrTell(now, out)
	if e, ok := ev.(Followed); ok {
		out = p.compare(e.View, out)
	}
	return out
}

// settleOrTell gives the plan and says what has changed, once there is enough
// known to do so.
func (p *Pool) settleOrTell(now time.Time, out []Action) []Action {
	if !p.settle.IsZero() {
		if now.Before(p.settle) && !p.following && slices.ContainsFunc(p.members, unchecked) {
			p.deadline = p.settle
			return out
		}
		p.settle = time.Time{}
	}
	out, due := p.late(now, out)
	for _, m := range p.members {
		if !p.following {
			due = sooner(due, p.rise(now, m))
		}
	}
	p.deadline = sooner(due, p.trust)
	p.members = slices.DeleteFunc(p.members, func(m *member) bool {
		if !m.gone(p.service) {
			return false
		}
		out = append(out, record(CodeRemoved, m.Addr, fmt.Sprintf("backend %s is gone: %s", m.Addr, m.end())))
		return true
	})
	mode, used := p.use()
	out = p.tell(mode, used, out)
	return p.replan(used, out)
}

func unchecked(m *member) bool { return m.health == Unchecked && m.wish == WishNone }

func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// checked keeps the result of a check for each member that has it.
func (p *Pool) checked(e Checked) {
	for _, m := range p.members {
		if slices.Contains(m.Checks, e.Check) {
			m.checks[e.Check] = e.Change
			delete(m.doubted, e.Check)
		}
	}
}

// judgeAll makes the health of each member of its checks. One that comes up
// starts slowly, but not while the pool itself is starting.
func (p *Pool) judgeAll(now time.Time) {
	for _, m := range p.members {
		before := m.health
		m.health, m.why, m.share = m.judge()
		switch {
		case m.health != Healthy:
			m.started = time.Time{}
		case before != Healthy && p.settle.IsZero() && p.service.SlowStart > 0 && !m.Sorry:
			m.started = now
		}
	}
}

// add makes a member of a backend that was none.
func (p *Pool) add(b Backend) *member {
	m := &member{Backend: b, id: p.newID(b.Addr), checks: map[string]check.Change{}, doubted: map[string]check.Change{}, share: 100, ramp: 100}
	m.health, m.why, m.share = m.judge()
	p.members = append(p.members, m)
	slices.SortFunc(p.members, compare)
	return m
}

// tell records what has changed, each backend first, then the service.
func (p *Pool) tell(mode Mode, used []*member, out []Action) []Action {
	for _, m := range p.members {
		state, why := m.state(slices.Contains(used, m) && m.heft() > 0, p.service, mode)
		unhealthy := m.health == Unhealthy
		same := m.everTold && state == m.told && (unhealthy == m.toldDown || state != Up)
		m.toldDown = unhealthy
		if same {
			continue
		}
		m.told, m.everTold, m.idle = state, true, 0
		code, verb := CodeUp, "is up"
		switch state {
		case Drain:
			code, verb = CodeDrain, "gets no new flows"
		case Down:
			code, verb = CodeDown, "is down"
		case Removed:
			code, verb = CodeRemoved, "is removed, and keeps its flows until they end"
			if p.service.OnRemoved == Reset {
				verb = "is removed, and its flows are reset"
			}
		case Up:
			if unhealthy {
				code, verb = CodeDown, "is down, and used all the same"
			}
		}
		out = append(out, record(code, m.Addr, fmt.Sprintf("backend %s %s: %s", m.Addr, verb, why)))
	}
	if mode == p.mode {
		return out
	}
	p.mode = mode
	code, reason := CodeNormal, "is served by "+mode.String()
	switch mode {
	case ModeNobody:
		code, reason = CodeNobody, "has no backend: new flows are refused"
	case ModeBackups, ModeSorry:
		code, reason = CodeBackups, "is served by "+mode.String()+": none of its own is up"
	case ModePanic:
		code, reason = CodePanic, fmt.Sprintf("is served by %s: less than %d %% of the weight is up", mode, p.service.Panic)
	case ModeUntried:
		reason = "is served by " + mode.String() + ": none is known to be up"
	case ModeOwn:
	}
	return append(out, record(code, netip.AddrPort{}, "service "+p.service.Name+" "+reason))
}

func record(code string, backend netip.AddrPort, reason string) Action {
	return Action{Kind: ActionRecord, Backend: backend, Code: code, Reason: reason}
}
