package cli

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
)

// groupDetails is `holdfast status GROUP`: everything about one group.
func (t Terminal) groupDetails(w io.Writer, s *api.Status) error {
	g := &s.Groups[0]
	if err := t.summary(w, s, g); err != nil {
		return err
	}
	for _, tb := range []*table{t.routers(g), t.peers(s.Now, g), t.checks(s.Now, g), t.counters(g)} {
		if len(tb.rows) < 2 {
			continue
		}
		if _, err := fmt.Fprintln(w); err != nil {
			return written(err)
		}
		if err := tb.write(w); err != nil {
			return err
		}
	}
	if len(s.Warnings) > 0 {
		if _, err := fmt.Fprintln(w); err != nil {
			return written(err)
		}
	}
	return t.warnings(w, s)
}

// summary is a list of what can be said of the group in a line each.
func (t Terminal) summary(w io.Writer, s *api.Status, g *api.Group) error {
	state := stateCell(g)
	holder := holderCell(g)
	preempt := "preempts"
	if !g.Preempt {
		preempt = "does not preempt"
	}
	priority := fmt.Sprintf("%d, %s", g.Priority, preempt)
	if g.Priority != g.BasePriority {
		priority = fmt.Sprintf("%d (configured %d), %s", g.Priority, g.BasePriority, preempt)
	}
	rows := [][2]string{
		{"group", t.paint(strong, oneLine(g.Name)) + " on " + oneLine(s.Node)},
		{"state", t.paint(state.tone, oneLine(state.text)) + " since " + local(g.Since, second) + " (" + since(s.Now, g.Since) + ")"},
		{"because", oneLine(orDash(g.Reason))},
		{"holder", t.paint(holder.tone, oneLine(holder.text))},
		{"addresses", oneLine(orDash(strings.Join(g.Addresses, ", ")) + " on " + orDash(g.Interface))},
		{"priority", priority},
		{"guard", oneLine(guardMeaning(&g.Guard))},
	}
	if g.Lease != nil {
		rows = append(rows, [2]string{"lease", oneLine(leaseMeaning(g.Lease))})
	}
	if g.Steps != nil {
		rows = append(rows, [2]string{"steps", oneLine(stepsMeaning(g.Steps))})
	}
	if g.Clients != nil {
		rows = append(rows, [2]string{"clients", oneLine(clientsMeaning(s, g.Clients))})
	}
	for _, l := range g.Lacks {
		rows = append(rows, [2]string{"waits for", oneLine(fmt.Sprintf("%s, before %s, until %s at the latest: %s", l.What, l.For, local(l.Until, second), l.Why))})
	}
	rows = append(rows, t.disputes(s, g)...)
	if len(g.With) > 0 {
		rows = append(rows, [2]string{"moves with", oneLine(strings.Join(g.With, ", "))})
	}
	rows = append(rows, [2]string{"transitions", strconv.FormatUint(g.Transitions, 10)})
	for _, r := range rows {
		if _, err := fmt.Fprintf(w, "%s  %s\n", t.paint(faint, fmt.Sprintf("%-11s", r[0])), r[1]); err != nil {
			return written(err)
		}
	}
	return nil
}

// local is an instant in local time.
func local(at time.Time, layout string) string {
	if at.IsZero() {
		return "-"
	}
	return at.Local().Format(layout)
}

func (t Terminal) routers(g *api.Group) *table {
	tb := newTable(t, "ROUTER", "STATE", "HOLD", "VRID", "VERSION", "SOURCE", "EVERY", "TAKEOVER AFTER", "ACTIVE", "MAC")
	for i := range g.Routers {
		r := &g.Routers[i]
		every := short(time.Duration(r.Interval))
		if r.ActiveInterval != r.Interval && r.ActiveInterval != 0 {
			every = fmt.Sprintf("%s (learnt %s)", every, short(time.Duration(r.ActiveInterval)))
		}
		active := orDash(r.Active)
		if r.State == "active" {
			active = "this node"
		}
		mac := orDash(r.MAC) + ", physical"
		if r.VirtualMAC {
			mac = r.MAC + ", virtual"
		} else if r.MACReason != "" {
			mac += ": " + r.MACReason
		}
		tb.add(cell{r.Family, strong}, stateCell(&api.Group{State: r.State}), cell{holdText(r.Hold), plain}, cell{fmt.Sprint(r.VRID), plain}, cell{fmt.Sprint(r.Version), plain},
			cell{orDash(r.Source), plain}, cell{every, plain}, cell{short(time.Duration(r.DownInterval)), plain}, cell{active, plain}, cell{mac, plain})
	}
	return tb
}

func (t Terminal) peers(now time.Time, g *api.Group) *table {
	tb := newTable(t, "PEER", "ADDRESS", "STATE", "PRIO", "LAST HEARD")
	for i := range g.Peers {
		p := &g.Peers[i]
		name := p.Node
		if !p.Holdfast {
			name = orDash(name) + " (not holdfast)"
		}
		heard := cell{since(now, p.LastSeen) + " ago", plain}
		if p.LastSeen.IsZero() {
			heard.text = "never"
		}
		if !fresh(now, g, p) {
			heard.tone = notice
		}
		if p.Deaf {
			heard = cell{heard.text + ", does not hear this node", bad}
		}
		tb.add(cell{name, strong}, cell{p.Address, plain}, stateCell(&api.Group{State: p.State}), cell{fmt.Sprint(p.Priority), plain}, heard)
	}
	return tb
}

func (t Terminal) checks(now time.Time, g *api.Group) *table {
	tb := newTable(t, "CHECK", "KIND", "RESULT", "SINCE", "WHEN IT FAILS", "SEEN LAST")
	for _, c := range g.Checks {
		result, effect := cell{"passes", good}, "veto"
		switch {
		case c.State == "pending":
			result = cell{"not known yet", notice}
		case !c.Up:
			result = cell{"fails", bad}
		}
		if c.Weight != 0 {
			effect = fmt.Sprintf("priority -%d", c.Weight)
		}
		tb.add(cell{c.Name, strong}, cell{orDash(c.Kind), plain}, result, cell{since(now, c.Since), plain}, cell{effect, plain}, cell{orDash(c.Detail), plain})
	}
	return tb
}

// counters shows what was counted, with a column for each router. Of what was
// discarded only those causes are there that occurred.
func (t Terminal) counters(g *api.Group) *table {
	heading := []string{"COUNTER"}
	names := map[string]bool{}
	for _, r := range g.Routers {
		heading = append(heading, strings.ToUpper(r.Family))
		for name := range r.Counters {
			names[name] = true
		}
		for name := range r.GateDrops {
			names[gatePrefix+name] = true
		}
	}
	tb := newTable(t, heading...)
	for _, name := range slices.SortedFunc(maps.Keys(names), compareCounters) {
		row := []cell{{strings.ReplaceAll(name, "_", " "), plain}}
		for _, r := range g.Routers {
			n := r.Counters[name]
			if drop, ok := strings.CutPrefix(name, gatePrefix); ok {
				n = r.GateDrops[drop]
			}
			row = append(row, cell{strconv.FormatUint(n, 10), plain})
		}
		tb.add(row...)
	}
	return tb
}

// gatePrefix marks what the gate dropped among the other counters.
const gatePrefix = "gate_dropped_"

// compareCounters puts the two that matter first, and those about discarded
// adverts, and about what the gate dropped, last.
func compareCounters(a, b string) int {
	rank := func(s string) int {
		switch {
		case s == "sent":
			return 0
		case s == "received":
			return 1
		case strings.HasPrefix(s, "dropped_"):
			return 3
		case strings.HasPrefix(s, gatePrefix):
			return 4
		}
		return 2
	}
	if d := rank(a) - rank(b); d != 0 {
		return d
	}
	return strings.Compare(a, b)
}
