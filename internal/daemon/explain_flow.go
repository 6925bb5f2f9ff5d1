package daemon

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/balance"
	"github.com/holdfast-net/holdfast/internal/balance/pools"
)

// unexplained is a question that cannot be answered as it was asked.
type unexplained struct{ what, hint string }

func (e *unexplained) Error() string { return e.what }
func (e *unexplained) Hint() string  { return e.hint }

// ExplainFlow says which backend a flow has or gets.
func (d *Daemon) ExplainFlow(ctx context.Context, from, to string) (api.FlowExplanation, error) {
	e := api.FlowExplanation{Schema: api.SchemaFlowExplanation, Node: d.current.Load().cfg.Node, Now: time.Now(), From: from, Facts: []api.Fact{}}
	client, err := netip.ParseAddrPort(from)
	if err != nil {
		return e, &unexplained{fmt.Sprintf("%q is no address with a port", from), "a client is written so: 198.51.100.7:40000, [2001:db8::7]:40000"}
	}
	ctx, cancel := context.WithTimeout(ctx, snapshotBound)
	defer cancel()
	f, err := d.pools.Explain(ctx, client, to)
	if refused, ok := errors.AsType[*pools.Refused](err); ok {
		return e, &unexplained{refused.Reason, "services are listed by: holdfast backends"}
	}
	if err != nil {
		return e, err
	}
	if client.Addr().Unmap().Is4() != f.At.Addr().Is4() {
		return e, &unexplained{fmt.Sprintf("%s and %s are of different families", client.Addr(), f.At.Addr()), ""}
	}
	e.Service, e.Forward, e.To = f.Service.Name, f.Service.Forward.String(), f.At.String()
	e.Outcome, e.Summary = f.Outcome.String(), f.Summary
	if f.Explanation.Backend.IsValid() {
		e.Backend = f.Explanation.Backend.String()
	}
	if f.Client.IsValid() {
		e.Flow = describeFlow(f.Sight)
	}
	e.Facts = append(e.Facts, holds(d.Status(), f.At.Addr()))
	for _, p := range f.Points {
		fact := api.Fact{Subject: p.Subject, Verdict: api.VerdictOK, Text: p.Text}
		if p.Bars {
			fact.Verdict = api.VerdictBars
		}
		e.Facts = append(e.Facts, fact)
	}
	return e, nil
}

func describeFlow(s balance.Sight) *api.FlowState {
	f := &api.FlowState{Established: s.Established, Idle: api.Duration(s.Idle), Lasts: api.Duration(s.Lasts)}
	if s.Flow.Backend.IsValid() {
		f.Backend = s.Flow.Backend.String()
	}
	if s.Source.IsValid() {
		f.Source = s.Source.String()
	}
	return f
}

// holds says whether packets for an address come here at all.
func holds(s *api.Status, addr netip.Addr) api.Fact {
	fact := api.Fact{Subject: "address", Verdict: api.VerdictOK, Text: fmt.Sprintf("this node holds %s", addr)}
	for i := range s.Groups {
		g := &s.Groups[i]
		for _, a := range g.Addresses {
			name, _, _ := strings.Cut(a, "/")
			if has, err := netip.ParseAddr(name); err != nil || has != addr || g.State == "active" {
				continue
			}
			fact.Verdict, fact.Text = api.VerdictBars, fmt.Sprintf("this node does not hold %s, so such packets do not come here: what follows is what would become of them", addr)
			if g.Holder != "" {
				fact.Text = fmt.Sprintf("%s holds %s, not this node: ask there; what follows is what would become of it here", g.Holder, addr)
			}
		}
	}
	return fact
}
