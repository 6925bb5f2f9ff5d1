package suite

import (
	"fmt"
	"net/netip"

	"github.com/holdfast-net/holdfast/internal/balance"
	"github.com/holdfast-net/holdfast/internal/balance/model"
	"github.com/holdfast-net/holdfast/internal/balance/packets"
)

// limits are on who may connect, and how often.
func (f Family) limits(proto uint8) []Case {
	first, second := f.asked(proto), f.asked(proto)
	second.Src = netip.AddrPortFrom(f.Client, 40001)
	sent := Step{In: second, Verdict: model.Send, Out: f.toBackend(nat, second, 0), Flows: 1}
	dropped := func(why string, flows int) Step {
		return Step{In: second, Verdict: model.Drop, Why: why, Flows: flows}
	}
	with := func(change func(*balance.Plan)) []*balance.Plan { return f.plan(nat, proto, change) }
	allowed := with(func(p *balance.Plan) { p.Service.Allow = []netip.Prefix{netip.PrefixFrom(f.Client, f.Client.BitLen())} })
	denied := with(func(p *balance.Plan) { p.Service.Allow = []netip.Prefix{netip.PrefixFrom(f.Router, f.Router.BitLen())} })
	service := with(func(p *balance.Plan) { p.Service.MaxFlows = 1 })
	backend := with(func(p *balance.Plan) { p.Targets[0].MaxFlows = 1 })
	both := with(func(p *balance.Plan) { p.Targets[0].MaxFlows, p.Table = 1, []uint16{0, 1, 1} })
	hurried := with(func(p *balance.Plan) { p.Service.NewPerSecond = 1 })
	nobody := with(func(p *balance.Plan) {
		p.Table = nil
		p.Targets[0].State = balance.Down
		p.Targets[1].State = balance.Down
	})
	spilt := Step{In: second, Verdict: model.Send, Out: f.toBackend(nat, second, 1), Flows: 1}
	rate := Step{Plans: hurried, In: first, Verdict: model.Send, Out: f.toBackend(nat, first, 0)}
	refused := Step{Plans: nobody, In: first, Verdict: model.Drop, Why: "refused"}
	if proto == packets.TCP {
		refused.Verdict = model.Send
		refused.Out = packets.Packet{
			From: Own, To: Client, Src: f.vip(), Dst: f.client(), Proto: packets.TCP, Flags: packets.RST | packets.ACK,
			Ack: first.Seq + uint32(len(first.Payload)) + 1,
		}
	}
	return []Case{
		{Name: "a source that may connect", Steps: append(f.begun(nat, proto, allowed), sent)},
		{Name: "a source that may not", Steps: []Step{{Plans: denied, In: second, Verdict: model.Drop, Why: "denied"}}},
		{Name: "the service has all the flows it may have", Steps: append(f.begun(nat, proto, service), dropped("limited", 1))},
		{Name: "its backend has", Steps: append(f.begun(nat, proto, backend), dropped("limited", 1))},
		{Name: "one of two backends has", Steps: append(f.begun(nat, proto, both), Step{In: second, Verdict: model.Send, Out: f.toBackend(nat, second, 1), Flows: 1}, spilt)},
		{Name: "more in a second than may begin", Steps: []Step{rate, dropped("hurried", 0)}, InOneSecond: true},
		{Name: "nobody serves", Steps: []Step{refused}},
	}
}

// policies are for flows of a backend that gets no new ones.
func (f Family) policies(proto uint8) []Case {
	var cases []Case
	begins, goesOn := f.asked(proto), f.heard(proto)
	for _, sel := range []balance.Select{balance.InTurn, balance.ByFlow} {
		for _, state := range []balance.State{balance.Drain, balance.Down, balance.Removed} {
			for _, policy := range []balance.Policy{balance.Keep, balance.Rehash, balance.Reset} {
				if state == balance.Drain && policy != balance.Keep {
					continue // it knows none
				}
				change := func(p *balance.Plan) { p.Select = sel }
				after := func(p *balance.Plan) {
					change(p)
					p.Service.OnDown, p.Service.OnRemoved = policy, policy
					p.Targets[0].State, p.Table = state, []uint16{1}
				}
				is := Step{Plans: f.plan(nat, proto, after), In: goesOn, Verdict: model.Send, Out: f.toBackend(nat, goesOn, 0), Flows: 1}
				resets := policy == balance.Reset || policy == balance.Rehash && sel == balance.InTurn
				switch {
				case policy == balance.Keep:
				case proto == packets.TCP && resets:
					is.Why, is.Flows = "ended", 0
					is.Out, is.Answer = f.toBackend(nat, f.resetOn(goesOn), 0), f.resetBack(goesOn)
				default:
					is.Out, is.Flows = f.toBackend(nat, goesOn, 1), 0
				}
				cases = append(cases, Case{
					Name:  fmt.Sprintf("its backend is in state %s, policy %d, select %d", state, policy, sel),
					Steps: append(f.begun(nat, proto, f.plan(nat, proto, change)), is),
				})
				if proto == packets.UDP {
					continue
				}
				anew := Step{Plans: is.Plans, In: begins, Verdict: model.Send, Out: f.toBackend(nat, begins, 1)}
				if state == balance.Drain { // the backend says that there is a connection
					anew.Out, anew.Flows = f.toBackend(nat, begins, 0), 1
				}
				cases = append(cases, Case{
					Name:  fmt.Sprintf("a SYN, its backend is in state %s, policy %d, select %d", state, policy, sel),
					Steps: append(f.begun(nat, proto, f.plan(nat, proto, change)), anew),
				}, Case{
					Name:  fmt.Sprintf("the backend speaks, in state %s, policy %d, select %d", state, policy, sel),
					Steps: append(f.begun(nat, proto, f.plan(nat, proto, change)), f.backendSpeaks(is.Plans, policy)),
				})
			}
		}
	}
	return cases
}

// resetBack is the RST that answers a client's packet, resetOn the one that is
// sent on in its place.
func (f Family) resetBack(p packets.Packet) packets.Packet {
	return packets.Packet{From: Own, To: Client, Src: p.Dst, Dst: p.Src, Proto: packets.TCP, Flags: packets.RST, Seq: p.Ack}
}

func (f Family) resetOn(p packets.Packet) packets.Packet {
	p.Flags, p.Payload = packets.RST|packets.ACK, nil
	return p
}

// backendSpeaks has the backend of an established flow say something.
func (f Family) backendSpeaks(plans []*balance.Plan, policy balance.Policy) Step {
	p := f.answered(nat, packets.TCP)
	p.Flags = packets.ACK
	s := Step{Plans: plans, In: p, Verdict: model.Send, Out: f.toClient(p), Flows: 1}
	if policy != balance.Reset {
		return s
	}
	s.Out, s.Why, s.Flows = f.toClient(f.resetOn(p)), "ended", 0
	s.Answer = packets.Packet{From: Own, To: Backends[0], Src: p.Dst, Dst: p.Src, Proto: packets.TCP, Flags: packets.RST, Seq: p.Ack}
	return s
}
