package daemon

import (
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/internal/hold"
	"github.com/holdfast-net/holdfast/internal/linux/gate"
)

// describeGate says which line of defence there is.
func describeGate(l gate.Line) api.Gate {
	return api.Gate{Line: string(l.ID), Text: l.Text, Guarantee: api.Duration(l.Guarantee), Why: l.Why}
}

// weaker reports whether a line of defence guarantees less than the first.
// Both hooks for eBPF programs guarantee the same.
func weaker(line string) bool {
	return line != string(gate.TCX) && line != string(gate.Clsact)
}

// describeHold says what passes the gate for a router, and for how long.
func describeHold(now engine.Instant, r *engine.RouterView) api.Hold {
	d := r.Doors
	for _, h := range []struct {
		state string
		until hold.Instant
	}{{api.HoldOpen, d.Announced}, {api.HoldClaiming, d.Advertised}, {api.HoldServing, d.Served}} {
		if left := h.until.Sub(now); r.Prepared && left > 0 {
			return api.Hold{State: h.state, Left: milliseconds(left)}
		}
	}
	return api.Hold{State: api.HoldClosed}
}

// milliseconds is a time for people: nobody asks for less of it.
func milliseconds(d time.Duration) api.Duration { return api.Duration(d.Round(time.Millisecond)) }

// describeGuard says what a group needs besides winning its election.
func describeGuard(u *engine.UnitView, g config.Guard) api.Guard {
	out := api.Guard{Kind: api.GuardAvailable, Promised: milliseconds(max(0, u.Mandate.Sub(u.At)))}
	switch g.Kind {
	case config.GuardGateway:
		out.Kind, out.Gateway = api.GuardGateway, g.Gateway.String()
	case config.GuardMajority:
		out.Kind, out.Votes, out.Of = api.GuardMajority, u.Promise.Votes, u.Promise.Of
	case config.GuardStrict:
		out.Kind = api.GuardStrict
	case config.GuardAvailable:
		out.Promised = 0
	}
	return out
}

// describeLease is nil where VRRP elects.
func describeLease(u *engine.UnitView, l *config.Lease) *api.Lease {
	if l == nil {
		return nil
	}
	out := &api.Lease{TTL: api.Duration(l.TTL)}
	v := u.Lease
	if v == nil {
		out.Trouble, out.Apart = true, u.Apart
		return out
	}
	out.Known, out.Trouble, out.Holder, out.Over, out.Epoch = v.Known, v.Trouble, v.Holder, v.Over, v.Epoch
	out.Left, out.Chosen, out.Next, out.Asks = milliseconds(max(0, v.Until.Sub(u.At))), v.Chosen, v.Next, v.Ask.Node
	out.Failures = v.Failed
	if v.Barred != 0 {
		out.Barred = milliseconds(max(0, v.Barred.Sub(u.At)))
	}
	return out
}

// describeDispute is nil where there is no conflict.
func describeDispute(u *engine.UnitView) *api.Dispute {
	c := &u.Conflict
	if c.Other == "" {
		return nil
	}
	return &api.Dispute{Since: c.Since, Address: c.Address.String(), Other: c.Other, Own: c.Own}
}

// gateDrops names what the gate counted; what never happened is left out.
func gateDrops(c gate.Counters) map[string]uint64 {
	m := map[string]uint64{}
	for name, n := range map[string]uint64{
		"arp_in": c.ARPIn, "nd_in": c.NDIn, "packet_in": c.PacketIn,
		"arp_out": c.ARPOut, "nd_out": c.NDOut, "packet_out": c.PacketOut, "advert_out": c.AdvertOut,
	} {
		if n > 0 {
			m[name] = n
		}
	}
	return m
}
