package bfd

import "time"

// Interval is what we send at, before jitter: the slower of what we want to
// send and what the neighbour can hear (RFC 5880 §6.8.7). 0: the neighbour
// wants nothing.
func (s *Session) Interval() time.Duration {
	if s.remote.requiredMinRx == 0 {
		return 0
	}
	return max(s.tempo.sending, s.remote.requiredMinRx)
}

// DetectionTime is how long the neighbour may be silent before we call it lost
// (RFC 5880 §6.8.4): its multiplier times the slower of what we can hear and
// what it wants to send. 0: it was not heard yet.
func (s *Session) DetectionTime() time.Duration {
	return time.Duration(s.remote.mult) * max(s.tempo.hearing, s.remote.desiredMinTx)
}

// PeerDetects is the shortest time after our last packet in which the
// neighbour may call us lost: our multiplier times the slower of what it can
// hear and what we said we send, as the neighbour reckons it. While a change
// of either is not acknowledged, the smaller of old and new counts. In Init it
// is told too, for the neighbour may be Up already. It is 0, no promise, in the
// other states, while the neighbour wants no packets, and while it is in demand
// mode.
//
// Ask after every Step and before its packets are sent: where the answer has
// become smaller, a claim that the packets before allowed has to be cut first.
// A freeze between sending and cutting would leave it too long.
func (s *Session) PeerDetects() time.Duration {
	if !met(s.state) || s.remote.requiredMinRx == 0 || s.remote.demand {
		return 0
	}
	return time.Duration(s.tempo.surelyMult) * max(s.tempo.surelyTx, s.remote.surelyRx)
}

// detectAt is when the silence of the neighbour ends the session; zero: never.
func (s *Session) detectAt() time.Time {
	if s.state != Init && s.state != Up {
		return time.Time{}
	}
	return s.listenAt.Add(s.DetectionTime())
}

// forgetAt is when the neighbour's discriminator is forgotten.
func (s *Session) forgetAt() time.Time {
	if s.remote.discriminator == 0 {
		return time.Time{}
	}
	return s.listenAt.Add(s.DetectionTime())
}

// unlearnAt is when any sequence number of the neighbour is accepted again:
// after twice the Detection Time (RFC 5880 §6.8.1, bfd.AuthSeqKnown).
func (s *Session) unlearnAt() time.Time {
	if s.auth == nil || !s.auth.known {
		return time.Time{}
	}
	return s.listenAt.Add(2 * s.DetectionTime())
}

// sendAt is when the next periodic packet is due; zero: never.
func (s *Session) sendAt() time.Time {
	if !s.mayPeriodic() {
		return time.Time{}
	}
	return s.sentAt.Add(s.gap)
}

// newGap draws the time to the next periodic packet (RFC 5880 §6.8.7): the
// interval less a random part of up to a quarter; of at least a tenth where
// the neighbour forgives no missing packet.
func (s *Session) newGap() {
	least, most := 0.0, 0.25
	if s.tempo.told.DetectMult == 1 {
		least = 0.10
	}
	cut := least + (most-least)*s.cfg.Rand.Float64()
	s.gap = time.Duration(float64(s.Interval()) * (1 - cut))
}

// setTiming takes over what the operator wants.
func (s *Session) setTiming(now time.Time, t Timing) {
	t = t.complete()
	var bad mistakes
	if t.check(&bad); len(bad) > 0 {
		return
	}
	s.cfg.Timing = t
	s.retime(now)
}

// wanted is what packets should say: the operator's wish, and no faster than a
// packet a second while the session is not Up (RFC 5880 §6.8.3).
func (s *Session) wanted() Timing {
	t := s.cfg.Timing
	if s.state != Up {
		t.DesiredMinTx = max(t.DesiredMinTx, slowest)
	}
	return t
}

// retime brings what packets say to what they should.
func (s *Session) retime(now time.Time) {
	before := s.Interval()
	s.tempo.follow(now, s.wanted(), s.state, s.remote.discriminator != 0)
	s.regap(before)
}

// regap counts a changed interval from the last packet, so that a faster one
// is honoured at once (RFC 5880 §6.8.3).
func (s *Session) regap(before time.Duration) {
	if s.Interval() != before {
		s.newGap()
	}
}

// retimeAt is when a change that waits for stragglers may begin.
func (s *Session) retimeAt() time.Time {
	if s.tempo.waits(s.wanted(), s.state) {
		return s.tempo.strayUntil
	}
	return time.Time{}
}
