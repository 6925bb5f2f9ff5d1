package mirror

import (
	"fmt"
	"slices"
	"time"

	"github.com/holdfast-net/holdfast/internal/balance"
)

// viewed takes this node's own view of a service. If it holds, the others are
// told; and where they know flows by the table, of those that a new table would
// send elsewhere.
func (m *Machine) viewed(e Viewed) {
	for _, s := range m.services {
		if s.Name != e.Service {
			continue
		}
		moved := s.Exceptions && s.plan != nil && e.Plan != nil && s.plan.Digest() != e.Plan.Digest()
		s.view, s.plan = e.View, e.Plan
		if s.following {
			return // it is the holder's
		}
		m.tellView(s)
		if !moved {
			return
		}
		for _, t := range m.tellers {
			if t.key == s.Key {
				m.giveUp(t) // it went by the old table
				m.want(t, slices.DeleteFunc(slices.Clone(s.Listen), func(l balance.Endpoint) bool { return !m.holds(l) }))
			}
		}
		return
	}
}

func (m *Machine) tellView(s *service) {
	for _, t := range m.tellers {
		m.tellViewTo(t, s)
	}
}

// tellViewTo tells the view of a service whose address this node holds.
func (m *Machine) tellViewTo(t *teller, s *service) {
	if s.Key != t.key || len(s.view.Backends) == 0 || !slices.ContainsFunc(s.Listen, m.holds) {
		return
	}
	body, err := view{s.Listen[0], s.view}.append(nil)
	if err != nil || len(body) > maxBody {
		m.record(s.Group, CodePeer, fmt.Sprintf("service %s: its view is too big to be told", s.Name))
		return
	}
	m.send(t, FrameView, body, time.Time{})
}

// judge finds out for each service whose view it goes by, and for each group
// whether all is here.
func (m *Machine) judge() {
	groups := map[string]bool{}
	for _, s := range m.services {
		m.lead(s)
		if !s.Flows {
			continue
		}
		if _, known := groups[s.Group]; !known {
			groups[s.Group] = true
		}
		for _, l := range s.Listen {
			groups[s.Group] = groups[s.Group] && m.has(s, l)
		}
	}
	for _, s := range m.services {
		in, has := groups[s.Group]
		if was, told := m.synced[s.Group]; has && (!told || was != in) {
			m.say(s, in)
		}
	}
	for g := range m.synced {
		if _, is := groups[g]; !is {
			delete(m.synced, g)
			delete(m.since, g)
		}
	}
}

// has says whether everything is here that there is of a service: this node
// holds, or has all that the holder has.
func (m *Machine) has(s *service, l balance.Endpoint) bool {
	return m.holds(l) || slices.ContainsFunc(m.hearers, func(h *hearer) bool {
		return h.key == s.Key && slices.Contains(h.holds, l) && h.complete[l]
	})
}

// say tells whether a group is in sync.
func (m *Machine) say(s *service, in bool) {
	was, told := m.synced[s.Group]
	m.synced[s.Group], m.since[s.Group] = in, m.now
	m.do(Action{Kind: ActionSynced, Group: s.Group, In: in})
	if slices.ContainsFunc(s.Listen, m.holds) {
		return // it has what there is
	}
	if in {
		m.record(s.Group, CodeSynced, fmt.Sprintf("group %s: all flows that %s has are here", s.Group, m.holder(s)))
	} else if told && was {
		m.record(s.Group, CodeLost, fmt.Sprintf("group %s: flows may be missing here until a holder has told all", s.Group))
	}
}

// holder names who holds a service's address.
func (m *Machine) holder(s *service) string {
	for _, h := range m.hearers {
		if h.key == s.Key && slices.ContainsFunc(s.Listen, func(l balance.Endpoint) bool { return slices.Contains(h.holds, l) }) {
			return h.node
		}
	}
	return "the holder"
}

// lead finds out whose view a service goes by: its own where this node holds,
// the holder's where one is heard, and its own again when none was heard for a
// while.
func (m *Machine) lead(s *service) {
	if slices.ContainsFunc(s.Listen, m.holds) {
		m.leads(s)
		return
	}
	for _, h := range m.hearers {
		v := h.views[s.Listen[0]]
		if h.key != s.Key || v == nil || !slices.Contains(h.holds, s.Listen[0]) {
			continue
		}
		s.orphaned = time.Time{}
		if !s.following || s.leader != h.conn || s.version != v.version {
			s.following, s.leader, s.version = true, h.conn, v.version
			m.do(Action{Kind: ActionFollow, Service: s.Name, View: v.View})
		}
		return
	}
	switch {
	case !s.following:
	case s.orphaned.IsZero():
		s.orphaned = m.now
	case !s.orphaned.Add(patience).After(m.now):
		m.leads(s)
	}
}

func (m *Machine) leads(s *service) {
	s.orphaned = time.Time{}
	if s.following {
		s.following = false
		m.do(Action{Kind: ActionLead, Service: s.Name})
	}
}
