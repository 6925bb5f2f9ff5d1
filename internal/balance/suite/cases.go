package suite

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/holdfast-net/holdfast/internal/balance"
	"github.com/holdfast-net/holdfast/internal/balance/model"
	"github.com/holdfast-net/holdfast/internal/balance/packets"
)

// Cases is the table.
func Cases() []Case {
	var all []Case
	for _, f := range Families {
		for _, proto := range []uint8{packets.TCP, packets.UDP} {
			for _, w := range ways {
				plans := f.plan(w, proto) // one for all: making another one true takes a while
				for _, c := range [][]Case{f.flows(w, proto, plans), f.headers(w, proto, plans), f.sizes(w, proto, plans), f.errors(w, proto, plans), f.strangers(w, proto, plans)} {
					all = append(all, named(fmt.Sprintf("%s %s %s", f.Name, name(proto), w.name), c)...)
				}
			}
			all = append(all, named(fmt.Sprintf("%s %s", f.Name, name(proto)), f.limits(proto))...)
			all = append(all, named(fmt.Sprintf("%s %s", f.Name, name(proto)), f.policies(proto))...)
		}
		all = append(all, named(f.Name, f.others())...)
	}
	return all
}

func name(proto uint8) string { return balance.Proto(proto).String() }

func named(by string, cases []Case) []Case {
	for i := range cases {
		cases[i].Name = by + ": " + cases[i].Name
	}
	return cases
}

// flows begin, are in the middle of what nobody has seen begin, and end.
func (f Family) flows(w way, proto uint8, plans []*balance.Plan) []Case {
	hashed := f.plan(w, proto, func(p *balance.Plan) { p.Select = balance.ByFlow })
	cases := []Case{
		{Name: "begins and goes on", Steps: f.begun(w, proto, plans)},
		{Name: "another flow of the same client", Steps: append(f.begun(w, proto, plans), f.second(w, proto))},
	}
	if w.forward == balance.FullNAT {
		listens := slices.Concat(plans, f.plan(w, proto, func(p *balance.Plan) {
			p.Service.Name, p.Service.Listen[0].AddrPort = "other", f.translated()
		}))
		cases = append(cases, Case{Name: "its only port is where a service listens", Steps: []Step{
			{Plans: listens, In: f.asked(proto), Verdict: model.Drop, Why: "exhausted"},
		}})
	}
	if proto == packets.UDP {
		for by, chosen := range map[string]balance.Select{"the fewest flows": balance.Least, "the fewer of two": balance.LeastOfTwo} {
			fewest := f.plan(w, proto, func(p *balance.Plan) { p.Select = chosen })
			cases = append(cases, Case{Name: "begins and goes on, by " + by, Steps: f.begun(w, proto, fewest)})
		}
		return cases
	}
	middle := f.heard(proto)
	fin, reset := f.heard(proto), f.heard(proto)
	fin.Flags, reset.Flags = packets.FIN|packets.ACK, packets.RST
	ended := append(f.begun(w, proto, plans),
		Step{In: fin, Verdict: model.Send, Out: f.toBackend(w, fin, 0), Flows: 1},
		Step{In: reset, Verdict: model.Send, Out: f.toBackend(w, reset, 0)},
		Step{In: f.asked(proto), Verdict: model.Send, Out: f.toBackend(w, f.asked(proto), 0)},
	)
	disbelieved := append(f.begun(w, proto, plans),
		Step{In: reset, Verdict: model.Send, Out: f.toBackend(w, reset, 0)},
		Step{In: middle, Verdict: model.Send, Out: f.toBackend(w, middle, 0), Flows: 1},
		Step{In: f.asked(proto), Verdict: model.Send, Out: f.toBackend(w, f.asked(proto), 0), Flows: 1},
	)
	foretold := []Step{
		{Plans: hashed, In: middle, Verdict: model.Send, Out: f.toBackend(w, middle, 0)},
		{In: reset, Verdict: model.Send, Out: f.toBackend(w, reset, 0), Flows: 0},
	}
	if w.forward == balance.FullNAT { // the table does not know which port the backend knows
		foretold = []Step{{Plans: hashed, In: middle, Verdict: model.Drop, Why: "no flow"}}
	}
	// What a client says after its last word answers the backend; with its SYN it
	// begins anew, with another backend by now.
	elsewhere := f.plan(w, proto, func(p *balance.Plan) { p.Select, p.Table = balance.ByFlow, []uint16{1} })
	lastWords := []Step{
		{Plans: hashed, In: fin, Verdict: model.Send, Out: f.toBackend(w, fin, 0)},
		{In: middle, Verdict: model.Send, Out: f.toBackend(w, middle, 0), Flows: 1},
		{Plans: elsewhere, In: f.asked(proto), Verdict: model.Send, Out: f.toBackend(w, f.asked(proto), 1)},
	}
	if w.forward == balance.FullNAT {
		lastWords = []Step{{Plans: hashed, In: fin, Verdict: model.Drop, Why: "no flow"}}
	}
	return append(
		cases,
		Case{Name: "in the middle, of no flow", Steps: []Step{{Plans: plans, In: middle, Verdict: model.Drop, Why: "no flow"}}},
		Case{Name: "in the middle, of no flow, by a table of hashes", Steps: foretold},
		Case{Name: "the last packet, of no flow", Steps: lastWords},
		Case{Name: "a RST of no flow", Steps: []Step{{Plans: hashed, In: reset, Verdict: model.Drop, Why: "no flow"}}},
		Case{Name: "a RST that nobody believes", Steps: disbelieved},
		Case{Name: "ends, and its port is used again", Steps: ended},
	)
}

// second is another flow of the same client: full NAT has no port left for it.
func (f Family) second(w way, proto uint8) Step {
	p := f.asked(proto)
	p.Src = netip.AddrPortFrom(f.Client, 40001)
	if w.forward == balance.FullNAT {
		return Step{In: p, Verdict: model.Drop, Why: "exhausted", Flows: 1}
	}
	return Step{In: p, Verdict: model.Send, Out: f.toBackend(w, p, 0), Flows: 1}
}

// headers have options, fragments, a type of service and a time to live.
func (f Family) headers(w way, proto uint8, plans []*balance.Plan) []Case {
	step := func(change func(*packets.Packet)) Step {
		p := f.asked(proto)
		change(&p)
		return Step{Plans: plans, In: p, Verdict: model.Send, Out: f.toBackend(w, p, 0)}
	}
	more := step(func(p *packets.Packet) {
		p.Options = []byte{1, 1, 1, 0, 1, 1, 1, 0}
		if p.Headers = []uint8{60, 43, 0}; f.is4() {
			p.Headers = nil
		} else {
			p.Options = nil
		}
	})
	last := step(func(p *packets.Packet) { p.Hops = 1 })
	if w.twoWay() {
		last.Verdict, last.Out, last.Why = model.Drop, nil, "expired"
	}
	pieces := []Step{
		step(func(p *packets.Packet) { p.Fragment, p.ID, p.Payload = 1, 77, make([]byte, 200) }),
		step(func(p *packets.Packet) { p.Fragment, p.ID, p.Payload = 2, 77, make([]byte, 200) }),
	}
	pieces[1].Plans = nil
	if proto == packets.UDP && !w.twoWay() {
		pieces[1].Flows = 0
	}
	orphan := f.asked(proto)
	orphan.Fragment, orphan.ID, orphan.Payload = 2, 78, make([]byte, 200)
	cases := []Case{
		{Name: "options, or extension headers", Steps: []Step{more}},
		{Name: "a type of service", Steps: []Step{step(func(p *packets.Packet) { p.TOS = 0xb9 })}},
		{Name: "two hops left", Steps: []Step{step(func(p *packets.Packet) { p.Hops = 2 })}},
		{Name: "one hop left", Steps: []Step{last}},
		{Name: "fragments", Steps: pieces},
		{Name: "a later fragment without the first", Steps: []Step{{Plans: plans, In: orphan, Verdict: model.Pass}}},
	}
	if proto == packets.UDP && f.is4() {
		cases = append(cases, Case{Name: "no checksum", Steps: []Step{step(func(p *packets.Packet) { p.NoSum = true })}})
	}
	return cases
}

// sizes are at the limit of a link, or over it.
func (f Family) sizes(w way, proto uint8, plans []*balance.Plan) []Case {
	fits := f.asked(proto)
	room := 0
	if w.over != nil {
		room = len(f.toBackend(w, fits, 0).Frame()) - len(fits.Frame())
	}
	fits.Payload = nil
	fits.Payload = make([]byte, MTU-room-(len(fits.Frame())-14))
	big := fits
	big.Payload = make([]byte, len(fits.Payload)+1)
	told := packets.Error{
		From: Own, To: Client, Src: f.VIP, Dst: f.Client, Type: packets.Unreachable4, Code: 4, Rest: uint32(MTU - room),
		About: packets.IP(big.Frame(), 128), MayBreak: true,
	}
	if !f.is4() {
		told.Type, told.Code = packets.TooBig6, 0
	}
	cases := []Case{
		{Name: "as large as it may be", Steps: []Step{{Plans: plans, In: fits, Verdict: model.Send, Out: f.toBackend(w, fits, 0)}}},
		{Name: "one byte too large", Steps: []Step{{Plans: plans, In: big, Verdict: model.Send, Out: told, Why: "too big"}}},
	}
	if f.is4() {
		breaks := big
		breaks.MayBreak = true
		// Told all the same: nobody cuts what goes as it is, or into a tunnel.
		told.About = packets.IP(breaks.Frame(), 128)
		s := Step{Plans: plans, In: breaks, Verdict: model.Send, Out: told, Why: "too big"}
		if w.twoWay() { // the kernel routes it, in fragments
			out := f.toBackend(w, breaks, 0).(packets.Packet)
			out.From, out.To = Client, Own
			s = Step{Plans: plans, In: breaks, Verdict: model.Pass, Out: out}
		}
		cases = append(cases, Case{Name: "one byte too large, and may be fragmented", Steps: []Step{s}})
	}
	return cases
}
