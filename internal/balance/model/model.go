package model

import (
	"net/netip"
	"slices"
	"time"

	"github.com/holdfast-net/holdfast/internal/balance"
)

// Verdict is what becomes of a frame.
type Verdict uint8

const (
	Pass Verdict = iota // to whoever comes next
	Drop
	Send
)

func (v Verdict) String() string { return [...]string{"pass", "drop", "send"}[v] }

// Result of a step. Frame is what leaves, where one is sent, or passes otherwise
// than it came. Why is in words of balance/bpf, where a packet is dropped, also
// where what is sent instead says so, or could not be sent for another reason
// ("no route, refused"). Answer is what its sender is told, where
// Frame is for the other end.
type Result struct {
	Verdict Verdict
	Frame   []byte
	Why     string
	Answer  []byte
}

func drop(why string) Result { return Result{Verdict: Drop, Why: why} }

// Hop is the next link of a way.
type Hop struct {
	From, To [6]byte
	Source   netip.Addr // of this node, on tunnels
	MTU      int        // 0: any packet fits
}

func (h Hop) tooSmall(bytes int) bool { return h.MTU != 0 && bytes > h.MTU }

// Config is what a balancer knows of its machine.
type Config struct {
	MAC   [6]byte
	Ports [2]uint16 // that full NAT takes, the last one included
	Route func(netip.Addr) (Hop, bool)
}

// Balancer is the model.
type Balancer struct {
	config    Config
	services  map[balance.Endpoint]*service
	byName    map[string]*service
	flows     [2]map[key]*flow // half open, established
	settled   map[balance.Endpoint]bool
	bonds     map[bondKey]bond
	datagrams map[datagram][2]uint16
	ways      map[netip.Addr]way
	now       time.Duration
}

// service is a plan, and what is counted for it.
type service struct {
	*balance.Plan
	turn    uint64
	second  time.Duration // in which so many flows began
	began   uint32
	flows   int
	targets map[netip.AddrPort]*target
}

// target stays the same while its service has a backend at its address.
type target struct {
	balance.Target
	service *service
	flows   int
	turn    uint32 // the port that full NAT tries next
}

const (
	halfOpen    = 0
	established = 1
)

// New is a balancer without services.
func New(c Config) *Balancer {
	return &Balancer{
		config: c, services: map[balance.Endpoint]*service{}, byName: map[string]*service{},
		flows: [2]map[key]*flow{{}, {}}, settled: map[balance.Endpoint]bool{}, bonds: map[bondKey]bond{}, datagrams: map[datagram][2]uint16{}, ways: map[netip.Addr]way{},
	}
}

// Apply makes plans true, and no others.
func (b *Balancer) Apply(plans []*balance.Plan) {
	before := b.byName
	b.byName = map[string]*service{}
	clear(b.services)
	for _, p := range plans {
		s := before[p.Service.Name]
		if s == nil {
			s = &service{}
		}
		s.Plan = p
		was := s.targets
		s.targets = map[netip.AddrPort]*target{}
		for _, t := range p.Targets {
			at := was[t.Addr]
			if at == nil {
				at = &target{service: s}
			}
			at.Target = t
			s.targets[t.Addr] = at
		}
		b.byName[p.Service.Name] = s
		for _, e := range p.Service.Listen {
			b.services[e] = s
		}
	}
}

// alive says whether a target is in a plan still.
func (b *Balancer) alive(t *target) bool {
	return b.byName[t.service.Service.Name] == t.service && t.service.targets[t.Addr] == t
}

// Flows is how many are established at a backend.
func (b *Balancer) Flows(service string, addr netip.AddrPort) int {
	if s := b.byName[service]; s != nil && s.targets[addr] != nil {
		return s.targets[addr].flows
	}
	return 0
}

// Settle says whether nobody tells of more flows of a service that listens there.
func (b *Balancer) Settle(listen balance.Endpoint, settled bool) { b.settled[listen] = settled }

// Step says what becomes of a frame that arrives.
func (b *Balancer) Step(now time.Duration, frame []byte) Result {
	b.now = now
	p, ok := b.parse(frame)
	if !ok {
		return Result{}
	}
	if p.isError() {
		return b.error(now, p)
	}
	if s := b.services[balance.Endpoint{AddrPort: p.dst, Proto: balance.Proto(p.proto)}]; s != nil {
		return b.fromClient(now, s, p)
	}
	return b.fromBackend(p)
}

func (b *Balancer) fromClient(now time.Duration, s *service, p *packet) Result {
	k := p.key
	f, tier := b.find(k)
	if f != nil {
		switch b.standing(s, p, f, tier) {
		case over:
			return b.over(s, p, f)
		case stale:
			b.forget(k, f)
		case good:
			b.follow(p, f)
			moves := !s.twoWay() || f.answered
			if p.proto == protoTCP {
				moves = p.flags&(flagSYN|flagRST) == 0
			}
			if tier == halfOpen && moves && p.fragment != later {
				b.promote(k, f)
			}
			b.remember(p)
			return b.send(s, p, f)
		}
	}
	f, why := b.begin(now, s, p)
	switch {
	case f == nil && why == "no flow" && b.stranger(s, p):
		return b.refuse(p, "unknown")
	case f == nil && why == "refused":
		return b.refuse(p, why)
	case f == nil:
		return drop(why)
	}
	b.remember(p)
	return b.send(s, p, f)
}

// over ends a connection whose packet comes from the client.
func (b *Balancer) over(s *service, p *packet, f *flow) Result {
	if !b.alive(f.target) || f.target.service != s {
		b.forget(p.key, f)
		return b.refuse(p, "ended")
	}
	b.mark(p.key, f, end{broken: true})
	return b.split(p, func(p *packet) Result { return b.send(s, p, f) })
}

func (b *Balancer) fromBackend(p *packet) Result {
	k := p.key
	k.backend = true
	p.key = k
	f, tier := b.find(k)
	if f == nil {
		if b.ours(p.dst) {
			return drop("no flow")
		}
		return Result{}
	}
	if !b.alive(f.target) {
		return b.refuse(p, "ended")
	}
	if b.ended(p, f) {
		b.mark(k, f, end{broken: true})
		return b.split(p, func(p *packet) Result { return b.translate(p, f) })
	}
	b.follow(p, f)
	b.mark(k, f, end{answered: true})
	if tier == halfOpen && p.proto == protoUDP && p.fragment != later && f.target.tallied() {
		client := k.other(f.to)
		if f := b.flows[halfOpen][client]; f != nil {
			b.promote(client, f)
		}
	}
	b.remember(p)
	return b.translate(p, f)
}

// ours says whether full NAT sends from there.
func (b *Balancer) ours(a netip.AddrPort) bool {
	for _, s := range b.byName {
		if s.Service.Forward == balance.FullNAT && slices.Contains(s.Service.Translate, a.Addr()) {
			return a.Port() >= 1024
		}
	}
	return false
}

func (s *service) twoWay() bool { return s.Service.Forward <= balance.FullNAT }

// send is the last step of a client's packet.
func (b *Balancer) send(s *service, p *packet, f *flow) Result {
	switch s.Service.Forward {
	case balance.DSR:
		return b.asItIs(p, f)
	case balance.Tunnel:
		return b.wrap(s, p, p.key, f)
	}
	return b.translate(p, f)
}

// asItIs sends it in another frame.
func (b *Balancer) asItIs(p *packet, f *flow) Result {
	to := f.target.Addr.Addr()
	if hop, ok := b.config.Route(to); ok && hop.tooSmall(p.bytes) {
		return b.tooBig(p, hop.MTU)
	}
	return b.toHop(p.frame, to)
}

// toHop gives a frame the addresses of its next link.
func (b *Balancer) toHop(frame []byte, to netip.Addr) Result {
	hop, ok := b.config.Route(to)
	if !ok {
		return drop("no route")
	}
	out := slices.Clone(frame)
	copy(out, hop.To[:])
	copy(out[6:], hop.From[:])
	return Result{Verdict: Send, Frame: out}
}
