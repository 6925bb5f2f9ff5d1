package balance

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Outcome is what a flow's next packet meets.
type Outcome uint8

const (
	Has     Outcome = iota // the flow has a backend, and goes there
	Gets                   // it is a new flow, and gets that backend
	Could                  // so it is as things stand; it depends on chance
	Nowhere                // it is dropped or refused
)

func (o Outcome) String() string { return [...]string{"has", "gets", "could", "nowhere"}[o] }

// Point is one thing that was looked at on the way to an [Explanation].
type Point struct {
	Subject string
	Bars    bool // the flow, or a backend that it would have had
	Text    string
}

// Explanation is which backend a flow has or gets, and why.
type Explanation struct {
	Outcome Outcome
	Backend netip.AddrPort // invalid: Nowhere
	Summary string
	Points  []Point // in the order in which planes look
}

// Explain says which backend a client's flow to an address has, or gets, as a
// plane with that plan and sight of the flow would.
func (p *Plan) Explain(client netip.AddrPort, at Endpoint, s Sight) Explanation {
	e := &explaining{plan: p, client: client, at: at, sight: s}
	if !e.exists() && !e.refused() && !e.bound() {
		e.choose()
	}
	return e.out
}

type explaining struct {
	plan   *Plan
	client netip.AddrPort
	at     Endpoint
	sight  Sight
	out    Explanation
}

func (e *explaining) note(subject string, format string, a ...any) {
	e.out.Points = append(e.out.Points, Point{Subject: subject, Text: fmt.Sprintf(format, a...)})
}

func (e *explaining) bar(subject string, format string, a ...any) {
	e.out.Points = append(e.out.Points, Point{Subject: subject, Bars: true, Text: fmt.Sprintf(format, a...)})
}

func (e *explaining) end(o Outcome, backend netip.AddrPort, format string, a ...any) bool {
	e.out.Outcome, e.out.Backend, e.out.Summary = o, backend, fmt.Sprintf(format, a...)
	return true
}

// target finds a backend in the plan.
func (e *explaining) target(addr netip.AddrPort) (*Target, bool) {
	i := slices.IndexFunc(e.plan.Targets, func(t Target) bool { return t.Addr == addr })
	if i < 0 {
		return nil, false
	}
	return &e.plan.Targets[i], true
}

// exists looks for a flow that has a backend already: nothing else counts then.
func (e *explaining) exists() bool {
	f := e.sight
	if !f.Client.IsValid() {
		e.note("flow", "there is none: its first packet begins one")
		return false
	}
	kind := "a half-open flow"
	if f.Established {
		kind = "an established flow"
	}
	text := fmt.Sprintf("%s to %s, silent for %s", kind, f.Backend, f.Idle.Round(time.Millisecond))
	if f.Source.IsValid() && f.Source != e.client {
		text += fmt.Sprintf(", which sees it come from %s", f.Source)
	}
	if f.Lasts > 0 {
		text += fmt.Sprintf("; without a packet it is forgotten after %s", f.Lasts)
	}
	e.note("flow", "%s", text)
	t, ok := e.target(f.Backend)
	if f.Gone || !ok {
		e.bar("backend", "%s is no backend of the service any more: the next packet is as of a new flow", f.Backend)
		return false
	}
	if t.State == Up || t.State == Drain {
		e.note("backend", "%s is in state %s: it keeps its flows", t.Addr, t.State)
		return e.end(Has, t.Addr, "it has %s", t.Addr)
	}
	setting, policy := "on_down", e.plan.Service.OnDown
	if t.State == Removed {
		setting, policy = "on_removed", e.plan.Service.OnRemoved
	}
	switch {
	case policy == Keep:
		e.note("backend", "%s is %s, and %s says that it keeps its flows", t.Addr, t.State, setting)
		return e.end(Has, t.Addr, "it has %s, which is %s", t.Addr, t.State)
	case policy == Reset && e.at.Proto == TCP:
		e.bar("backend", "%s is %s, and %s says that its flows end", t.Addr, t.State, setting)
		return e.end(Nowhere, netip.AddrPort{}, "its backend %s is %s: the flow ends, and the client has to connect again", t.Addr, t.State)
	}
	e.bar("backend", "%s is %s, and %s says that others get its flows: the next packet is as of a new flow", t.Addr, t.State, setting)
	return false
}

// refused says whether the service takes no new flow, of this client or at all.
func (e *explaining) refused() bool {
	of := e.plan.Service
	if len(of.Allow) > 0 {
		from := e.client.Addr().Unmap()
		i := slices.IndexFunc(of.Allow, func(p netip.Prefix) bool { return p.Contains(from) })
		if i < 0 {
			e.bar("allow", "%s is in none of the networks that may connect", from)
			return e.end(Nowhere, netip.AddrPort{}, "%s may not connect", from)
		}
		e.note("allow", "%s is in %s, which may connect", from, of.Allow[i])
	}
	if of.MaxFlows > 0 {
		now := e.sight.Flows[0]
		if now >= of.MaxFlows {
			e.bar("max_flows", "the service has %d flows, and may have %d", now, of.MaxFlows)
			return e.end(Nowhere, netip.AddrPort{}, "the service is full")
		}
		e.note("max_flows", "the service has %d flows of %d", now, of.MaxFlows)
	}
	if of.NewPerSecond > 0 {
		e.note("new_per_second", "%d new flows a second are taken; those above are refused", of.NewPerSecond)
	}
	return false
}

// bound says whether affinity decides.
func (e *explaining) bound() bool {
	bond := e.sight.Bond
	switch {
	case e.plan.Service.Affinity == 0:
		return false
	case !bond.IsValid():
		e.note("affinity", "the client had no flow within %s", e.plan.Service.Affinity)
		return false
	}
	t, ok := e.target(bond)
	switch {
	case !ok:
		e.bar("affinity", "the client had %s, which is no backend of the service any more", bond)
	case t.State != Up:
		e.bar("affinity", "the client had %s, which is in state %s", bond, t.State)
	case t.MaxFlows > 0 && e.sight.Flows[t.ID] >= uint64(t.MaxFlows):
		e.bar("affinity", "the client had %s, which is full", bond)
	default:
		e.note("affinity", "the client had %s, and is sent there for another %s", bond, e.sight.Bound.Round(time.Second))
		return e.end(Gets, bond, "it gets %s, by affinity", bond)
	}
	return false
}

// choose is the scheduler's word.
func (e *explaining) choose() {
	q := Question{
		Source: e.client, Listen: e.at, Turn: e.sight.Turn, Random: e.sight.Random, Except: NoPlace,
		Flows: func(place int) uint64 { return e.sight.Flows[e.plan.Targets[place].ID] },
	}
	a := e.plan.Pick(q)
	scheduler := e.plan.Service.Scheduler.String()
	e.others()
	if a.Place == NoPlace {
		e.bar(scheduler, "%s", e.plan.Words(q, a))
		e.end(Nowhere, netip.AddrPort{}, "nobody takes it: %s", e.plan.Words(q, a))
		return
	}
	t := e.plan.Targets[a.Place]
	switch {
	case e.depends() && e.sight.Chance:
		e.note(scheduler, "one of %s: which one is not known before", e.candidates())
		e.end(Could, t.Addr, "it gets one of %s", e.candidates())
	case e.depends():
		e.note(scheduler, "%s; flows that begin or end before it change that", e.plan.Words(q, a))
		e.end(Could, t.Addr, "it gets %s if it is the next one", t.Addr)
	default:
		e.note(scheduler, "%s", e.plan.Words(q, a))
		e.end(Gets, t.Addr, "it gets %s", t.Addr)
	}
}

// depends says whether what others do changes who is chosen.
func (e *explaining) depends() bool {
	return e.plan.Select != ByFlow && e.plan.Select != BySource
}

// others tells of backends that are not asked.
func (e *explaining) others() {
	for _, t := range e.plan.Targets {
		switch {
		case t.State != Up:
			e.bar("backend", "%s is in state %s: it gets no new flows", t.Addr, t.State)
		case t.MaxFlows > 0 && e.sight.Flows[t.ID] >= uint64(t.MaxFlows):
			e.bar("backend", "%s is full: it has %d flows of %d", t.Addr, e.sight.Flows[t.ID], t.MaxFlows)
		}
	}
}

// candidates are those that the table names and that are not full.
func (e *explaining) candidates() string {
	var out []string
	for i, t := range e.plan.Targets {
		full := t.MaxFlows > 0 && e.sight.Flows[t.ID] >= uint64(t.MaxFlows)
		if !full && slices.Contains(e.plan.Table, uint16(i)) {
			out = append(out, t.Addr.String())
		}
	}
	return strings.Join(out, ", ")
}
