package balance

import (
	"fmt"
	"time"
)

// A backend may pass its checks and answer no client: its way back leads past
// the node that translates, it does not have the service's address, nobody
// unwraps its packets. Checks come from this node's own address and meet none of
// that. So the pool watches what comes of connections: a backend of which
// silentAfter passed since the first of at least silentFlows connections that
// nobody answered, and none that was, is silent. It stays up: taking it out by
// such a sign could take out all of them at once.
const (
	silentAfter = 10 * time.Second
	silentFlows = 3
	// silentFor is for how long the last of them counts: of a backend that nobody
	// asks any more nothing is known.
	silentFor = 5 * time.Minute
)

// hearing is what is heard of one backend.
type hearing struct {
	known    bool
	answers  uint64 // as they were counted last
	began    uint64 // flows, when it was heard last
	asked    uint64 // flows, as they were counted last
	since    time.Time
	last     time.Time // that one was begun
	silent   bool
	unheeded uint64 // flows that nobody answered
}

// hear takes what was counted of the backend, and says whether it has become
// silent, or answers again.
func (h *hearing) hear(now time.Time, u Usage) (changed bool) {
	answers := u.PacketsOut + u.Made
	was := h.silent
	switch {
	case !h.known || answers != h.answers || u.New < h.asked:
		*h = hearing{known: true, answers: answers, began: u.New, asked: u.New}
	case u.New > h.asked:
		if h.since.IsZero() {
			h.since = now
		}
		h.asked, h.last, h.unheeded = u.New, now, u.New-h.began
		h.silent = was || h.unheeded >= silentFlows && now.Sub(h.since) >= silentAfter
	case !h.since.IsZero() && now.Sub(h.last) >= silentFor:
		*h = hearing{known: true, answers: answers, began: u.New, asked: u.New}
	case !was:
		h.silent = h.unheeded >= silentFlows && now.Sub(h.since) >= silentAfter
	}
	return h.silent != was
}

// listen hears all backends. What becomes of connections is known of TCP that
// the kernel forwards: a proxy tells what it cannot connect to, and datagrams
// may want no answer.
func (p *Pool) listen(now time.Time, usage map[uint32]Usage, out []Action) []Action {
	if p.service.Forward == Proxy || len(p.service.Listen) == 0 || p.service.Listen[0].Proto != TCP {
		return out
	}
	for _, m := range p.members {
		u, counted := usage[m.id]
		if !counted || !m.hearing.hear(now, u) {
			continue
		}
		text := fmt.Sprintf("backend %s answers clients again, or is asked no more", m.Addr)
		if m.hearing.silent {
			text = fmt.Sprintf("backend %s %s", m.Addr, p.silence(m))
		}
		out = append(out, record(CodeSilent, m.Addr, text))
	}
	return out
}

// silence says what a silent backend does not do, and what most often is the
// reason.
func (p *Pool) silence(m *member) string {
	if !m.hearing.silent {
		return ""
	}
	why := ""
	switch p.service.Forward {
	case NAT:
		why = "its answers have to come back through this node: does its route to clients lead to an address of the group?"
	case FullNAT:
		why = "does it have one of the service's addresses itself, or does a filter there drop what comes from them?"
	case DSR:
		why = "does it have the service's address on its loopback, and a way to clients?"
	case Tunnel:
		why = "does `holdfast unwrap` run there, with the service's address on the loopback, rp_filter 0 or 2, and a way to clients?"
	case Proxy:
	}
	return fmt.Sprintf("is %s and answers no client (%d connections since %s): %s", Up, m.hearing.unheeded, m.hearing.since.UTC().Format(time.TimeOnly+" UTC"), why)
}
