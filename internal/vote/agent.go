package vote

import (
	"fmt"
	"net/netip"
	"time"
)

// VoterAddr is a voter of a cluster.
type VoterAddr struct {
	Name    string
	Addr    netip.AddrPort
	Witness bool
}

// Config is what an Agent is made of.
type Config struct {
	Name string // this node's, one of Voters
	// Voters are all nodes, this one among them, and all witnesses: at most
	// MaxVoters.
	Voters []VoterAddr
	Keys   [][]byte // as in VoterConfig
	Seed   []byte
	// Session is a random number, new in every process, not zero.
	Session uint64
	Abstain Instant // as in VoterConfig
}

// Subject is a group, or groups that move together, of an Agent.
type Subject int

// Kind is what an Event is about.
type Kind uint8

const (
	// Tick is for when Deadline is reached. It is harmless at any time.
	Tick Kind = iota
	// Heard brings a datagram, Data from Src.
	Heard
	// Want says that this node would hold Subject, with Rank. It may be
	// repeated; it lasts until Release or Forsake.
	Want
	// Release says that this node does not hold Subject any more, or does not
	// want it: its gate is closed. To names the successor, if there is one.
	Release
	// Forsake is for a node that does not want Subject any more, but cannot say
	// that it has let go: what was promised to it ends by itself.
	Forsake
)

// Event is what happened.
type Event struct {
	Kind    Kind
	Subject Subject
	Rank    uint8 // its priority
	To      string
	Src     netip.AddrPort
	Data    []byte
}

// Packet is a datagram to send.
type Packet struct {
	To   netip.AddrPort
	Data []byte
}

// Out is what a Step leads to. Its memory is used again after Reset.
type Out struct {
	Packets []Packet
	// Changed are the subjects whose Until moved.
	Changed []Subject
	buf     []byte
}

// Reset makes room for the next Step.
func (o *Out) Reset() { o.Packets, o.Changed, o.buf = o.Packets[:0], o.Changed[:0], o.buf[:0] }

// Agent votes for a node, and stands for it. It is pure and belongs to one
// goroutine.
type Agent struct {
	name    string
	id      NameHash
	session uint64
	members uint64 // fingerprint
	own     *Voter
	me      *sender // ourselves, as our voter knows us
	self    int     // our place among the voters
	voters  []voter
	stamp   uint64 // the last one used
	subject []*candidate
	byKey   map[Key]Subject
	next    Instant // not after the earliest thing to do
	signer  signer
	counts  AgentCounters
}

// voter is a voter as its asker knows it.
type voter struct {
	VoterAddr
	id       NameHash
	token    uint64
	instance uint64
	last     Instant // when something was sent to it
	highest  uint64  // the highest stamp it has answered
	heard    Instant
	trip     time.Duration // of the last answer, there and back
	abstains Instant
	twin     string  // another voter that is the same process
	queue    []entry // to be sent at the end of this step
	queuedBy []*vote // whose they are
	greet    bool
}

// AgentCounters count what an Agent got and sent. Those of its voter are apart.
type AgentCounters struct {
	Sent, Answers, Stray uint64
}

// greeting is how often every voter hears of us at least.
const greeting = time.Second

// NewAgent checks its Config.
func NewAgent(cfg Config) (*Agent, error) {
	switch {
	case len(cfg.Keys) == 0:
		return nil, fmt.Errorf("cannot vote: no key")
	case len(cfg.Voters) == 0 || len(cfg.Voters) > MaxVoters:
		return nil, fmt.Errorf("cannot vote: there are %d voters, not 1 to %d", len(cfg.Voters), MaxVoters)
	case cfg.Session == 0 || len(cfg.Seed) < 16:
		return nil, fmt.Errorf("cannot vote: no randomness")
	}
	a := &Agent{
		name: cfg.Name, id: HashName(cfg.Name), session: cfg.Session, self: -1,
		own: NewVoter(VoterConfig{
			Name: cfg.Name, Keys: cfg.Keys, Seed: cfg.Seed, Instance: cfg.Session, Abstain: cfg.Abstain,
		}),
		signer: newSigner(cfg.Keys),
		byKey:  map[Key]Subject{},
	}
	var names []string
	for i, v := range cfg.Voters {
		if len(v.Name) < 1 || len(v.Name) > maxName {
			return nil, fmt.Errorf("cannot vote: %q cannot be the name of a voter", v.Name)
		}
		if v.Name == cfg.Name {
			a.self = i
		}
		names = append(names, v.Name)
		a.voters = append(a.voters, voter{VoterAddr: v, id: HashName(v.Name)})
	}
	if a.self < 0 {
		return nil, fmt.Errorf("cannot vote: node %s is not among the voters", cfg.Name)
	}
	a.voters[a.self].instance = cfg.Session
	a.members = fingerprint(names)
	a.me = a.own.senders.find([]byte(cfg.Name), 0, nil)
	a.me.session, a.me.voters, a.me.heard = cfg.Session, a.members, 1<<62
	return a, nil
}

// Open makes a subject of a group, or finds the one there is; its term may be
// another one than before.
func (a *Agent) Open(k Key, term time.Duration) Subject {
	if s, ok := a.byKey[k]; ok {
		a.subject[s].term = term
		return s
	}
	a.subject = append(a.subject, &candidate{key: k, term: term, votes: make([]vote, len(a.voters))})
	s := Subject(len(a.subject) - 1)
	a.byKey[k] = s
	return s
}

// Until is the instant to which a majority is promised to this node: the
// latest that a hold may last. It may be over, or zero.
func (a *Agent) Until(s Subject) Instant { return a.subject[s].until }

// Deadline is when to call Step with a Tick, at the latest.
func (a *Agent) Deadline() Instant { return a.next }

// Step takes an event and adds to out what follows from it. The clock was read
// after what the event tells of.
func (a *Agent) Step(now Instant, ev Event, out *Out) {
	switch ev.Kind {
	case Tick:
		a.tick(now, out)
	case Heard:
		a.receive(now, ev.Src, ev.Data, out)
	case Want:
		a.want(now, ev.Subject, ev.Rank, out)
	case Forsake:
		a.forsake(ev.Subject, out)
	case Release:
		a.release(now, ev.Subject, ev.To, out)
	}
	a.flush(now, out)
}

// tick does what is due.
func (a *Agent) tick(now Instant, out *Out) {
	a.next = now.add(greeting)
	for s, c := range a.subject {
		if c.next != 0 && c.next <= now {
			a.act(now, Subject(s), out)
		}
		a.sooner(c.next)
	}
	for i := range a.voters {
		v := &a.voters[i]
		if i == a.self {
			continue
		}
		v.greet = now >= v.last.add(greeting)
		if !v.greet {
			a.sooner(v.last.add(greeting))
		}
	}
}

func (a *Agent) sooner(t Instant) {
	if t != 0 && t < a.next {
		a.next = t
	}
}
