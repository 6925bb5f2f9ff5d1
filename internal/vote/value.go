package vote

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"net/netip"
	"slices"
	"strconv"
	"time"
)

// Instant is a time in nanoseconds by a clock of this machine that never goes
// back and goes on while it sleeps (CLOCK_BOOTTIME). Zero is no time at all.
type Instant int64

func (t Instant) add(d time.Duration) Instant { return t + Instant(d) }

// sub is how long t is after u.
func (t Instant) sub(u Instant) time.Duration { return time.Duration(t - u) }

// Port is the UDP port of votes.
const Port = 9113

const (
	// MinTerm keeps what is sent and waited for out of the reach of ordinary
	// delays, however short a group's interval is.
	MinTerm = 100 * time.Millisecond
	// MaxTerm bounds how long a voter that restarted has to abstain.
	MaxTerm = 10 * time.Second
	// marginShare of a term is what a candidate does not count. It is for
	// clocks that run at different rates: a time daemon may slew by 8 %
	// (chrony), adjtime by 0.05 %.
	marginShare = 8
	// renewals in a term.
	renewals = 3
)

// TermOf is how long a promise lasts for a group with this advert interval.
func TermOf(interval time.Duration) time.Duration {
	return min(max(3*interval, MinTerm), MaxTerm).Truncate(time.Microsecond)
}

// counted is how long a candidate counts a promise of this term, from when it
// asked.
func counted(term time.Duration) time.Duration { return term - term/marginShare }

// Key names a group, or groups that move together, among all voters. It is
// the same on all nodes.
type Key uint64

// Member is what a group is known by on every node.
type Member struct {
	VRID      uint8
	Addresses []netip.Addr
}

// KeyOf is the key of groups that move together: that of the one with the
// lowest VRID (then address). Of its addresses the lowest one alone counts,
// IPv4 before IPv6 and link-local last, so that adding an address to a group
// rarely makes it another one, for which the promises so far say nothing.
func KeyOf(members ...Member) Key {
	type anchor struct {
		vrid uint8
		addr netip.Addr
	}
	var all []anchor
	for _, m := range members {
		if len(m.Addresses) > 0 {
			all = append(all, anchor{m.VRID, slices.MinFunc(m.Addresses, compareAddr)})
		}
	}
	if len(all) == 0 {
		return 0
	}
	first := slices.MinFunc(all, func(a, b anchor) int {
		return cmp.Or(cmp.Compare(a.vrid, b.vrid), compareAddr(a.addr, b.addr))
	})
	return Key(digest("group", strconv.Itoa(int(first.vrid)), first.addr.String()))
}

func compareAddr(a, b netip.Addr) int {
	local := func(x netip.Addr) int {
		if x.IsLinkLocalUnicast() {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(local(a), local(b)), a.Compare(b))
}

// NameHash stands for a node's name where a name would be too long.
type NameHash uint64

// HashName is never zero.
func HashName(name string) NameHash { return NameHash(digest("node", name) | 1) }

// fingerprint of the voters' names.
func fingerprint(names []string) uint64 {
	names = slices.Sorted(slices.Values(names))
	return digest(append([]string{"voters"}, names...)...)
}

func digest(parts ...string) uint64 {
	h := sha256.New()
	for _, p := range parts {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	return binary.BigEndian.Uint64(h.Sum(nil))
}
