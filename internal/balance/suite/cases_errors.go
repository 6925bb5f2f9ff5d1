package suite

import (
	"fmt"
	"net/netip"

	"github.com/holdfast-net/holdfast/internal/balance"
	"github.com/holdfast-net/holdfast/internal/balance/model"
	"github.com/holdfast-net/holdfast/internal/balance/packets"
)

// kind is one of an ICMP error.
type kind struct {
	name       string
	kind, code uint8
	rest       uint32
}

func (f Family) kinds() []kind {
	if f.is4() {
		return []kind{
			{"fragmentation needed", packets.Unreachable4, 4, 1300},
			{"port unreachable", packets.Unreachable4, 3, 0},
			{"time exceeded", packets.TimeExceeded4, 0, 0},
			{"parameter problem", packets.ParameterProblem4, 0, 0x14000000},
		}
	}
	return []kind{
		{"packet too big", packets.TooBig6, 0, 1300},
		{"port unreachable", packets.Unreachable6, 4, 0},
		{"time exceeded", packets.TimeExceeded6, 0, 0},
		{"parameter problem", packets.ParameterProblem6, 1, 40},
	}
}

// errors are about packets of flows, or of none.
func (f Family) errors(w way, proto uint8, plans []*balance.Plan) []Case {
	begun := func(s ...Step) []Step { return append(f.begun(w, proto, plans), s...) }
	// What the service has said, and what the backend takes that for.
	said := packets.Packet{Src: f.vip(), Dst: f.client(), Proto: proto, Flags: packets.ACK, Seq: 0xa0b0c0d0, Ack: 1, Payload: make([]byte, 40), Hops: 61}
	meant := said
	meant.Src, meant.Dst = f.backend(0), f.source(w)
	var cases []Case
	for _, k := range f.kinds() {
		for _, quote := range []int{f.header() + 8, f.header() + 20, f.header() + 37, 200} {
			cases = append(cases, Case{
				Name:  fmt.Sprintf("%s for the backend, with %d bytes of the packet", k.name, quote),
				Steps: begun(f.errorToBackend(w, k, said, meant, quote, 1)),
			})
		}
	}
	k := f.kinds()[0]
	absurd := f.errorToBackend(w, kind{k.name, k.kind, k.code, 1279}, said, meant, 200, 1)
	if f.is4() {
		absurd = f.errorToBackend(w, kind{k.name, k.kind, k.code, 575}, said, meant, 200, 1)
	}
	absurd.Verdict, absurd.Out, absurd.Why = model.Drop, nil, "absurd"
	unknown := f.errorToBackend(w, k, said, meant, 200, 0)
	unknown.Plans, unknown.Verdict, unknown.Out, unknown.Why = plans, model.Drop, nil, "no flow"
	other := f.errorToBackend(w, k, said, meant, 200, 0)
	in := other.In.(packets.Error)
	in.Dst = f.Node
	other = Step{Plans: plans, In: in, Verdict: model.Pass}
	guessed := f.errorToBackend(w, k, said, meant, 200, 0)
	guessed.Plans = f.plan(w, proto, func(p *balance.Plan) { p.Select = balance.ByFlow })
	if w.forward == balance.FullNAT {
		guessed.Verdict, guessed.Out, guessed.Why = model.Drop, nil, "no flow"
	}
	cases = append(
		cases,
		Case{Name: "a link too small to be one", Steps: begun(absurd)},
		Case{Name: "an error of no flow", Steps: []Step{unknown}},
		Case{Name: "an error of no flow, by a table of hashes", Steps: []Step{guessed}},
		Case{Name: "an error for another than who sent the packet", Steps: []Step{other}},
	)
	if w.over != nil {
		cases = append(cases, f.narrow(w, proto, plans)...)
	}
	if w.twoWay() {
		for _, k := range f.kinds() {
			cases = append(cases, Case{Name: k.name + " for the client", Steps: begun(f.errorToClient(w, k, proto))})
		}
	}
	return cases
}

// narrow has a router on the way of a tunnel say how large packets may be.
func (f Family) narrow(w way, proto uint8, plans []*balance.Plan) []Case {
	const mtu = 1400
	large := f.heard(proto)
	large.Payload = make([]byte, mtu-20)
	sent := f.toBackend(w, f.heard(proto), 0)
	room := len(sent.Frame()) - len(f.heard(proto).Frame())
	k := w.over.kinds()[0]
	said := packets.Error{
		From: Backends[0], To: Own, Src: w.over.Router, Dst: w.over.Node, Type: k.kind, Code: k.code, Rest: mtu, About: packets.IP(sent.Frame(), 200),
	}
	told := packets.Error{
		From: Own, To: Client, Src: f.VIP, Dst: f.Client, Type: packets.Unreachable4, Code: 4, Rest: uint32(mtu - room),
		About: packets.IP(large.Frame(), 128), MayBreak: true,
	}
	if !f.is4() {
		told.Type, told.Code = packets.TooBig6, 0
	}
	forged, absurd := said, said
	forged.About = packets.IP(w.wrapped(0, f.second(w, proto).In.Frame(), 0, 50000).Frame(), 200)
	absurd.Rest = 500
	passes := Step{In: large, Verdict: model.Send, Out: f.toBackend(w, large, 0), Flows: 1}
	return []Case{
		{Name: "its tunnel has a narrow link", Steps: append(
			f.begun(w, proto, plans),
			Step{In: said, Verdict: model.Pass, Flows: 1},
			Step{In: large, Verdict: model.Send, Out: told, Why: "too big", Flows: 1},
			Step{In: f.heard(proto), Verdict: model.Send, Out: sent, Flows: 1},
		)},
		{Name: "somebody says so of a flow that there is not", Steps: append(f.begun(w, proto, plans), Step{In: forged, Verdict: model.Pass, Flows: 1}, passes)},
		{Name: "its tunnel has a link too small to be one", Steps: append(f.begun(w, proto, plans), Step{In: absurd, Verdict: model.Pass, Why: "absurd", Flows: 1}, passes)},
	}
}

func (f Family) header() int {
	if f.is4() {
		return 20
	}
	return 40
}

// errorToBackend is one from the client's side: said is what it is about, meant
// the packet that the backend has sent.
func (f Family) errorToBackend(w way, k kind, said, meant packets.Packet, quote, flows int) Step {
	in := packets.Error{
		From: Client, To: Own, Src: f.Router, Dst: f.VIP, Type: k.kind, Code: k.code, Rest: k.rest, About: packets.IP(said.Frame(), quote),
	}
	s := Step{In: in, Verdict: model.Send, Flows: flows}
	out := in
	out.From, out.To = Own, Backends[0]
	switch w.forward {
	case balance.DSR:
		s.Out = out
		return s
	case balance.Tunnel:
		s.Out = w.wrapped(0, in.Frame(), 0, f.gue(w, f.client(), said.Proto))
		return s
	case balance.FullNAT:
		out.Src = f.Source // the backend may know the way to nobody else
	}
	out.Dst, out.Hops = f.Backends[0], 63
	out.About = packets.IP(meant.Frame(), quote)
	s.Out = out
	return s
}

// errorToClient is one from the backend's side.
func (f Family) errorToClient(w way, k kind, proto uint8) Step {
	sent := f.heard(proto)
	passed := f.toBackend(w, sent, 0).(packets.Packet)
	sent.Hops = 63
	in := packets.Error{
		From: Backends[0], To: Own, Src: f.Router, Dst: f.source(w).Addr(), Type: k.kind, Code: k.code, Rest: k.rest, About: packets.IP(passed.Frame(), 200),
	}
	out := in
	out.From, out.To, out.Src, out.Dst, out.Hops = Own, Client, f.VIP, f.Client, 63
	out.About = packets.IP(sent.Frame(), 200)
	return Step{In: in, Verdict: model.Send, Out: out, Flows: 1}
}

// others are frames that are nobody's business.
func (f Family) others() []Case {
	plans := f.plan(fullNAT, packets.TCP)
	passes := func(name string, in Layers) Case {
		return Case{Name: name, Steps: []Step{{Plans: plans, In: in, Verdict: model.Pass}}}
	}
	to := func(a netip.AddrPort, change func(*packets.Packet)) packets.Packet {
		p := f.asked(packets.TCP)
		p.Dst = a
		if change != nil {
			change(&p)
		}
		return p
	}
	echo := packets.Error{From: Client, To: Own, Src: f.Client, Dst: f.VIP, Type: packets.Echo4, About: make([]byte, 56)}
	if !f.is4() {
		echo.Type = packets.Echo6
	}
	cases := []Case{
		passes("an echo request to the service's address", echo),
		passes("another port of it", to(netip.AddrPortFrom(f.VIP, 81), nil)),
		passes("another address", to(netip.AddrPortFrom(f.Node, 80), nil)),
		passes("another protocol", to(f.vip(), func(p *packets.Packet) { p.Proto = packets.UDP })),
		passes("a port that full NAT does not send from", to(netip.AddrPortFrom(f.Source, 1023), nil)),
		passes("a frame for another machine", to(f.vip(), func(p *packets.Packet) { p.To = Backends[1] })),
		passes("a frame for all", to(f.vip(), func(p *packets.Packet) { p.To = MAC{255, 255, 255, 255, 255, 255} })),
		passes("no IP", Raw(append(append(append([]byte{}, Own[:]...), Client[:]...), 0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))),
		{Name: "a port that full NAT sends from, of no flow", Steps: []Step{
			{Plans: plans, In: to(f.translated(), nil), Verdict: model.Drop, Why: "no flow"},
		}},
	}
	if !f.is4() {
		cases = append(cases, passes("seven extension headers", to(f.vip(), func(p *packets.Packet) { p.Headers = []uint8{0, 60, 60, 60, 60, 60, 60} })))
	}
	return cases
}
