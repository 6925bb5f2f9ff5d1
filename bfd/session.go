package bfd

import "time"

// Session is one BFD session, RFC 5880 §6.8. It is a value machine: Step is
// the only input, the actions it appends the only output. It is not safe for
// use by several goroutines at once.
type Session struct {
	cfg  Config
	auth *authority // nil without authentication

	state   State
	diag    Diag
	started bool // enabled once; before that the session is silent
	remote  remote

	tempo    tempo
	sentAt   time.Time     // last packet that was not a Final, or when we were enabled
	gap      time.Duration // from there to the next periodic one
	heardAt  time.Time     // last valid packet; zero: none
	listenAt time.Time     // since when silence counts: heardAt, or a Wake after it
	woken    bool          // since heardAt a Wake was given in to

	counters Counters
}

// remote is what the neighbour says of itself, RFC 5880 §6.8.1.
type remote struct {
	discriminator uint32
	state         State
	diag          Diag
	mult          uint8
	demand        bool
	desiredMinTx  time.Duration
	requiredMinRx time.Duration
	surelyRx      time.Duration // the smallest that it may still reckon with
}

// New makes a session, administratively down and silent until it is enabled.
func New(cfg Config) (*Session, error) {
	cfg, err := cfg.complete()
	if err != nil {
		return nil, err
	}
	s := &Session{cfg: cfg, auth: newAuthority(cfg.Auth, cfg.Rand)}
	// RFC 5880 §6.8.1: 1 microsecond until the neighbour says more.
	s.remote.state = Down
	s.remote.requiredMinRx, s.remote.surelyRx = time.Microsecond, time.Microsecond
	s.tempo = newTempo(s.wanted())
	return s, nil
}

// Step tells the session what happened at now and appends what must be done to
// out. now never goes back, and is the time at which the event is handled.
func (s *Session) Step(now time.Time, ev Event, out []Action) []Action {
	switch ev.Kind {
	case EventTick:
		return s.tick(now, out)
	case EventPacket:
		if ev.Packet == nil {
			return out
		}
		return s.hear(now, ev.Packet, out)
	case EventEnable:
		return s.enable(now, out)
	case EventDisable:
		return s.disable(now, out)
	case EventRetime:
		s.setTiming(now, ev.Timing)
	case EventWake:
		s.wake(now)
	}
	return out
}

func (s *Session) tick(now time.Time, out []Action) []Action {
	if at := s.detectAt(); !at.IsZero() && !now.Before(at) {
		// RFC 5880 §6.8.4.
		s.forget()
		out = s.move(now, Down, DiagExpired, ReasonExpired, out)
		out = s.tell(now, out)
	}
	if at := s.forgetAt(); !at.IsZero() && !now.Before(at) {
		s.forget()
	}
	if at := s.unlearnAt(); !at.IsZero() && !now.Before(at) {
		s.auth.known = false // RFC 5880 §6.8.1, bfd.AuthSeqKnown
	}
	s.retime(now)
	if at := s.sendAt(); !at.IsZero() && !now.Before(at) {
		out = s.send(now, out, Control{Poll: s.tempo.polling})
	}
	return out
}

// Deadline is when Step wants a Tick; zero means never.
func (s *Session) Deadline() time.Time {
	var first time.Time
	for _, at := range [...]time.Time{s.detectAt(), s.forgetAt(), s.unlearnAt(), s.retimeAt(), s.sendAt()} {
		if !at.IsZero() && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	return first
}

// enable is RFC 5880 §6.8.16.
func (s *Session) enable(now time.Time, out []Action) []Action {
	if s.state != AdminDown {
		return out
	}
	s.started, s.sentAt = true, now
	out = s.move(now, Down, DiagNone, ReasonEnabled, out)
	return s.tell(now, out)
}

// disable is RFC 5880 §6.8.16.
func (s *Session) disable(now time.Time, out []Action) []Action {
	if s.state == AdminDown {
		return out
	}
	out = s.move(now, AdminDown, DiagAdminDown, ReasonDisabled, out)
	return s.tell(now, out)
}

// wake starts the Detection Time anew, once for each packet heard.
func (s *Session) wake(now time.Time) {
	if !s.woken && !s.heardAt.IsZero() {
		s.listenAt, s.woken = now, true
	}
}

// move changes the state. Every transition goes through here.
func (s *Session) move(now time.Time, to State, diag Diag, why Reason, out []Action) []Action {
	from := s.state
	s.state, s.diag = to, diag
	if to == Init {
		s.tempo.anew()
	}
	switch {
	case to == Up:
		s.counters.BecameUp++
	case from == Up:
		s.counters.LeftUp++
	}
	// RFC 5880 §6.8.3: not Up, no faster than a packet a second.
	s.retime(now)
	return append(out, Action{
		Kind: ActionTransition, From: from, To: to, Reason: why, Diag: diag, PeerDiag: s.remote.diag,
	})
}

// forget is what becomes of the neighbour after a Detection Time of silence
// (RFC 5880 §6.8.1 for bfd.RemoteDiscr, §6.8.18 for bfd.RemoteMinRxInterval).
// Nobody is left who would end a poll.
func (s *Session) forget() {
	before := s.Interval()
	s.remote.discriminator, s.remote.state = 0, Down
	s.remote.requiredMinRx, s.remote.surelyRx = time.Microsecond, time.Microsecond
	s.tempo.abandon()
	s.regap(before)
}

// State is the state of RFC 5880 §6.2.
func (s *Session) State() State { return s.state }

// Diag is our diagnostic: why the state changed last.
func (s *Session) Diag() Diag { return s.diag }

// PeerDiag is the neighbour's diagnostic, as last heard.
func (s *Session) PeerDiag() Diag { return s.remote.diag }

// PeerState is the neighbour's state as last heard; Down when it is not heard.
func (s *Session) PeerState() State { return s.remote.state }

// Config is the configuration in use, with the defaults filled in. Its Timing
// is the one last asked for. Its map is the caller's own.
func (s *Session) Config() Config { return s.cfg }

// Counters counts since New.
func (s *Session) Counters() Counters { return s.counters }
