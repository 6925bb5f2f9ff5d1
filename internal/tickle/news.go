package tickle

import (
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// listed takes in what connections there are.
func (m *Machine) listed(now time.Time, ev Event, out []Action) []Action {
	m.listing = false
	m.listAt = now.Add(min(max(listEvery, ev.took*listShare), listLeast))
	if ev.err != nil {
		if text := ev.err.Error(); text != m.trouble {
			m.trouble = text
			out = append(out, Action{Kind: ActionRecord, Code: CodeList, Reason: text})
		}
		return out
	}
	m.trouble = ""
	by := map[netip.Addr][]Connection{}
	for _, c := range ev.conns {
		if worth(c.Remote.Addr()) {
			by[c.Local.Addr()] = append(by[c.Local.Addr()], c)
		}
	}
	for _, p := range m.sorted() {
		if !p.held {
			continue
		}
		p.share.take(now, by[p.Addr])
		if p.share.leftOut > 0 && !p.full {
			out = append(out, Action{
				Kind: ActionRecord, Group: p.Group, Code: CodeFull,
				Reason: fmt.Sprintf("%s has %d connections: clients of %d will not be told when it moves", p.Addr, len(by[p.Addr]), p.share.leftOut),
			})
		}
		p.full = p.share.leftOut > 0
		p.share.changed(now)
	}
	return out
}

// heard takes in what another node told. What is malformed or forged is dropped.
func (m *Machine) heard(now time.Time, ev Event, out []Action) []Action {
	head, _, err := decodeHeader(ev.data)
	if err != nil || head.From == m.cfg.Node {
		return out
	}
	p := m.places[head.Addr]
	if p == nil || p.Interface != ev.iface || Verify(ev.data, head, p.Key, now) != nil {
		return out
	}
	switch {
	case head.Buckets == 0 && p.held:
		p.share.repeat(now)
		return out
	case head.Buckets == 0 || p.held:
		return out
	}
	msg, err := Decode(ev.data)
	if err != nil || !p.rosters.note(now, &msg, maxKnown-m.size()) {
		return out
	}
	if !p.lapsed.IsZero() && !p.ending {
		return p.end(out)
	}
	return out
}

func (m *Machine) size() (n int) {
	for _, p := range m.places {
		n += p.rosters.size()
	}
	return n
}

func (m *Machine) answered(now time.Time, answers []Answer, out []Action) []Action {
	for _, a := range answers {
		if p := m.places[a.Local.Addr()]; p != nil && p.campaign != nil && p.campaign.heard(now, a) {
			out = append(out, Action{Kind: ActionReset, Conns: []Connection{a.Connection}, Seq: a.Ack})
		}
	}
	return out
}

// end ends what this machine has of connections that are dead.
func (p *place) end(out []Action) []Action {
	p.ending = true
	return append(out, Action{Kind: ActionEnd, Addr: p.Addr})
}

func (p *place) ended(ev Event, out []Action) []Action {
	p.ending, p.lapsed = false, time.Time{}
	switch {
	case errors.Is(ev.err, ErrCannotEnd):
		return out // the doctor says so; once is enough
	case ev.err != nil:
		return append(out, Action{Kind: ActionRecord, Group: p.Group, Code: CodeList, Reason: ev.err.Error()})
	case ev.count > 0:
		return append(out, Action{
			Kind: ActionRecord, Group: p.Group, Code: CodeEnded,
			Reason: fmt.Sprintf("%d connections at %s were ended here: the address has moved, and they are dead", ev.count, p.Addr),
		})
	}
	return out
}

// ErrCannotEnd is of a kernel that ends no connections
// (CONFIG_INET_DIAG_DESTROY).
var ErrCannotEnd = errors.New("this kernel ends no connections (CONFIG_INET_DIAG_DESTROY)")
