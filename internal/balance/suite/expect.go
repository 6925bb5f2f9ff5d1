package suite

import (
	"net/netip"

	"github.com/holdfast-net/holdfast/internal/balance"
	"github.com/holdfast-net/holdfast/internal/balance/flowhash"
	"github.com/holdfast-net/holdfast/internal/balance/model"
	"github.com/holdfast-net/holdfast/internal/balance/packets"
)

// hops is what is left of those of a packet that is forwarded.
func hops(n uint8) uint8 {
	if n == 0 {
		n = 64
	}
	return n - 1
}

// toBackend is what a client's packet becomes for the n-th backend.
func (f Family) toBackend(w way, p packets.Packet, n int) Layers {
	before := p
	p.From, p.To = Own, Backends[n]
	switch w.forward {
	case balance.NAT, balance.FullNAT:
		p.Dst, p.Hops = f.backend(n), hops(p.Hops)
		if w.forward == balance.FullNAT {
			p.Src = f.translated()
		}
	case balance.Tunnel:
		return w.wrapped(p.TOS, before.Frame(), n, f.gue(w, before.Src, before.Proto))
	}
	return p
}

// gue is the port that a flow's packets are sent from in GUE.
func (f Family) gue(w way, client netip.AddrPort, proto uint8) uint16 {
	if w.encapsulation != balance.GUE {
		return 0
	}
	return 49152 + uint16(flowhash.Flow([16]byte{1, 2, 3}, client, f.vip(), proto)&0x3fff)
}

func (w way) wrapped(tos uint8, frame []byte, n int, gue uint16) packets.Wrapped {
	return packets.Wrapped{
		From: Own, To: Backends[n], Src: w.over.Node, Dst: w.over.Backends[n], TOS: tos, GUE: gue, Inside: packets.IP(frame, len(frame)),
	}
}

// toClient is what a backend's packet becomes for the client.
func (f Family) toClient(p packets.Packet) packets.Packet {
	p.From, p.To, p.Src, p.Dst, p.Hops = Own, Client, f.vip(), f.client(), hops(p.Hops)
	return p
}

// begun are the steps of a flow that is established: one at the first backend.
func (f Family) begun(w way, proto uint8, plans []*balance.Plan) []Step {
	var steps []Step
	first, second := f.asked(proto), f.heard(proto)
	steps = append(steps, Step{Plans: plans, In: first, Verdict: model.Send, Out: f.toBackend(w, first, 0)})
	if w.twoWay() {
		answer := f.answered(w, proto)
		step := Step{In: answer, Verdict: model.Send, Out: f.toClient(answer)}
		if proto == packets.UDP && counts(plans[0]) {
			step.Flows = 1
		}
		steps = append(steps, step)
	}
	return append(steps, Step{In: second, Verdict: model.Send, Out: f.toBackend(w, second, 0), Flows: 1})
}

// counts says whether a flow of UDP counts from its first answer on, since a
// choice or a limit goes by how many there are.
func counts(p *balance.Plan) bool {
	return p.Select == balance.Least || p.Select == balance.LeastOfTwo || p.Service.MaxFlows != 0 || p.Targets[0].MaxFlows != 0
}
