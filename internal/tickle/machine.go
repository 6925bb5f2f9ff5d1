package tickle

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/holdfast-net/holdfast/internal/peer"
)

// Address is one address of a group that wants its clients reset.
type Address struct {
	Addr      netip.Addr
	Group     string
	Interface string // where messages about it come from, and clients
	Key       peer.Key
}

// Config is what a Machine is made of.
type Config struct {
	Node string
	Seed uint64 // of how connections are spread over buckets; nobody should know it
}

// Machine does for the addresses of a node what package tickle is about.
type Machine struct {
	cfg     Config
	places  map[netip.Addr]*place
	held    map[netip.Addr]bool // also those of no place
	watched map[string]bool     // interfaces

	listAt  time.Time // when to list; zero: nothing is held
	listing bool
	stamped time.Time
	trouble string // why connections could not be listed, as it was told
}

// place is one address.
type place struct {
	Address
	held     bool
	share    share
	rosters  rosters
	campaign *campaign
	full     bool // it was told that there are too many

	lapsed time.Time // when this node ceased to hold it, and its connections may be stale; zero: they are not
	asked  time.Time // when it last asked who holds
	ending bool

	last View // of the last campaign
}

const (
	// listEvery is how often connections are listed, at most: who connects
	// within that time before the holder dies is not known.
	listEvery = 250 * time.Millisecond
	// listShare is what part of the time listing may take: one per cent.
	listShare = 100
	// listLeast is how often it is done where it takes long.
	listLeast = 5 * time.Second
	// regain is how long connections are kept when the address is held no
	// more, and nobody else says that it holds: it may come back.
	regain = 10 * time.Second
	// askEvery is how often it is asked meanwhile.
	askEvery = 250 * time.Millisecond
)

// New makes a machine without addresses.
func New(c Config) *Machine {
	return &Machine{cfg: c, places: map[netip.Addr]*place{}, held: map[netip.Addr]bool{}, watched: map[string]bool{}}
}

// Configure says which addresses there are. What is known of those that stay is
// kept.
func (m *Machine) Configure(now time.Time, all []Address, out []Action) []Action {
	wanted := map[netip.Addr]bool{}
	for _, a := range all {
		wanted[a.Addr] = true
		if p := m.places[a.Addr]; p != nil {
			p.Address = a
			continue
		}
		p := &place{Address: a, share: share{addr: a.Addr, from: m.cfg.Node, seed: m.cfg.Seed}}
		m.places[a.Addr] = p
		if m.held[a.Addr] {
			m.hold(now, p)
		}
	}
	for a := range m.places {
		if !wanted[a] {
			delete(m.places, a)
		}
	}
	return m.settle(now, out)
}

// Deadline is when to Step with a Tick, if nothing else happens; zero: never.
func (m *Machine) Deadline() time.Time {
	var at time.Time
	earlier := func(t time.Time) {
		if !t.IsZero() && (at.IsZero() || t.Before(at)) {
			at = t
		}
	}
	if !m.listing {
		earlier(m.listAt)
	}
	for _, p := range m.places {
		if p.campaign != nil {
			earlier(p.campaign.next)
		}
		if p.held && len(p.share.want) > 0 {
			earlier(p.share.due)
		}
		if !p.lapsed.IsZero() && !p.ending {
			earlier(p.lapsed.Add(regain))
			earlier(p.asked.Add(askEvery))
		}
	}
	return at
}

// Step takes in an event and says what to do.
func (m *Machine) Step(now time.Time, ev Event, out []Action) []Action {
	p := m.places[ev.addr]
	switch ev.kind {
	case eventHeld:
		if m.held[ev.addr] = true; p != nil && !p.held {
			m.hold(now, p)
		}
	case eventLeft:
		if delete(m.held, ev.addr); p != nil && p.held {
			p.held, p.campaign, p.lapsed, p.asked = false, nil, now, now
			p.share = share{addr: p.Addr, from: m.cfg.Node, seed: m.cfg.Seed}
		}
	case eventListed:
		out = m.listed(now, ev, out)
	case eventHeard:
		out = m.heard(now, ev, out)
	case eventAnswered:
		out = m.answered(now, ev.answers, out)
	case eventEnded:
		if p != nil {
			out = p.ended(ev, out)
		}
	case eventStopping:
		for _, p := range m.sorted() {
			if !p.lapsed.IsZero() && !p.ending {
				out = p.end(out)
			}
		}
		return out
	}
	return m.settle(now, out)
}

// hold begins to tell the clients of who held before, and to list one's own.
func (m *Machine) hold(now time.Time, p *place) {
	p.held, p.lapsed, p.full = true, time.Time{}, false
	if known := p.rosters.known(); len(known) > 0 {
		p.last = View{From: p.rosters.latest().from, At: now, Told: len(known)}
		p.campaign = newCampaign(now, known)
	}
	p.rosters = rosters{}
	m.listAt = now
}

// settle does what is due.
func (m *Machine) settle(now time.Time, out []Action) []Action {
	var list []netip.Addr
	watch := map[string][]netip.Addr{}
	for _, p := range m.sorted() {
		if p.held {
			list = append(list, p.Addr)
			out = m.tell(now, p, out)
		}
		if p.campaign != nil {
			watch[p.Interface] = nil
		}
	}
	for _, p := range m.sorted() {
		if addrs, wanted := watch[p.Interface]; wanted {
			watch[p.Interface] = append(addrs, p.Addr)
		}
	}
	out = m.watch(watch, out)
	for _, p := range m.sorted() {
		if p.campaign != nil {
			out = p.campaigning(now, out)
		}
		if p.lapsed.IsZero() || p.ending {
			continue
		}
		if !now.Before(p.lapsed.Add(regain)) {
			out = p.end(out)
		} else if !now.Before(p.asked.Add(askEvery)) {
			p.asked = now
			ask := Message{From: m.cfg.Node, Addr: p.Addr, Sent: m.stamp(now), List: now}
			out = append(out, Action{Kind: ActionSend, Addr: p.Addr, Data: ask.Append(nil, p.Key)})
		}
	}
	switch {
	case len(list) == 0:
		m.listAt = time.Time{}
	case !m.listing && !m.listAt.After(now):
		m.listing = true
		out = append(out, Action{Kind: ActionList, Addrs: list})
	}
	return out
}

func (m *Machine) sorted() []*place {
	out := make([]*place, 0, len(m.places))
	for _, p := range m.places {
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b *place) int { return a.Addr.Compare(b.Addr) })
	return out
}

// tell sends what is due of the list of an address.
func (m *Machine) tell(now time.Time, p *place, out []Action) []Action {
	if len(p.share.want) == 0 || p.share.due.After(now) {
		return out
	}
	p.share.tell(m.stamp(now), p.Key, func(b []byte) {
		out = append(out, Action{Kind: ActionSend, Addr: p.Addr, Data: b})
	})
	return out
}

// stamp is the time for messages: later than any before, as receivers take what
// is not for repeated.
func (m *Machine) stamp(now time.Time) time.Time {
	if !now.After(m.stamped) {
		now = m.stamped.Add(1)
	}
	m.stamped = now
	return now
}

// watch looks for answers where there are campaigns, and nowhere else. It comes
// before what is answered.
func (m *Machine) watch(wanted map[string][]netip.Addr, out []Action) []Action {
	for iface := range m.watched {
		if wanted[iface] == nil {
			delete(m.watched, iface)
			out = append(out, Action{Kind: ActionUnwatch, Interface: iface})
		}
	}
	for iface, addrs := range wanted {
		if !m.watched[iface] {
			m.watched[iface] = true
			out = append(out, Action{Kind: ActionWatch, Interface: iface, Addrs: addrs})
		}
	}
	return out
}

// campaigning goes on with a campaign, and ends it.
func (p *place) campaigning(now time.Time, out []Action) []Action {
	c := p.campaign
	if pokes := c.poke(now); len(pokes) > 0 {
		out = append(out, Action{Kind: ActionPoke, Conns: pokes})
	}
	p.last.Sent, p.last.Answered, p.last.First, p.last.Last = c.sent, c.answered, c.first, c.last
	if !c.over(now) {
		return out
	}
	p.campaign = nil
	text := fmt.Sprintf("%d connections with %s at %s were reset", c.answered, p.last.From, p.Addr)
	switch {
	case c.answered == 0:
		text = fmt.Sprintf("of %d connections with %s at %s none was answered for", p.last.Told, p.last.From, p.Addr)
	case c.first == c.last:
		text += fmt.Sprintf(", after %s", c.first.Round(100*time.Microsecond))
	default:
		text += fmt.Sprintf(", the first after %s, the last after %s", c.first.Round(100*time.Microsecond), c.last.Round(100*time.Microsecond))
	}
	if c.answered > 0 && len(c.pending) > 0 {
		text += fmt.Sprintf("; for %d there was no answer", len(c.pending))
	}
	return append(out, Action{Kind: ActionRecord, Group: p.Group, Code: CodeReset, Reason: text})
}
