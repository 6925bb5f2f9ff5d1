package check

// TCP is up when a connection is made: keepalived's TCP_CHECK, HAProxy's plain
// check. Nothing is said; the connection is reset at once, before the server's
// program learns of it, so that no TIME_WAIT is left (see check/probe).
//
//	tcp: 10.0.0.11:80
//	tcp: {address: "[2001:db8::1]:80", device: eth1, source: 2001:db8::9, mark: 7}
type TCP struct {
	To  Endpoint
	Via Via
}

// Word implements Kind.
func (TCP) Word() string { return "tcp" }

// Target implements Kind.
func (t TCP) Target() string { return t.To.String() }

// Problems says what is wrong.
func (t TCP) Problems() []Problem {
	var found problems
	found.below("", t.To.problems("address"))
	found.below("", t.Via.problems(t.To.Host))
	return found
}
