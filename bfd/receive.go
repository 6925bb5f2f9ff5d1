package bfd

import "time"

// check decides whether a packet is heard: RFC 5880 §6.8.6 from its beginning
// to authentication, in its order.
func (s *Session) check(p *Packet, c *Control) Drop {
	section, drop := c.Decode(p.Payload)
	if drop != DropNone {
		return drop
	}
	switch {
	case c.YourDiscriminator != 0:
		if c.YourDiscriminator != s.cfg.Discriminator {
			return DropNoSession
		}
	case c.State != Down && c.State != AdminDown:
		return DropZeroDiscriminator
	case plain(p.Src) != s.cfg.Peer:
		return DropUnknownPeer
	}
	switch {
	case p.Link != s.cfg.Link: // RFC 5881 §2: a session belongs to a link
		return DropLink
	case p.TTL != TTL: // RFC 5881 §5; checked with authentication too
		return DropTTL
	case section != nil && s.auth == nil:
		return DropAuthUnexpected
	case section == nil && s.auth != nil:
		return DropAuthMissing
	case section != nil:
		return s.auth.verify(p.Payload, section, c.DetectMult)
	}
	return DropNone
}

// hear takes in a packet, RFC 5880 §6.8.6.
func (s *Session) hear(now time.Time, p *Packet, out []Action) []Action {
	var c Control
	drop := DropAdminDown
	if s.started {
		drop = s.check(p, &c)
	}
	if drop != DropNone {
		s.counters.Dropped[drop]++
		return out
	}
	s.learn(now, &c)
	if s.state == AdminDown {
		s.counters.Dropped[DropAdminDown]++
		return out
	}
	s.counters.Received++
	from := s.state
	out = s.react(now, &c, out)
	switch {
	case c.Poll:
		// RFC 5880 §6.8.7: as soon as practicable, whatever the timers
		// say. It tells a change of state too.
		s.counters.PollsHeard++
		return s.send(now, out, Control{Final: true})
	case s.state != from:
		return s.tell(now, out)
	}
	return out
}

// learn takes over what a valid packet says of the neighbour, and what follows
// for the timers.
func (s *Session) learn(now time.Time, c *Control) {
	before := s.Interval()
	r := &s.remote
	// While the neighbour raises what it can hear it may, until we have
	// acknowledged that, reckon with the smaller one.
	if !c.Poll || c.RequiredMinRx < r.surelyRx {
		r.surelyRx = c.RequiredMinRx
	}
	r.discriminator, r.state, r.diag, r.mult = c.MyDiscriminator, c.State, c.Diag, c.DetectMult
	r.demand, r.desiredMinTx, r.requiredMinRx = c.Demand, c.DesiredMinTx, c.RequiredMinRx
	s.heardAt, s.listenAt, s.woken = now, now, false
	if c.Final {
		s.counters.FinalsHeard++
		s.tempo.final()
	}
	s.retime(now)
	s.regap(before)
}

// react is the state machine of RFC 5880 §6.8.6.
func (s *Session) react(now time.Time, c *Control, out []Action) []Action {
	if c.State == AdminDown {
		if s.state == Down {
			return out
		}
		return s.move(now, Down, DiagNeighbourDown, ReasonNeighbourAdminDown, out)
	}
	switch s.state {
	case Down:
		switch c.State {
		case Down:
			return s.move(now, Init, s.diag, ReasonHeard, out)
		case Init:
			return s.move(now, Up, DiagNone, ReasonHeard, out)
		}
	case Init:
		if c.State == Init || c.State == Up {
			return s.move(now, Up, DiagNone, ReasonHeard, out)
		}
	case Up:
		if c.State == Down {
			return s.move(now, Down, DiagNeighbourDown, ReasonNeighbourDown, out)
		}
	}
	return out
}
