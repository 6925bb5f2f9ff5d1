package group

import (
	"fmt"
	"net/netip"
	"time"
)

// conflict is another machine that uses an address while this node holds it or
// is about to: a router of another vendor that was killed and left it behind,
// a duplicate address, or, beyond a broken network, another holder. It begins
// with the first sign and ends when there was none for a while, although this
// node asked for it.
type conflict struct {
	on          bool
	first, last time.Time
	router      int
	addr        netip.Addr
	other       string    // the MAC address, or the node, that has it too
	own         string    // the MAC address that this node answers with, where other is one
	ask         time.Time // when to ask next, RFC 5227 §2.1.1
	full        time.Time // when as many further ones may be told of as at first
}

const (
	// askEvery is how often the address is asked for while a conflict lasts.
	askEvery = 500 * time.Millisecond
	// conflictOver is how long nothing is seen of a conflict that is over.
	conflictOver = 2 * time.Second
	// Who forges claims has a new MAC address for each: while a conflict lasts
	// a few are told of, and then one more every so often.
	othersInARow = 4
	otherEvery   = 10 * time.Second
)

// verify is when a new holder asks whether somebody else answers, too, counted
// from when it began to hold.
var verify = [...]time.Duration{100 * time.Millisecond, time.Second, 5 * time.Second}

// sighted takes a frame that used an address of a router and came from
// elsewhere. To a backup that is the holder's.
func (s *Set) sighted(ev Event) {
	if s.phase != holding && s.phase != claiming {
		return
	}
	s.disputed(ev.Router, ev.Addr, ev.Name, ev.Text)
}

// disputed notes a sign of another user of an address.
func (s *Set) disputed(router int, addr netip.Addr, other, own string) {
	c := &s.dispute
	if !c.on {
		*c = conflict{on: true, first: s.now, router: router, addr: addr, ask: s.now.Add(askEvery)}
	}
	fresh := c.other != other
	c.last, c.other, c.own = s.now, other, own
	if !fresh || c.full.Sub(s.now) > (othersInARow-1)*otherEvery {
		return
	}
	if c.full.Before(s.now) {
		c.full = s.now
	}
	c.full = c.full.Add(otherEvery)
	m := &s.members[router]
	s.record(m.group, Record{
		Kind: "conflict", Code: "HF2030", Family: m.router.Config().Family,
		Reason: fmt.Sprintf("%s is used by %s, too%s: announced again, and watched", addr, other, c.beside()),
	})
	if s.phase == holding {
		s.announceAgain()
	}
}

// watchConflict asks whether the other one is still there, and ends what is
// over.
func (s *Set) watchConflict() {
	if due := s.verified; s.phase == holding {
		for s.verified < len(verify) && !s.now.Before(s.since.Add(verify[s.verified])) {
			s.verified++
		}
		if due != s.verified {
			s.probe()
		}
	}
	c := &s.dispute
	switch {
	case !c.on:
	case s.phase != holding && s.phase != claiming:
		s.settleConflict("this node holds it no more")
	case s.now.Sub(c.last) >= conflictOver:
		s.settleConflict("not seen any more")
	case !s.now.Before(c.ask):
		c.ask = s.now.Add(askEvery)
		s.emit(Action{Kind: ActionProbe, Router: c.router})
		if s.phase == holding {
			s.announceAgain()
		}
	}
}

func (s *Set) settleConflict(why string) {
	c := &s.dispute
	m := &s.members[c.router]
	s.disputes++
	s.disputedFor += c.last.Sub(c.first)
	s.record(m.group, Record{
		Kind: "conflict", Code: "HF2031", Family: m.router.Config().Family,
		Reason: fmt.Sprintf("%s was used by %s, too%s, for %s: %s", c.addr, c.other, c.beside(), c.last.Sub(c.first).Round(time.Millisecond), why),
	})
	*c = conflict{}
}

// beside names this node's own side of a conflict.
func (c *conflict) beside() string {
	if c.own == "" {
		return ""
	}
	return " (here it is " + c.own + ")"
}

// probe asks for every address of the set.
func (s *Set) probe() {
	for i := range s.members {
		s.emit(Action{Kind: ActionProbe, Router: i})
	}
}

// conflictDue is when watchConflict has something to do.
func (s *Set) conflictDue() time.Time {
	var at time.Time
	if s.phase == holding && s.verified < len(verify) {
		at = s.since.Add(verify[s.verified])
	}
	if c := &s.dispute; c.on {
		for _, t := range [...]time.Time{c.ask, c.last.Add(conflictOver)} {
			if at.IsZero() || t.Before(at) {
				at = t
			}
		}
	}
	return at
}
