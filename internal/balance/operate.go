package balance

import (
	"fmt"
	"net/netip"
	"time"
)

// asked takes an operator's wish for a backend.
func (p *Pool) asked(now time.Time, e Asked, out []Action) []Action {
	m, out := p.own(e.Backend, out)
	if m == nil {
		return out
	}
	if m.wish == WishDown && e.Wish == WishNone && m.health == Healthy && p.service.SlowStart > 0 {
		m.started = now
	}
	m.wish, m.wished, m.due, m.cut = e.Wish, e.By, time.Time{}, e.Cut
	m.idle, m.drained = 0, false
	if e.Wish == WishDrain && e.Within > 0 {
		m.due = now.Add(e.Within)
	}
	return out
}

// weighed takes an operator's weight for a backend.
func (p *Pool) weighed(e Weighed, out []Action) []Action {
	m, out := p.own(e.Backend, out)
	if m == nil {
		return out
	}
	before := m.configured()
	m.weighed, m.weight = !e.Reset, e.Weight
	if m.configured() != before {
		why := fmt.Sprintf("backend %s has weight %d, it was %d", m.Addr, m.configured(), before)
		if e.By != "" {
			why += ", asked by " + e.By
		}
		out = append(out, record(CodeWeight, m.Addr, why))
	}
	return out
}

// own finds a backend that an operator may change, or refuses.
func (p *Pool) own(addr netip.AddrPort, out []Action) (*member, []Action) {
	m := find(p.members, addr)
	refused := Action{Kind: ActionRefused, Backend: addr}
	switch {
	case m == nil:
		refused.Reason = fmt.Sprintf("service %s has no backend %s", p.service.Name, addr)
	case m.removed:
		refused.Reason = fmt.Sprintf("backend %s is configured no more", addr)
	case p.following:
		refused.Reason = "another node holds the addresses of the service: ask there"
	default:
		return m, out
	}
	return nil, append(out, refused)
}

// counted takes what the plane counted, and sees who answers nobody and who has
// no flow left.
func (p *Pool) counted(now time.Time, e Counted, out []Action) []Action {
	out = p.listen(now, e.Usage, out)
	for _, m := range p.members {
		if m.flows = e.Usage[m.id].Flows; m.flows > 0 {
			m.idle = 0
			continue
		}
		m.idle = min(m.idle+1, idleCounts)
		if m.idle == idleCounts && m.wish == WishDrain && !m.drained && !p.following {
			m.drained, m.due = true, time.Time{}
			out = append(out, record(CodeDrained, m.Addr, fmt.Sprintf("backend %s is drained: it has no flow left", m.Addr)),
				Action{Kind: ActionDrained, Backend: m.Addr})
		}
	}
	return out
}

// late sees which drains have had their time, and says when the next one will
// have had it.
func (p *Pool) late(now time.Time, out []Action) ([]Action, time.Time) {
	var due time.Time
	for _, m := range p.members {
		if m.due.IsZero() {
			continue
		}
		if now.Before(m.due) {
			due = sooner(due, m.due)
			continue
		}
		m.due = time.Time{}
		why := fmt.Sprintf("backend %s has %d flows left at the end of the time it was given to drain", m.Addr, m.flows)
		if m.cut {
			m.wish = WishDown
			why += ", and is taken down"
		}
		out = append(out, record(CodeLate, m.Addr, why), Action{Kind: ActionDrained, Backend: m.Addr, Left: m.flows})
	}
	return out, due
}

// end says why a member that was removed is needed no more.
func (m *member) end() string {
	if m.idle >= idleCounts {
		return "its last flow has ended"
	}
	return "its flows go to others"
}
