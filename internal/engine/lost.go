package engine

import (
	"net/netip"
	"slices"
	"time"

	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/group"
	"github.com/holdfast-net/holdfast/internal/peer"
)

// Who takes over a group with fence agents has to know who may still be at work
// for it. A lease's record says so. With VRRP a node counts as at rest when it
// has said so last, by a signature: with every hello it says a word that it holds
// nothing and has nothing to undo, and when it leaves it names its successor.
// That it is at work is believed of anybody who says so, signed or not: forged,
// it makes a takeover fence a node in vain; the opposite would make it skip one.

// words are what is known of the other nodes of a unit that have signed
// something. They outlive the unit, which a reload may replace.
type words map[string]*Word

// Word is what is known of one of them.
type Word struct {
	Rests bool
	Addrs []netip.Addr // from which it spoke
}

func (f *fencing) wordsOf(group string) words {
	if f.words == nil {
		f.words = map[string]words{}
	}
	if f.words[group] == nil {
		f.words[group] = words{}
	}
	return f.words[group]
}

// lostHolders are the nodes that may be at work for a unit, and did not say that
// they let go: those that were never heard, too, as one may have been cut off
// before this process began.
func (e *Engine) lostHolders(u *unit) []string {
	if !u.asks(wantsAgents) {
		return nil
	}
	if u.lease != nil {
		return u.lease.candidate.Owed()
	}
	var lost []string
	for name, w := range u.words {
		if !w.Rests {
			lost = append(lost, name)
		}
	}
	for _, n := range e.fencing.file.Nodes {
		if u.words[n.Name] == nil && n.Name != e.node {
			lost = append(lost, n.Name)
		}
	}
	slices.Sort(lost)
	return lost
}

// heardWord takes in what a node has signed. All that a node calls says that it
// has let go, but for the wish to take over. Who waits for it to be fenced goes
// on at once.
func (e *Engine) heardWord(r *router, from netip.Addr, c peer.Call) {
	u := r.unit
	if !r.key.Signs() || c.Kind == peer.KindAsk || !u.asks(wantsAgents) {
		return
	}
	w := u.words[c.From]
	if w == nil {
		w = &Word{}
		u.words[c.From] = w
	}
	w.Rests = true
	if !slices.Contains(w.Addrs, from) {
		w.Addrs = append(w.Addrs, from)
	}
	if u.secure != nil && slices.Contains(u.secure.lost, c.From) {
		e.settled(u, c.From)
	}
}

// worked notes that a node said that it is at work.
func (u *unit) worked(name string) {
	if w := u.words[name]; w != nil {
		w.Rests = false
	}
}

// sawAdvert notes the same of a node whose advert a router has accepted.
func (u *unit) sawAdvert(now time.Time, r *router, from netip.Addr) {
	if len(u.words) == 0 {
		return
	}
	p, ok := u.set.Router(r.index).Peer(from)
	if !ok || !p.LastHeard.Equal(now) || p.Priority == 0 {
		return
	}
	for _, w := range u.words {
		if slices.Contains(w.Addrs, from) {
			w.Rests = false
		}
	}
}

// unheard is how much longer than now a unit that has just begun waits for the
// others' words before it takes them for lost.
func (u *unit) unheard(now time.Time) time.Duration {
	if u.lease != nil || u.begun.IsZero() {
		return 0
	}
	return u.begun.Add(peer.Expiry).Sub(now)
}

// rest says on an interface of which virtual routers this node holds nothing.
func (e *Engine) rest(now time.Time, p *port) {
	for _, r := range p.routers {
		if u := r.unit; r.src.IsValid() && r.key.Signs() && u.asks(wantsAgents) && u.rests() {
			e.call(now, r, peer.Call{Kind: peer.KindRest})
		}
	}
}

// rests reports whether a unit holds and claims nothing, and has nothing to undo.
func (u *unit) rests() bool {
	return u.set.State() != group.Active && !u.set.Keeps() && !u.set.Taken()
}

func wantsAgents(f config.GroupFence) bool { return f.Agents }
