package vrrp

import (
	"net/netip"
	"time"
)

// Router is one virtual router, RFC 9568 §6. It is a value machine: Step is
// the only input, the actions it appends the only output. It is not safe for
// use by several goroutines at once.
type Router struct {
	cfg      Config
	list     []byte // the addresses as they are sent
	pass     password
	auth     *authority // nil without auth_hmac
	replay   replayTable
	sent     sequence // of the last trailer sent
	form     form     // checksum form sent
	priority uint8    // effective
	preempt  bool

	state     State
	learnt    time.Duration // Active_Adver_Interval
	adverAt   time.Time     // Active, and Backup that claims: Adver_Timer
	down      downTimer     // Backup: Active_Down_Timer
	holdUntil time.Time     // Backup: no claim before
	preemptAt time.Time     // Backup: preempt then, though the timer still runs; zero: not waiting
	asking    bool          // Backup: an ActionAsk waits for its Grant
	claim     downTimer     // Backup: why it asks
	aloud     bool          // Backup: it advertises while it asks
	active    Peer          // the Active heard last; zero Addr: none
	losingAt  time.Time     // Active: when a losing Active was heard last
	answers   time.Time     // Active: when the budget of immediate answers is full again

	peers    peerTable
	reports  reporter
	counters Counters
}

// New makes a virtual router in state Init.
func New(cfg Config) (*Router, error) {
	cfg, err := cfg.complete()
	if err != nil {
		return nil, err
	}
	r := &Router{priority: cfg.Priority, preempt: !cfg.NoPreempt, learnt: cfg.Interval}
	r.use(cfg)
	return r, nil
}

// Step tells the router what happened at now and appends what must be done to
// out. now never goes back, and is the time at which the event is handled.
func (r *Router) Step(now time.Time, ev Event, out []Action) []Action {
	switch ev.Kind {
	case EventTick:
		return r.tick(now, out)
	case EventPacket:
		if ev.Packet == nil {
			return out
		}
		return r.hear(now, ev.Packet, out)
	case EventStartup:
		return r.startup(now, out)
	case EventShutdown:
		return r.shutdown(now, out)
	case EventGrant:
		return r.grant(now, out)
	case EventClaim:
		return r.claimAloud(now, out)
	case EventDefer:
		return r.deferPreempt(now, ev.After, out)
	case EventYield:
		return r.yield(now, out)
	case EventLapse:
		return r.lapse(now, out)
	case EventPriority:
		return r.setPriority(now, ev.Priority, out)
	case EventPreempt:
		r.preempt = ev.Preempt
		r.reconsider(now)
	}
	return out
}

func (r *Router) tick(now time.Time, out []Action) []Action {
	if at := r.Deadline(); at.IsZero() || now.Before(at) {
		return out
	}
	if r.state == Active || r.aloud {
		// RFC 9568 §6.4.3, Adver_Timer.
		r.nextAdvert(now)
		return r.send(r.priority, out)
	}
	// RFC 9568 §6.4.2, Active_Down_Timer.
	_, reason := r.claimDue()
	c := r.down
	c.reason = reason
	return r.claimActive(now, c, out)
}

// Deadline is when Step wants a Tick; zero means never.
func (r *Router) Deadline() time.Time {
	switch {
	case r.state == Active || r.aloud:
		return r.adverAt
	case r.state == Backup && !r.asking:
		at, _ := r.claimDue()
		return at
	}
	return time.Time{}
}

// State is the state of RFC 9568 §6.4.
func (r *Router) State() State { return r.state }

// Asking says that an ActionAsk waits for its Grant.
func (r *Router) Asking() bool { return r.asking }

// Claiming says that the router asks and advertises already.
func (r *Router) Claiming() bool { return r.aloud }

// Config is the configuration in use, with the defaults filled in. Its slices
// and map are the router's own: do not change them.
func (r *Router) Config() Config { return r.cfg }

// Priority is the effective priority.
func (r *Router) Priority() uint8 { return r.priority }

// Active is the Active heard last, if a peer is.
func (r *Router) Active() (Peer, bool) { return r.active, r.active.Addr.IsValid() }

// Peers appends every sender of accepted adverts to dst, the one first heard
// first. At most 64 are remembered.
func (r *Router) Peers(dst []Peer) []Peer { return append(dst, r.peers...) }

// Peer is what was last heard from one sender of accepted adverts.
func (r *Router) Peer(a netip.Addr) (Peer, bool) {
	a = plain(a)
	for i := range r.peers {
		if r.peers[i].Addr == a {
			return r.peers[i], true
		}
	}
	return Peer{}, false
}

// Counters counts since New.
func (r *Router) Counters() Counters { return r.counters }

// AppendAdvert appends the VRRP message (no IP header) with the given priority
// to b, as it goes from Config.Source to dst. With auth_hmac every call makes
// a message of its own: encode once for each destination, in sending order.
func (r *Router) AppendAdvert(b []byte, now time.Time, dst netip.Addr, priority uint8) []byte {
	start := len(b)
	b = appendHeader(b, r.cfg.Version, r.cfg.VRID, priority, uint8(len(r.cfg.Addresses)), r.authType(), r.cfg.Interval)
	b = append(b, r.list...)
	if r.cfg.Version == 2 {
		b = append(b, r.pass[:]...)
	}
	covered := len(b)
	if r.auth != nil && r.auth.mode != ReceiveOnly {
		r.sent = r.sent.next(now, r.replay.window)
		b = r.auth.sign(b, start, r.cfg.Source, r.sent)
	}
	form := r.form
	if r.cfg.Family == IPv6 {
		covered, form = len(b), formRFC5798
	}
	putChecksum(b[start:], form.sum(r.cfg.Source, plain(dst), b[start:covered]))
	return b
}

// send asks for an advert.
func (r *Router) send(priority uint8, out []Action) []Action {
	r.counters.Sent++
	if priority == 0 {
		r.counters.PriorityZeroSent++
	}
	return append(out, Action{Kind: ActionSend, Priority: priority})
}

// move changes the state. Every transition goes through here.
func (r *Router) move(to State, reason Reason, peer netip.Addr, priority uint8, out []Action) []Action {
	from := r.state
	r.state = to
	return append(out, Action{
		Kind: ActionTransition, From: from, To: to, Reason: reason, Peer: peer, PeerPriority: priority,
	})
}
