package check

// Agent asks an agent beside the service how it is, in the line protocol of
// HAProxy's agent-check: connect, send Send if there is any, read one line.
//
// The line has words between spaces, tabs or commas, in any case:
//
//	75%          up, with this share of the configured weight (0 to 256 %)
//	up, ready    up
//	drain        up for connections there are, weight 0 for new ones
//	maint        down, on purpose
//	down, failed, fail, stopped    down; what follows "#" is the reason
//	maxconn:N    read and shown, not acted on
//
// As in HAProxy, an agent that cannot be reached, or says nothing that it
// should, tells nothing: the check stays as it is. With Required that is a
// failure.
//
//	agent: 10.0.0.11:8081
//	agent: {address: "10.0.0.11:8081", send: "web\n"}
type Agent struct {
	To Endpoint // written as `address`
	// Send is sent once connected, as it is written. Empty: nothing.
	Send string
	// Required says that an agent without an answer is a failure.
	Required bool
	Via      Via
}

// maxSend is what fits into one packet.
const maxSend = 1024

// Word is the kind's key in the file.
func (Agent) Word() string { return "agent" }

// Target is the agent's address.
func (x Agent) Target() string { return x.To.String() }

// Problems says what is wrong. Fields: address, send, source, device.
func (x Agent) Problems() []Problem {
	var p problems
	p.below("", x.To.problems("address"))
	p.add(len(x.Send) > maxSend, "send", "", "send has %d bytes, and at most %d fit", len(x.Send), maxSend)
	p.below("", x.Via.problems(x.To.Host))
	return p
}
