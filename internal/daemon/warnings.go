package daemon

import (
	"fmt"
	"slices"
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/peer"
)

// guardianTime is how long a guardian may take to start.
const guardianTime = 5 * time.Second

// warnings lists what is not as it should be, worst first: what follows from
// the status itself, then what was noticed lately.
func (d *Daemon) warnings(st *api.Status) []api.Warning {
	out := []api.Warning{}
	add := func(code, group string, since time.Time, format string, args ...any) {
		out = append(out, api.Warning{Code: code, Group: group, Since: since, Text: fmt.Sprintf(format, args...)})
	}
	for _, g := range st.Groups {
		active := activePeers(g)
		if c := g.Conflict; c != nil {
			add("HF2030", g.Name, c.Since, "conflict: %s is used by %s, too%s", c.Address, c.Other, beside(c))
		}
		for _, p := range g.Peers {
			if p.Deaf && p.State != "gone" {
				add("HF2024", g.Name, p.LastSeen, "%s does not hear this node, which hears it: the LAN between the two is broken one way (%s)", p.Node, p.Family)
			}
		}
		for _, l := range g.Lacks {
			add("HF2032", g.Name, st.Now, "waits for %s, before %s, for another %s at the most: %s", l.What, l.For, max(l.Until.Sub(st.Now), 0).Round(time.Second), l.Why)
		}
		switch {
		case g.State == "active" && len(active) > 0:
			add("HF2100", g.Name, g.Since, "more than one holder: this node and %s", active[0])
		case len(active) > 1:
			add("HF2100", g.Name, g.Since, "more than one holder: %s and %s", active[0], active[1])
		case g.State == "fault":
			add("HF2101", g.Name, g.Since, "not fit to hold: %s", g.Reason)
		case g.Holder == "" && g.State != "active":
			add("HF2102", g.Name, g.Since, "no holder is heard")
		}
		if !g.Preempt && g.BasePriority != 0 && d.suspends(g.Name) {
			add("HF2103", g.Name, g.Since, "preemption is suspended since a handover: it comes back with the next move")
		}
	}
	if st.Fencing != nil {
		for _, n := range st.Fencing.Nodes {
			if n.Pending {
				add("HF2203", "", n.Last.Began, "%s could not be fenced: %s; see to it by hand, and say so with holdfast fence confirm %s", n.Node, n.Failure, n.Node)
			}
		}
	}
	if l := d.current.Load(); l.last != "ok" {
		add("HF2104", "", l.at, "the last reload changed nothing: %s", l.last)
	}
	if err := d.journal.Err(); err != nil {
		add("HF2105", "", st.Now, "the journal is not written: %v", err)
	}
	if st.Maintenance {
		add("HF2106", "", st.Now, "maintenance is on: this node claims nothing")
	}
	for _, name := range aliveElsewhere(st) {
		add("HF2125", "", st.Now, "%s is alive, for it votes, and is not heard on the LAN: the network between the two is broken", name)
	}
	if !st.Realtime.On {
		add("HF2107", "", d.started, "adverts are not paced in the realtime class: %s", st.Realtime.Detail)
	}
	if st.Gate.Line != "" && weaker(st.Gate.Line) {
		why := ""
		if st.Gate.Why != "" {
			why = "; because " + st.Gate.Why
		}
		add("HF2122", "", d.started, "holds are enforced by %s alone, up to %s late: %s%s",
			st.Gate.Line, time.Duration(st.Gate.Guarantee), st.Gate.Text, why)
	}
	if !st.Guardian.On && d.guarded.mode != config.GuardianOff && st.Now.Sub(d.started) > guardianTime {
		add("HF2111", "", d.started, "nobody sees to what is held here if the daemon dies: %s", st.Guardian.Detail)
	}
	if d.steps != nil {
		out = append(out, d.steps.forgottenWarnings()...)
	}
	out = append(out, checkWarnings(st)...)
	out = append(out, d.memberWarning(st.Now)...)
	out = append(out, untold(st)...)
	out = append(out, clashing(st)...)
	for _, t := range d.pools.Latest().Troubles {
		add(t.Code, "", t.Since, "%s", t.Text)
	}
	for _, n := range d.notices.current(st.Now) {
		if n.Code != "HF2024" { // that is said above for as long as it lasts
			out = append(out, n)
		}
	}
	return out
}

// aliveElsewhere names nodes of the cluster that answer as voters, by any
// route, and that no group hears, although it did.
func aliveElsewhere(st *api.Status) []string {
	var out []string
	for _, v := range st.Voters {
		if v.Self || v.Witness || st.Now.Sub(v.LastSeen) > peer.Expiry {
			continue
		}
		heard, known := false, false
		for _, g := range st.Groups {
			for _, p := range g.Peers {
				known = known || p.Node == v.Name
				heard = heard || p.Node == v.Name && p.State != "gone"
			}
		}
		if known && !heard {
			out = append(out, v.Name)
		}
	}
	return out
}

func beside(c *api.Dispute) string {
	if c.Own == "" {
		return ""
	}
	return ", here it is " + c.Own
}

func activePeers(g api.Group) []string {
	var out []string
	for _, p := range g.Peers {
		name := p.Node
		if name == "" {
			name = p.Address
		}
		if p.State == "active" && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// suspends reports whether the file wants preemption for a group.
func (d *Daemon) suspends(name string) bool {
	for _, g := range d.current.Load().cfg.Groups {
		if g.Name == name {
			return g.VRRP.Preempt
		}
	}
	return false
}
