package tickle

import (
	"math/bits"
	"net/netip"
	"slices"
	"time"

	"github.com/holdfast-net/holdfast/internal/peer"
)

// share is the holder's list of one address, and what of it was told.
type share struct {
	addr netip.Addr
	from string
	seed uint64

	list    time.Time    // when it was last divided anew
	conns   []Connection // by bucket
	in      []uint16     // the bucket of each, while they are sorted
	ends    []int        // of the buckets in conns
	leftOut int
	want    []uint64 // by bucket: a digest of what is in it
	told    []digest // and of what was told last
	next    int      // the bucket to tell again, whatever is in it
	turn    time.Time
	due     time.Time // when there is something to tell
}

// digest is what was told of a bucket.
type digest struct {
	sum  uint64
	told bool
}

const (
	// maxClients is how many connections of an address are told.
	maxClients = 65536
	// burst is how many datagrams leave at once, and pause how long is waited
	// then: adverts must not queue behind a list, here or at a receiver.
	burst = 24
	pause = 20 * time.Millisecond
	// again is in how long all of a list is told once, changed or not.
	again = 5 * time.Second
)

// take takes in the list as it is now.
func (s *share) take(now time.Time, conns []Connection) {
	s.leftOut = max(len(conns)-maxClients, 0)
	conns = conns[:len(conns)-s.leftOut]
	if n := s.buckets(len(conns)); n != len(s.want) {
		s.list = now
		s.want, s.told, s.ends, s.next = make([]uint64, n), make([]digest, n), make([]int, n), 0
	}
	clear(s.want)
	clear(s.ends)
	s.in = s.in[:0]
	for _, c := range conns {
		h := c.hash(s.seed)
		b := s.bucket(h)
		s.in = append(s.in, uint16(b))
		s.want[b] += h | 1 // their number is in the sum, too
		s.ends[b]++
	}
	// Sorted by counting: where each bucket begins, and after the last of it
	// was put there, where it ends.
	at := 0
	for b, n := range s.ends {
		s.ends[b] = at
		at += n
	}
	s.conns = slices.Grow(s.conns[:0], at)[:at]
	for i, c := range conns {
		b := s.in[i]
		s.conns[s.ends[b]] = c
		s.ends[b]++
	}
}

// content is what is in a bucket, as far as a message has room.
func (s *share) content(b int) []Connection {
	begin := 0
	if b > 0 {
		begin = s.ends[b-1]
	}
	in := s.conns[begin:s.ends[b]]
	return in[:min(len(in), room(s.addr, s.from))]
}

// buckets is into how many the list is divided, a power of two. They are half
// full at most, as a bucket that overflows leaves connections out; and they stay
// as they are while they are an eighth full, as a new division is told as a whole.
func (s *share) buckets(count int) int {
	half := room(s.addr, s.from) / 2
	if n := len(s.want); n > 0 && count <= n*half && (n == 1 || count >= n*half/4) {
		return n
	}
	need := (count + half - 1) / half
	return min(max(1<<bits.Len(uint(max(need, 1)-1)), 1), maxBuckets)
}

func (s *share) bucket(hash uint64) int {
	return int(hash >> (64 - bits.Len(uint(len(s.want)-1)))) // a shift by 64 gives 0
}

// changed makes the next telling due at once, where there is something new to
// tell.
func (s *share) changed(now time.Time) {
	for i := range s.want {
		if s.told[i] != (digest{s.want[i], true}) {
			s.due = now
			return
		}
	}
}

// repeat tells one bucket again: that there is a holder, and which.
func (s *share) repeat(now time.Time) {
	if len(s.told) > 0 && s.told[0].told {
		s.told[0] = digest{}
		if soon := now.Add(pause); s.due.After(soon) {
			s.due = soon
		}
	}
}

// tell makes the messages that are due, burst at most: of the buckets that
// changed, and after them of those whose turn it is.
func (s *share) tell(now time.Time, k peer.Key, send func([]byte)) {
	sent := 0
	for b := range s.want {
		if s.told[b] == (digest{s.want[b], true}) {
			continue
		}
		if sent == burst {
			s.due = now.Add(pause)
			return
		}
		s.send(now, b, k, send)
		sent++
	}
	every := again / time.Duration(len(s.want))
	turns := int(now.Sub(s.turn) / every)
	if s.turn.IsZero() || turns > len(s.want) {
		turns, s.turn = 0, now // all of it was just told, or that was long ago
	}
	for ; turns > 0 && sent < burst; turns-- {
		s.send(now, s.next, k, send)
		sent++
		s.next, s.turn = (s.next+1)%len(s.want), s.turn.Add(every)
	}
	s.due = now.Add(max(s.turn.Add(every).Sub(now), pause))
}

func (s *share) send(now time.Time, b int, k peer.Key, send func([]byte)) {
	m := Message{
		From: s.from, Addr: s.addr, Sent: now, List: s.list,
		Buckets: len(s.want), Bucket: b, LeftOut: s.leftOut, Clients: s.content(b),
	}
	send(m.Append(nil, k))
	s.told[b] = digest{s.want[b], true}
}
