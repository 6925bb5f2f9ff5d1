package check

import "time"

// UDP sends a datagram and looks at what comes back. An ICMP error that
// answers it (port unreachable) is a failure in any case.
//
//	udp: {address: 10.0.0.11:123, send: {hex: "e3 00 00 00"}, expect: {hex: "?4"}}
//	udp: {address: 10.0.0.11:514, silence: passes, listen: 500ms}
type UDP struct {
	To     Endpoint
	Send   Secret  // bytes; may be empty: a datagram without any
	Expect Pattern // the zero value: any datagram
	// Silence says whether no answer at all is well. Default SilenceFails.
	Silence Silence
	// Listen is for how long an answer or an ICMP error is waited for before
	// silence passes. Default 200ms. Only with SilencePasses; it is bounded by
	// the check's timeout.
	//
	// Hosts limit the rate of ICMP errors (Linux: one a second to each peer),
	// so a closed port may be silent now and then: let rise be 2 or more.
	Listen time.Duration
	Via    Via
}

// Silence is a policy for servers that answer nothing.
type Silence uint8

const (
	SilenceFails Silence = iota // keepalived's require_reply
	SilencePasses
)

// String is the word of the file.
func (s Silence) String() string { return [...]string{"fails", "passes"}[s] }

// DefaultUDP wants any answer to an empty datagram.
func DefaultUDP() UDP { return UDP{Listen: 200 * time.Millisecond} }

const mostDatagram = 65507 // 65535 less the headers of IPv4 and UDP

// Word implements Kind.
func (UDP) Word() string { return "udp" }

// Target implements Kind.
func (u UDP) Target() string { return u.To.String() }

// Problems says what is wrong.
func (u UDP) Problems() []Problem {
	var found problems
	found.below("", u.To.problems("address"))
	if len(u.Send) > mostDatagram {
		found.say("send", "", "%d bytes: a datagram has at most %d", len(u.Send), mostDatagram)
	}
	found.below("expect", u.Expect.Problems())
	if u.Silence == SilencePasses && u.Listen <= 0 {
		found.say("listen", "write listen: 200ms", "%s is no time to wait for an error", u.Listen)
	}
	found.below("", u.Via.problems(u.To.Host))
	return found
}
