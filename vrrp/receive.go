package vrrp

import (
	"bytes"
	"net/netip"
	"slices"
	"time"
)

// check decides whether a packet is heard. The order is that of RFC 9568 §7.1
// and of [Drop].
func (r *Router) check(now time.Time, src, dst netip.Addr, p *Packet, m *message) Drop {
	b := p.Payload
	switch {
	case src.Is4() != (r.cfg.Family == IPv4): // RFC 9568 §5.2.9
		return DropFamily
	case p.TTL < r.cfg.Hops: // RFC 9568 §5.1.1.3: only the link itself can send 255
		return DropTTL
	case isCARP(b):
		return DropCARP
	case len(b) > 0 && b[0]>>4 != r.cfg.Version:
		return DropVersion
	}
	if d := m.parse(b, r.cfg.Family); d != DropNone {
		return d
	}
	if !r.checksumOK(src, dst, b, m) {
		return DropChecksum
	}
	switch {
	case m.vrid != r.cfg.VRID:
		return DropVRID
	case m.count == 0: // erratum 8299
		return DropZeroCount
	case r.cfg.Family == IPv6 && !(m.list[0] == 0xfe && m.list[1]&0xc0 == 0x80): // erratum 8300
		return DropNotLinkLocal
	case m.interval == 0: // erratum 8301; it would make every Backup claim at once
		return DropZeroInterval
	case src == r.cfg.Source:
		return DropOwnPacket
	case len(r.cfg.Peers) > 0 && !slices.Contains(r.cfg.Peers, src):
		return DropUnknownPeer
	}
	if d := r.checkAuth(now, src, m); d != DropNone {
		return d
	}
	if r.cfg.Version == 2 {
		// RFC 3768 §7.1: in version 2 the interval is not learnt, it
		// has to be the same everywhere.
		if m.interval != r.cfg.Interval {
			return DropInterval
		}
		if r.cfg.StrictList && m.priority != OwnerPriority && !r.sameList(m) {
			return DropAddressList
		}
	}
	return DropNone
}

// isCARP tells a CARP message, which BSD sends under the same protocol number:
// the first byte of VRRPv2 and 7 where VRRP counts addresses, too many for its
// length.
func isCARP(b []byte) bool { return len(b) == 36 && b[0] == 0x21 && b[3] == 7 }

// checksumOK finds the form of checksum that fits and notes it in m.
func (r *Router) checksumOK(src, dst netip.Addr, payload []byte, m *message) bool {
	switch {
	case m.version == 2: // RFC 3768 §5.3.8
		return Checksum(m.whole) == 0
	case r.cfg.Family == IPv6:
		// RFC 9568 §5.2.8. Where a trailer follows, the sender's kernel
		// has summed that too.
		return PseudoChecksum(src, dst, m.whole) == 0 ||
			len(m.rest) > 0 && PseudoChecksum(src, dst, payload) == 0
	case PseudoChecksum(src, dst, m.whole) == 0: // RFC 5798 §5.2.8
		m.form = formRFC5798
		return true
	case Checksum(m.whole) == 0: // RFC 9568 §5.2.8
		m.form = formRFC9568
		return true
	}
	return false
}

func (r *Router) checkAuth(now time.Time, src netip.Addr, m *message) Drop {
	if m.version == 2 {
		if d := r.checkPass(m); d != DropNone {
			return d
		}
	}
	if r.auth != nil {
		return r.verify(now, src, m)
	}
	return DropNone
}

// sameList compares the advert's addresses with ours; the order is free.
func (r *Router) sameList(m *message) bool {
	if bytes.Equal(m.list, r.list) {
		return true
	}
	n := r.cfg.Family.addrLen()
	return len(m.list) == len(r.list) && subset(m.list, r.list, n) && subset(r.list, m.list, n)
}

// subset says whether every n bytes of a are in b.
func subset(a, b []byte, n int) bool {
	for ; len(a) > 0; a = a[n:] {
		found := false
		for i := 0; i < len(b) && !found; i += n {
			found = bytes.Equal(a[:n], b[i:i+n])
		}
		if !found {
			return false
		}
	}
	return true
}

// hear takes in a packet: checks it, remembers its sender, names what differs
// between the sender and us, and lets the state act on it.
func (r *Router) hear(now time.Time, p *Packet, out []Action) []Action {
	src, dst := plain(p.Src), plain(p.Dst)
	var m message
	if d := r.check(now, src, dst, p, &m); d != DropNone {
		r.counters.Dropped[d]++
		return r.reportDrop(now, src, p.Payload, &m, d, out)
	}
	r.count(&m)
	peer := Peer{src, m.priority, m.interval, now, m.form.String()}
	r.peers.note(peer)
	out = r.compare(now, src, &m, out)
	switch r.state {
	case Backup:
		return r.backupHears(now, peer, out)
	case Active:
		return r.activeHears(now, peer, out)
	}
	// RFC 9568 §6.4.1: not started, an advert changes nothing; who is
	// Active is still good to know.
	r.follow(peer)
	return out
}

func (r *Router) count(m *message) {
	r.counters.Received++
	if m.priority == 0 {
		r.counters.PriorityZeroReceived++
	}
	switch m.form {
	case formRFC5798:
		r.counters.ChecksumRFC5798++
	case formRFC9568:
		r.counters.ChecksumRFC9568++
	}
}

// compare reports what differs between a sender and us, though its adverts are
// accepted (RFC 9568 §7.1 asks for the interval and the addresses).
func (r *Router) compare(now time.Time, src netip.Addr, m *message, out []Action) []Action {
	a := Action{Peer: src, PeerPriority: m.priority}
	say := func(n Notice) { a.Notice = n; out = r.report(now, out, a) }
	if m.interval != r.cfg.Interval {
		a.Got, a.Want = m.interval, r.cfg.Interval
		say(NoticeInterval)
		a.Got, a.Want = 0, 0
	}
	if !r.sameList(m) {
		say(NoticeAddressList)
	}
	if r.authDiffers(m) {
		say(NoticeAuth)
	}
	if m.form != formOnly && m.form != r.form {
		say(NoticeChecksumForm)
		// Only an Active sends; it and those that follow it may know
		// no other form.
		if r.cfg.Checksum == ChecksumAuto && m.priority != 0 {
			r.form = m.form
		}
	}
	if m.priority == r.priority {
		if m.priority == OwnerPriority {
			say(NoticeTwoOwners)
		} else {
			say(NoticeDuplicatePriority)
		}
	}
	return out
}

// learn takes the interval over from an Active (RFC 9568 §6.4.2), within
// bounds: a forged advert could otherwise blind a Backup for two minutes.
func (r *Router) learn(now time.Time, p Peer, out []Action) []Action {
	if r.cfg.Version == 2 {
		return out
	}
	r.learnt = min(max(p.Interval, r.cfg.LearnMin), r.cfg.LearnMax)
	if r.learnt != p.Interval {
		out = r.report(now, out, Action{
			Notice: NoticeIntervalBounded, Peer: p.Addr, PeerPriority: p.Priority,
			Got: p.Interval, Want: r.learnt,
		})
	}
	return out
}
