package suite

import (
	"github.com/holdfast-net/holdfast/internal/balance"
	"github.com/holdfast-net/holdfast/internal/balance/model"
	"github.com/holdfast-net/holdfast/internal/balance/packets"
)

// strangers speak in the middle of a connection that nobody knows, and it is
// certain that nobody does.
func (f Family) strangers(w way, proto uint8, plans []*balance.Plan) []Case {
	if proto == packets.UDP {
		return nil
	}
	middle := f.heard(proto)
	with := func(change func(*packets.Packet)) packets.Packet {
		p := middle
		change(&p)
		return p
	}
	told := func(p packets.Packet) Step {
		return Step{Plans: plans, Settled: true, In: p, Verdict: model.Send, Why: "unknown", Out: f.resetBack(p)}
	}
	silent := func(p packets.Packet) Step {
		return Step{Plans: plans, Settled: true, In: p, Verdict: model.Drop, Why: "no flow"}
	}
	end := with(func(p *packets.Packet) { p.Flags, p.Payload = packets.ACK|packets.FIN, nil })
	// RFC 9293 §3.10.7.1: without an ACK there is no sequence number to answer
	// with; what was sent is acknowledged, and a FIN counts.
	mute := with(func(p *packets.Packet) { p.Flags, p.Ack = packets.FIN, 0 })
	answered := told(mute)
	answered.Out = packets.Packet{
		From: Own, To: Client, Src: f.vip(), Dst: f.client(), Proto: proto, Flags: packets.RST | packets.ACK, Ack: mute.Seq + uint32(len(mute.Payload)) + 1,
	}
	// Where nothing is settled any more, nothing is said: a move is under way.
	first, again := f.asked(proto), middle
	begins := Step{Plans: plans, Settled: true, In: first, Verdict: model.Send, Out: f.toBackend(w, first, 0)}
	goesOn := Step{In: again, Verdict: model.Send, Out: f.toBackend(w, again, 0), Flows: 1}
	hashed := f.plan(w, proto, func(p *balance.Plan) { p.Select = balance.ByFlow })
	foretold := Step{Plans: hashed, Settled: true, In: middle, Verdict: model.Send, Out: f.toBackend(w, middle, 0)}
	if w.forward == balance.FullNAT {
		foretold = told(middle)
		foretold.Plans = hashed
	}
	unsure := silent(with(func(p *packets.Packet) { p.Flags = packets.SYN | packets.ACK }))
	return []Case{
		{Name: "a stranger speaks", Steps: []Step{told(middle)}},
		{Name: "a stranger speaks, with options", Steps: []Step{told(with(func(p *packets.Packet) { p.TOS, p.Hops, p.Payload = 0xb9, 2, make([]byte, 900) }))}},
		{Name: "a stranger speaks, two hops off", Steps: []Step{told(with(func(p *packets.Packet) { p.Hops = 1 }))}},
		{Name: "a stranger ends", Steps: []Step{told(end)}},
		{Name: "a stranger acknowledges nothing", Steps: []Step{answered}},
		{Name: "a stranger resets", Steps: []Step{silent(with(func(p *packets.Packet) { p.Flags = packets.RST }))}},
		{Name: "a stranger resets and acknowledges", Steps: []Step{silent(with(func(p *packets.Packet) { p.Flags = packets.RST | packets.ACK }))}},
		{Name: "a stranger agrees to what nobody asked", Steps: []Step{unsure}},
		{Name: "a stranger's fragment", Steps: []Step{silent(with(func(p *packets.Packet) { p.Fragment, p.ID, p.Payload = 1, 77, make([]byte, 200) }))}},
		{Name: "a stranger speaks, by a table of hashes", Steps: []Step{foretold}},
		{Name: "no stranger", Steps: []Step{begins, goesOn}},
	}
}
