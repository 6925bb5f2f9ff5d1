package daemon

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/balance"
	"github.com/holdfast-net/holdfast/internal/balance/pools"
)

// Trace tells of packets that the kernel forwards for services.
func (d *Daemon) Trace(ctx context.Context, q api.TraceQuery, see func(*api.TracedPacket) bool) error {
	look, err := lookOf(q)
	if err != nil {
		return err
	}
	err = d.pools.Trace(ctx, look, func(s *balance.Sighting) bool { return see(describeSighting(s)) })
	if refused, ok := errors.AsType[*pools.Refused](err); ok {
		return &unexplained{refused.Reason, "services are listed by: holdfast backends"}
	}
	if ctx.Err() != nil {
		return nil // whoever looked is gone
	}
	return err
}

func lookOf(q api.TraceQuery) (l balance.Look, err error) {
	l.Service, l.Snap = q.Service, q.Snap
	if l.Snap == 0 {
		l.Snap = balance.MaxSnap
	}
	if q.Backend != "" {
		if q.Service == "" {
			return l, &unexplained{"a backend is one of a service: which?", "name the service, too"}
		}
		if l.Backend, err = netip.ParseAddrPort(q.Backend); err != nil {
			return l, &unexplained{fmt.Sprintf("%q is no address with a port", q.Backend), "backends are listed by: holdfast backends"}
		}
	}
	if q.Client == "" {
		return l, nil
	}
	if l.Client, err = netip.ParsePrefix(q.Client); err == nil {
		return l, nil
	}
	addr, err := netip.ParseAddr(q.Client)
	if err != nil {
		return l, &unexplained{fmt.Sprintf("%q is neither an address nor a network", q.Client), "clients are written so: 198.51.100.7, 198.51.100.0/24"}
	}
	l.Client = netip.PrefixFrom(addr, addr.BitLen())
	return l, nil
}

func describeSighting(s *balance.Sighting) *api.TracedPacket {
	p := &api.TracedPacket{
		Schema: api.SchemaTracedPacket, Time: s.Time, Interface: s.Interface, Service: s.Service, Client: s.Client.String(), From: "client",
		Fate: [...]string{api.FateDropped, api.FatePassed, api.FateSent}[s.Fate], Reason: s.Reason, Missed: s.Missed,
		Came: api.Frame{Length: s.Came, Bytes: s.CameAs}, Left: api.Frame{Bytes: []byte{}},
	}
	if s.Answer {
		p.From = "backend"
	}
	if s.Backend.IsValid() {
		p.Backend = s.Backend.String()
	}
	if s.Fate != balance.Lost {
		p.Left = api.Frame{Length: s.Left, Bytes: s.LeftAs}
	}
	return p
}
