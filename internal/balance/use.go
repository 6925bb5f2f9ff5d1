package balance

import "time"

// Mode is by which of its backends a service is served.
type Mode uint8

const (
	ModeNobody  Mode = iota // new flows are refused
	ModeOwn                 // those that are no backups
	ModeUntried             // those of them that were not checked yet, as none is known to be up
	ModeBackups             // those that are
	ModeSorry               // those that say that there is nobody else
	ModePanic               // all that are no backups, whatever their checks say
)

func (m Mode) String() string {
	return [...]string{"nobody", "its own backends", "backends that were not checked yet", "its backups", "its sorry backends", "all its own backends, also those that are down"}[m]
}

// use chooses who gets new flows. The kinds of backend are tried in turn: its
// own that are up, its own that nobody has looked at yet, backups, and those
// that only apologise. When none of them is there, or too little of the weight
// is up for those that are up to carry it all, panic takes all of its own: some
// of them may work, and a wrong check must not end the service.
func (p *Pool) use() (Mode, []*member) {
	own := p.who(func(m *member) bool { return !m.Backup && !m.Sorry })
	up := only(own, Healthy)
	panics := p.service.Panic > 0
	switch {
	case len(up) > 0 && panics && p.tooFew(own):
		return ModePanic, own
	case len(up) > 0:
		return ModeOwn, up
	}
	if untried := only(own, Unchecked); len(untried) > 0 {
		return ModeUntried, untried
	}
	if backups := only(p.who(func(m *member) bool { return m.Backup && !m.Sorry }), Healthy); len(backups) > 0 {
		return ModeBackups, backups
	}
	if sorry := p.who(func(m *member) bool { return m.Sorry }); len(sorry) > 0 {
		return ModeSorry, sorry
	}
	if panics && len(own) > 0 {
		return ModePanic, own
	}
	return ModeNobody, nil
}

// who gives the members of a kind that may have new flows.
func (p *Pool) who(kind func(*member) bool) []*member {
	var out []*member
	for _, m := range p.members {
		if kind(m) && m.willing() {
			out = append(out, m)
		}
	}
	return out
}

// only gives those with that health and a weight.
func only(members []*member, h Health) []*member {
	var out []*member
	for _, m := range members {
		if m.health == h && m.heft() > 0 {
			out = append(out, m)
		}
	}
	return out
}

// tooFew says whether less than the panic threshold of the weight is not down.
// Weights are those that are configured: a slow start is no reason to panic.
func (p *Pool) tooFew(own []*member) bool {
	all, standing := uint64(0), uint64(0)
	for _, m := range own {
		all += uint64(m.configured())
		if m.health != Unhealthy {
			standing += uint64(m.configured())
		}
	}
	return standing*100 < all*uint64(p.service.Panic)
}

// rampSteps is in how many steps a weight grows, from a tenth to the whole:
// each makes new tables.
const rampSteps = 10

// rise sets how much of its weight a member has by now, and says when that will
// change; zero is never.
func (p *Pool) rise(now time.Time, m *member) time.Time {
	if m.started.IsZero() {
		m.ramp = 100
		return time.Time{}
	}
	step := p.service.SlowStart / (rampSteps - 1)
	if step <= 0 {
		m.started, m.ramp = time.Time{}, 100
		return time.Time{}
	}
	done := now.Sub(m.started) / step
	if done >= rampSteps-1 {
		m.started, m.ramp = time.Time{}, 100
		return time.Time{}
	}
	m.ramp = uint32(done+1) * 100 / rampSteps
	return m.started.Add((done + 1) * step)
}
