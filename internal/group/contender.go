package group

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/holdfast-net/holdfast/internal/hold"
	"github.com/holdfast-net/holdfast/vrrp"
)

// contender is another node that advertises, and so holds the addresses or is
// about to. It ceases to be one when it says priority 0 or that it yields, or
// when its last advert is so old that a hold of its own has ended.
type contender struct {
	addr  netip.Addr
	first time.Time
	sent  time.Time // the last advert was sent after this
	until time.Time // when its hold has ended
	kin   bool      // a holdfast node
	deaf  int       // how often it has advertised against this holder
	since time.Time // when it did so first, after all that contradicts it
	asked time.Time // when its host was asked last whether it hears anything
	awake bool      // it does
}

const (
	// strange is how long a node that advertises is given to show that it is
	// a holdfast node. Others do not yield in words: they let go when they
	// hear a better advert, as RFC 9568 §6.4.3 has it.
	strange = 100 * time.Millisecond
	// maxContenders bounds what forged senders can make a node remember.
	maxContenders = 16
	// yields is how often a node says that it yields: at once, and to the
	// next adverts it hears, in case a message got lost.
	yields = 3
	// secondSign is how long a node that advertises against this holder must
	// have said nothing else, where anybody could advertise in its name. It is
	// longer than two of the hellos in which a node says whether it holds.
	secondSign = 3500 * time.Millisecond
)

// foreign reports whether the node has gone on advertising for long enough to
// have shown that it is a holdfast node, and did not. What counts is when it
// sent, not when this node heard, which may have stood still meanwhile: two
// adverts of one moment must not look like an hour of them.
func (c *contender) foreign() bool { return !c.kin && c.sent.Sub(c.first) >= strange }

// bars is until when the contender keeps this node from opening a hold. One of
// another vendor does not: it lets go when it hears the better advert.
func (c *contender) bars() time.Time {
	if c.foreign() {
		return time.Time{}
	}
	return c.until
}

// noteContender takes down who advertises.
func (s *Set) noteContender(ev Event) {
	m := &s.members[ev.Router]
	p, ok := m.router.Peer(ev.Packet.Src)
	if !ok || !p.LastHeard.Equal(s.now) {
		return // the advert was not accepted
	}
	if p.Priority == 0 {
		s.yielded(ev.Router, p.Addr)
		return
	}
	if ev.Kin {
		s.repay(ev.Router)
	}
	i := slices.IndexFunc(m.contenders, func(c contender) bool { return c.addr == p.Addr })
	if i < 0 {
		if len(m.contenders) == maxContenders {
			m.contenders = slices.Delete(m.contenders, 0, 1)
		}
		m.contenders = append(m.contenders, contender{addr: p.Addr, first: s.now})
		i = len(m.contenders) - 1
	}
	c := &m.contenders[i]
	if !s.now.Before(c.until) {
		c.first, c.deaf, c.awake = s.now, 0, false
	}
	against := s.phase == holding && m.router.State() == vrrp.Active
	switch {
	case !against || !ev.Kin:
		c.deaf = 0
	case c.deaf == 0:
		c.deaf, c.since = 1, s.now
	default:
		c.deaf++
	}
	if against && s.dispute.on {
		s.dispute.last = s.now
	}
	// All that had arrived by the last tick was heard before it.
	c.sent, c.until, c.kin = s.tickedAt, s.now.Add(hold.Patience(p.Interval, m.router.Config().Version)), ev.Kin
}

// yielded notes that a node has let go. What kind it is stays known.
func (s *Set) yielded(router int, addr netip.Addr) {
	if c := s.members[router].contender(addr); c != nil {
		c.until, c.deaf, c.awake = time.Time{}, 0, false
	}
}

// unheard is a holdfast node that holds the addresses, too, since it does not
// hear this one: it would have yielded to the better claim, which it was
// answered with. Of two of which one hears the other, that one has to give
// way, whatever the priorities are: the other cannot know. But only where the
// other's host answers ARP or ND, so that no more than adverts get lost on the
// way to it, in a firewall mostly. A host that hears nothing at all serves
// nobody: to give way to it would leave the address to no one.
func (s *Set) unheard() (router int, by *contender) {
	for i := range s.members {
		for j := range s.members[i].contenders {
			c := &s.members[i].contenders[j]
			if c.deaf > 1 && s.now.Before(c.until) && s.now.Sub(s.since) > longestPatience(s.members) {
				return i, c
			}
		}
	}
	return 0, nil
}

// proven reports whether it is really that node which advertises. A signature
// proves it. Without one anybody could advertise in the name of a backup that is
// well, and so have the address left to nobody; but that backup goes on saying
// in its hellos that it does not hold, which nobody can keep it from.
func (s *Set) proven(router int, c *contender) bool {
	h := s.members[router].router.Config().HMAC
	return h != nil && h.Mode == vrrp.Enforce || s.now.Sub(c.since) >= secondSign
}

// Doubts reports whether it matters to this set whether the node at an address
// says that it does not hold.
func (s *Set) Doubts(router int, addr netip.Addr) bool {
	c := s.members[router].contender(addr)
	return c != nil && c.deaf > 0
}

// rests notes that a node says so: what advertised in its name was not that
// node, or it has let go meanwhile.
func (s *Set) rests(router int, addr netip.Addr) {
	if c := s.members[router].contender(addr); c != nil {
		c.deaf, c.awake = 0, false
	}
}

func longestPatience(members []member) time.Duration {
	var d time.Duration
	for i := range members {
		c := members[i].router.Config()
		d = max(d, hold.Patience(c.Interval, c.Version))
	}
	return d
}

// askHost asks whether the host of a node that seems not to hear this one hears
// anything.
func (s *Set) askHost(router int, c *contender) {
	if s.now.Sub(c.asked) < askEvery {
		return
	}
	c.asked, c.awake = s.now, false
	s.emit(Action{Kind: ActionReach, Router: router, Addr: c.addr})
}

// reached notes that it does.
func (s *Set) reached(router int, addr netip.Addr) {
	if c := s.members[router].contender(addr); c != nil && s.now.Sub(c.asked) < askEvery {
		c.awake = true
	}
}

// giveWay lets the node hold that does not hear this one.
func (s *Set) giveWay(router int, by *contender) {
	reason := fmt.Sprintf("%s holds the addresses, too, and does not hear this node, which hears it: gave way", by.addr)
	s.stopAnnouncing()
	s.leave = leave{cause: toHigher, begun: s.now, deadline: s.now.Add(leaveGrace), heard: by.addr}
	s.serveAll(2 * leaveGrace)
	s.unwant()
	s.all(vrrp.Lapse())
	s.record(s.members[router].group, Record{
		Kind: "notice", Code: "HF2023", Family: s.members[router].router.Config().Family, Peer: by.addr,
		Reason: reason,
	})
	s.enter(leaving, reason)
	s.owe()
	s.succeeded()
}

// leftAsKin reports whether a node that left serves what still arrives.
func (s *Set) leftAsKin(addr netip.Addr) bool {
	c := s.members[s.lead].contender(addr)
	return c != nil && !c.foreign()
}

func (m *member) contender(addr netip.Addr) *contender {
	for i := range m.contenders {
		if m.contenders[i].addr == addr {
			return &m.contenders[i]
		}
	}
	return nil
}

// doubt begins a time in which a node may hold that this one has never heard:
// one that advertised before, and stands still now. Nothing that is heard ends
// it sooner. A priority 0, a message that names a successor, even another
// claim may have been sent long after it was decided, and says nothing of who
// holds since. Afterwards every hold that may be open is that of a contender.
func (s *Set) doubt() { s.unsure = s.now.Add(longestPatience(s.members)) }

func (s *Set) doubting() bool { return !s.leased() && s.now.Before(s.unsure) }

// barred is until when other nodes may still hold any of the set's addresses;
// zero when none does.
func (s *Set) barred() time.Time {
	var until time.Time
	if s.doubting() {
		until = s.unsure
	}
	for i := range s.members {
		for j := range s.members[i].contenders {
			if t := s.members[i].contenders[j].bars(); t.After(s.now) && t.After(until) {
				until = t
			}
		}
	}
	return until
}

// owe says to the others that this node does not hold or claim any more, and
// that it will say so again to who goes on advertising.
func (s *Set) owe() {
	if s.busy() {
		s.withheld.Yield = true
		return
	}
	for i := range s.members {
		s.members[i].owed = yields
		s.repay(i)
	}
}

func (s *Set) repay(i int) {
	if m := &s.members[i]; m.owed > 0 && s.phase != claiming && s.State() != Active {
		m.owed--
		s.emit(Action{Kind: ActionYield, Router: i})
	}
}

// holderLive is the Active that the leading router hears, and that should
// have been heard again only later.
func (s *Set) holderLive() (vrrp.Peer, bool) {
	r := s.members[s.lead].router
	p, ok := r.Active()
	return p, ok && s.now.Sub(p.LastHeard) < r.DownInterval()
}

// plead asks a live holder for what this node would otherwise take: a holdfast
// node hands over when it is asked, without a moment in which both answer or
// none. The routers wait meanwhile, and ask again. It reports false where
// there is nobody to ask.
func (s *Set) plead() bool {
	p, live := s.holderLive()
	if s.taking != "" || !live {
		return false
	}
	for i := range s.members {
		if m := &s.members[i]; m.cause != vrrp.ReasonPreempt && m.cause != vrrp.ReasonOwner && !s.overtaken(m) {
			return false
		}
	}
	wait := max(s.longest(interval), strange)
	switch c := s.members[s.lead].contender(p.Addr); {
	case c == nil:
	case c.foreign():
		return false
	case !c.kin:
		wait = strange / 2
	}
	s.emit(Action{Kind: ActionAsk, Router: s.lead, Priority: s.members[s.lead].router.Priority()})
	s.all(vrrp.Defer(wait))
	return true
}

// overtaken reports whether a router has heard an Active since it asked to
// become one for want of it: while the set waited for its mandate, another node
// got it, and keeps it until it is asked.
func (s *Set) overtaken(m *member) bool {
	p, live := m.router.Active()
	return s.guarded() && live && p.LastHeard.After(m.asked)
}

// asked hands over to a holdfast node that would preempt this one.
func (s *Set) asked(ev Event) {
	if s.phase != holding || ev.Priority <= s.members[s.lead].router.Priority() {
		return
	}
	s.depart(leave{cause: toHigher, to: ev.Name, reason: ev.Name + " has a higher priority and asked to take over"})
}
