package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
)

// overview is `holdfast status`: one line about the node, one for each group,
// the warnings.
func (t Terminal) overview(w io.Writer, s *api.Status) error {
	if _, err := fmt.Fprintln(w, t.headline(s)); err != nil {
		return written(err)
	}
	if s.Witness == nil {
		if _, err := fmt.Fprintln(w, t.defence(s)); err != nil {
			return written(err)
		}
	}
	if err := t.votes(w, s); err != nil {
		return err
	}
	for i := range s.Stores {
		if _, err := fmt.Fprintln(w, t.store(s, &s.Stores[i])); err != nil {
			return written(err)
		}
	}
	if len(s.Groups) > 0 {
		tb := newTable(t, "GROUP", "VIPS", "HOLDER", "STATE", "HOLD", "GUARD", "SINCE", "PRIO", "PEERS", "CHECKS", "LAST CHANGE")
		for i := range s.Groups {
			g := &s.Groups[i]
			tb.add(cell{g.Name, strong}, cell{addresses(g.Addresses), plain}, holderCell(g), stateCell(g),
				holdCell(g), guardCell(g), cell{since(s.Now, g.Since), plain}, prioCell(g), peersCell(s.Now, g), checksCell(g), cell{orDash(g.Reason), plain})
		}
		if err := tb.write(w); err != nil {
			return err
		}
	}
	if err := t.services(w, s); err != nil {
		return err
	}
	return t.warnings(w, s)
}

// services is one line for each; `holdfast backends` has the rest.
func (t Terminal) services(w io.Writer, s *api.Status) error {
	if len(s.Services) == 0 {
		return nil
	}
	if _, err := fmt.Fprintln(w); err != nil {
		return written(err)
	}
	tb := newTable(t, "SERVICE", "LISTEN", "FORWARD", "UP", "FLOWS", "SERVED BY")
	for i := range s.Services {
		x := &s.Services[i]
		up, served := cell{fmt.Sprintf("%d/%d", x.Count("up"), len(x.Backends)), plain}, cell{x.Served, plain}
		if x.Served != ownBackends {
			served.tone = notice
		}
		if !x.Serves() {
			up.tone, served.tone = bad, bad
		}
		tb.add(cell{x.Name, strong}, cell{listens(x.Listen), plain}, cell{x.Forward, plain}, up, cell{fmt.Sprint(x.Flows), plain}, served)
	}
	return tb.write(w)
}

// listens is where a service listens, short.
func listens(at []string) string {
	if len(at) > 1 {
		return fmt.Sprintf("%s +%d", at[0], len(at)-1)
	}
	return strings.Join(at, "")
}

// headline is the line about the node.
func (t Terminal) headline(s *api.Status) string {
	held := 0
	for _, g := range s.Groups {
		if g.State == "active" {
			held++
		}
	}
	work := fmt.Sprintf("%s, %d held here", many(len(s.Groups), "group"), held)
	if s.Witness != nil {
		work = "witness on " + oneLine(s.Witness.Listen)
		if s.Witness.Abstains > 0 {
			work += ", abstains for " + short(time.Duration(s.Witness.Abstains).Round(time.Second))
		}
	}
	parts := []string{
		t.paint(strong, oneLine(s.Node)),
		"up " + since(s.Now, s.Started),
		work,
		"config " + oneLine(orDash(s.Config.Hash)),
	}
	if s.Maintenance {
		parts = append(parts, t.paint(notice, "maintenance"))
	}
	if s.Stopping {
		parts = append(parts, t.paint(notice, "stopping"))
	}
	return strings.Join(parts, "  ")
}

func (t Terminal) warnings(w io.Writer, s *api.Status) error {
	for _, x := range s.Warnings {
		about := ""
		if x.Group != "" {
			about = x.Group + ": "
		}
		line := t.paint(notice, "warning "+oneLine(x.Code)) + " " + oneLine(about+x.Text)
		if !x.Since.IsZero() && s.Now.Sub(x.Since) >= time.Minute {
			line += t.paint(faint, " (since "+since(s.Now, x.Since)+")")
		}
		if _, err := fmt.Fprintln(w, line); err != nil {
			return written(err)
		}
	}
	return nil
}

// holderCell names who holds the group; all of them if there are several.
func holderCell(g *api.Group) cell {
	mine := ""
	if g.HolderIsMe {
		mine = " *"
	}
	if all := g.Holders(); len(all) > 1 {
		return cell{all[0] + mine + " and " + strings.Join(all[1:], ", "), bad}
	}
	if g.Holder == "" {
		return cell{"nobody", bad}
	}
	if g.HolderIsMe {
		return cell{g.Holder + mine, good}
	}
	return cell{g.Holder, plain}
}

func stateCell(g *api.Group) cell {
	c := cell{g.State, plain}
	switch g.State {
	case "active":
		c.tone = good
	case "fault":
		c.tone = bad
	case "init":
		c.tone = notice
	}
	if g.Leaving {
		c.text += " (leaving)"
	}
	if g.Conflict != nil {
		return cell{"conflict", bad}
	}
	return c
}

func prioCell(g *api.Group) cell {
	if g.Priority == g.BasePriority {
		return cell{fmt.Sprint(g.Priority), plain}
	}
	return cell{fmt.Sprintf("%d (%d)", g.Priority, g.BasePriority), notice}
}

// peersCell counts nodes, not addresses: a node that is seen in both families
// is one.
func peersCell(now time.Time, g *api.Group) cell {
	var all, heard []string
	for i := range g.Peers {
		p := &g.Peers[i]
		name := p.Name()
		if p.Node == "" {
			name = p.Family + " " + name
		}
		if !slices.Contains(all, name) {
			all = append(all, name)
		}
		if fresh(now, g, p) && !slices.Contains(heard, name) {
			heard = append(heard, name)
		}
	}
	if len(all) == 0 {
		return cell{"-", plain}
	}
	c := cell{fmt.Sprintf("%d/%d", len(heard), len(all)), plain}
	if len(heard) < len(all) {
		c.tone = notice
	}
	return c
}

// hellos is how long a holdfast node, which says hello once a second, may be
// silent before it does not count as heard.
const hellos = 5 * time.Second

// fresh says whether a peer was heard lately. A node of another make is
// silent as a backup, as the protocol wants it: it counts as long as it is
// the active one.
func fresh(now time.Time, g *api.Group, p *api.Peer) bool {
	allowed := hellos
	for _, r := range g.Routers {
		if r.Family == p.Family {
			allowed = max(allowed, time.Duration(r.DownInterval))
		}
	}
	return now.Sub(p.LastSeen) <= allowed
}

func checksCell(g *api.Group) cell {
	if len(g.Checks) == 0 {
		return cell{"-", plain}
	}
	up := 0
	for _, c := range g.Checks {
		if c.Up {
			up++
		}
	}
	c := cell{fmt.Sprintf("%d/%d", up, len(g.Checks)), plain}
	if up < len(g.Checks) {
		c.tone = bad
	}
	return c
}
