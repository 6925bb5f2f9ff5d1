package vrrp

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"time"
)

// sequence numbers trailers: the sender's UTC time as 32 bits of seconds and
// 16 bits of fraction, and a 16 bit counter. It wraps with the seconds in
// 2106, so two of them are compared by serial arithmetic (RFC 1982).
type sequence uint64

// sequenceAt is the first sequence of an instant.
func sequenceAt(t time.Time) sequence {
	fraction := uint64(t.Nanosecond()) << 16 / uint64(time.Second)
	return sequence(uint64(uint32(t.Unix()))<<32 | fraction<<16)
}

func parseSequence(b []byte) sequence { return sequence(binary.BigEndian.Uint64(b)) }

func (s sequence) append(b []byte) []byte { return binary.BigEndian.AppendUint64(b, uint64(s)) }

// after says that s is later than t.
func (s sequence) after(t sequence) bool { return int64(s-t) > 0 }

// near says that the clock s was taken from and ours differ by at most window.
func (s sequence) near(now time.Time, window time.Duration) bool {
	delta := time.Duration(int32(uint32(now.Unix())-uint32(s>>32))) * time.Second
	return -window <= delta && delta <= window
}

// next is the sequence to send at now: the clock, or one more than the last
// where the clock stands still or went back a little. Where it went back so far
// that receivers would call the last one wrong, the clock is right again.
func (s sequence) next(now time.Time, window time.Duration) sequence {
	if clock := sequenceAt(now); clock.after(s) || !s.near(now, window) {
		return clock
	}
	return s + 1
}

// multicastSlots is how many multicast senders are remembered, as keepalived
// does. Only senders that hold a key get a slot.
const multicastSlots = 4

// replayTable remembers the highest sequence of each authenticated sender.
type replayTable struct {
	slots  []replaySlot // most recently used last
	limit  int
	window time.Duration
}

type replaySlot struct {
	src  netip.Addr
	high sequence
}

// fresh accepts a sequence that is later than all before from src and
// remembers it. A sender whose highest is outside the window had a wrong clock
// when it sent that; it starts anew.
func (t *replayTable) fresh(now time.Time, src netip.Addr, seq sequence) bool {
	for i := range t.slots {
		if t.slots[i].src != src {
			continue
		}
		if high := t.slots[i].high; high.near(now, t.window) && !seq.after(high) {
			return false
		}
		copy(t.slots[i:], t.slots[i+1:])
		t.slots[len(t.slots)-1] = replaySlot{src, seq}
		return true
	}
	if len(t.slots) >= t.limit {
		t.slots = t.slots[:copy(t.slots, t.slots[len(t.slots)-t.limit+1:])]
	}
	t.slots = append(t.slots, replaySlot{src, seq})
	return true
}

// keep gives each unicast peer a slot of its own and forgets everybody else.
func (t *replayTable) keep(peers []netip.Addr) {
	t.limit = len(peers)
	t.slots = slices.DeleteFunc(t.slots, func(s replaySlot) bool { return !slices.Contains(peers, s.src) })
}
