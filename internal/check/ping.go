package check

import "time"

// Ping sends ICMP echo requests (RFC 792, RFC 4443 §4.1).
//
//	ping: 192.0.2.1
//	ping: {host: fe80::1%eth0, count: 5, spacing: 50ms, max_loss: 40}
type Ping struct {
	Host string // an address, with a zone where it is link-local, or a name
	// Count is how many requests a look sends, Spacing apart; the look ends as
	// soon as enough were answered, or can no longer be. 1 to 100.
	Count   int
	Spacing time.Duration
	// MaxLoss is how many percent of them may stay without an answer, 0 to 99.
	MaxLoss int
	// Size is how many bytes a request carries, 16 to 65000. Default 56, as
	// ping(8) has it.
	Size int
	Via  Via
}

// DefaultPing sends one request.
func DefaultPing() Ping { return Ping{Count: 1, Spacing: 100 * time.Millisecond, Size: 56} }

// Word implements Kind.
func (Ping) Word() string { return "ping" }

// Target implements Kind.
func (p Ping) Target() string { return p.Host }

// Problems says what is wrong.
func (p Ping) Problems() []Problem {
	var found problems
	if err := checkHost(p.Host); err != nil {
		found.say("host", "", "%s", err)
	}
	if p.Count < 1 || p.Count > 100 {
		found.say("count", "", "%d requests: 1 to 100", p.Count)
	}
	if p.Count > 1 && p.Spacing < time.Millisecond {
		found.say("spacing", "", "%s between requests: 1ms or more", p.Spacing)
	}
	if p.MaxLoss < 0 || p.MaxLoss > 99 {
		found.say("max_loss", "", "%d percent: 0 to 99", p.MaxLoss)
	}
	if p.Size < minPing || p.Size > 65000 {
		found.say("size", "", "%d bytes: %d to 65000", p.Size, minPing)
	}
	found.below("", p.Via.problems(p.Host))
	return found
}

// minPing has room for the mark by which a probe knows its own requests.
const minPing = 16
