package check

import "fmt"

// Script talks with a TCP server: each step sends something, or waits for
// something, or both. It is up when the last step is done. HAProxy's
// tcp-check, keepalived's SMTP_CHECK; presets are in [Presets].
//
//	script: {address: 10.0.0.11:6379, preset: redis-primary, password: {file: /etc/holdfast/redis}}
//	script:
//	  address: 10.0.0.11:25
//	  steps: [{expect: {regexp: "^220 "}}, {send: "HELO me\r\n", expect: "250", fail: {regexp: "^[45]"}}]
//	  goodbye: "QUIT\r\n"
type Script struct {
	To    Endpoint
	Steps []Step
	// Secure speaks TLS from the first byte; nil: plain.
	Secure *Secure
	// Goodbye is sent after the last step, and the server is given a moment
	// to close; nil: nothing is said.
	Goodbye []byte
	// Polite ends the connection with FIN and not with RST, for servers that
	// log a reset as an error. It leaves a TIME_WAIT behind where the server
	// does not close first.
	Polite bool
	// MaxRead is how many bytes a step may read, 1 to 1 MiB.
	MaxRead int
	Via     Via
}

// Step is one exchange: Send, where there is any, then read until Expect is
// found. Where Fail is found first, the check fails at once, instead of when
// the time is over.
type Step struct {
	Send   Secret // bytes; hidden, as there may be a password in it
	Expect Pattern
	Fail   Pattern
}

const (
	DefaultMaxRead = 16 << 10
	mostRead       = 1 << 20
	mostSteps      = 64
	mostSend       = 64 << 10
)

// Word implements Kind.
func (Script) Word() string { return "script" }

// Target implements Kind.
func (s Script) Target() string { return s.To.String() }

// Problems says what is wrong.
func (s Script) Problems() []Problem {
	var found problems
	found.below("", s.To.problems("address"))
	if n := len(s.Steps); n == 0 || n > mostSteps {
		found.say("steps", "write steps: [{send: …, expect: …}]", "there are %d steps: 1 to %d", n, mostSteps)
	}
	for i, step := range s.Steps {
		found.below(fmt.Sprintf("steps.%d", i+1), step.problems())
	}
	if s.MaxRead < 1 || s.MaxRead > mostRead {
		found.say("max_read", "", "%d bytes: 1 to %d", s.MaxRead, mostRead)
	}
	if s.Secure != nil {
		found.below("tls", s.Secure.Problems())
	}
	found.below("", s.Via.problems(s.To.Host))
	return found
}

func (s Step) problems() []Problem {
	var found problems
	if s.Send == "" && s.Expect == (Pattern{}) {
		found.say("", "write send:, expect: or both", "this step does nothing")
	}
	if len(s.Send) > mostSend {
		found.say("send", "", "%d bytes: at most %d", len(s.Send), mostSend)
	}
	found.below("expect", s.Expect.Problems())
	if s.Expect == (Pattern{}) && s.Fail != (Pattern{}) {
		found.say("fail", "write expect:, too", "nothing is read, so nothing can fail")
	}
	found.below("fail", s.Fail.Problems())
	return found
}
