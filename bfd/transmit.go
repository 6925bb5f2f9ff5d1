package bfd

import "time"

// mayPeriodic says whether periodic packets are sent, RFC 5880 §6.8.7.
func (s *Session) mayPeriodic() bool {
	switch {
	case !s.started, s.mute():
		return false
	case s.remote.requiredMinRx == 0:
		return false
	case s.demanded() && !s.tempo.polling:
		return false
	}
	return true
}

// mute says that nothing may be sent at all: the passive role waits until the
// neighbour has spoken (RFC 5880 §6.8.7).
func (s *Session) mute() bool { return s.cfg.Passive && s.remote.discriminator == 0 }

// demanded says that demand mode is active on the neighbour: it wants no
// periodic packets (RFC 5880 §6.6, §6.8.6).
func (s *Session) demanded() bool {
	return s.remote.demand && s.state == Up && s.remote.state == Up
}

// tell sends between two periodic packets, because what is said has changed
// (RFC 5880 §6.8.7).
func (s *Session) tell(now time.Time, out []Action) []Action {
	if s.mute() {
		return out
	}
	return s.send(now, out, Control{})
}

// send asks for a packet with the contents of RFC 5880 §6.8.7. The poll and
// final bits are taken from c.
func (s *Session) send(now time.Time, out []Action, c Control) []Action {
	c.Diag, c.State = s.diag, s.state
	c.DetectMult = s.tempo.told.DetectMult
	c.MyDiscriminator, c.YourDiscriminator = s.cfg.Discriminator, s.remote.discriminator
	c.DesiredMinTx, c.RequiredMinRx = s.tempo.told.DesiredMinTx, s.tempo.told.RequiredMinRx
	s.counters.Sent++
	if c.Poll {
		s.counters.PollsSent++
		s.tempo.polled(now, time.Duration(s.tempo.told.DetectMult)*s.Interval())
	}
	if c.Final {
		s.counters.FinalsSent++
	} else {
		s.sentAt = now
		s.newGap()
	}
	return append(out, Action{Kind: ActionSend, Control: c})
}

// AppendPacket appends the UDP payload for the Control of an ActionSend to b.
// With authentication every call makes a packet of its own: encode once for
// each action, in their order.
func (s *Session) AppendPacket(b []byte, c Control) []byte {
	start := len(b)
	b = c.Append(b)
	if s.auth != nil {
		b = s.auth.sign(b, start, &c)
	}
	return b
}
