package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
)

// defence is the line about what keeps a hold's end, and what keeps the loop
// on time: never silently weaker.
func (t Terminal) defence(s *api.Status) string {
	gate := t.paint(bad, "gate: none")
	if l := s.Gate; l.Line != "" {
		gate = fmt.Sprintf("gate: %s, closes within %s", oneLine(l.Line), short(time.Duration(l.Guarantee)))
		if l.Why != "" {
			gate = t.paint(notice, gate)
		}
	}
	parts := []string{gate, t.switched("realtime", s.Realtime.On), t.switched("guardian", s.Guardian.On)}
	return strings.Join(parts, "; ")
}

func (t Terminal) switched(what string, on bool) string {
	if on {
		return what + " on"
	}
	return t.paint(notice, what+" off")
}

// holdCell is the hold of a group: of its routers the one that ends first.
func holdCell(g *api.Group) cell {
	if len(g.Routers) == 0 {
		return cell{"-", plain}
	}
	first := g.Routers[0].Hold
	for _, r := range g.Routers[1:] {
		if r.Hold.Left < first.Left {
			first = r.Hold
		}
	}
	c := cell{holdText(first), plain}
	if g.State == "active" && first.State != api.HoldOpen {
		c.tone = notice
	}
	return c
}

func holdText(h api.Hold) string {
	if h.State == "" || h.State == api.HoldClosed {
		return orDash(h.State)
	}
	return h.State + " " + short(time.Duration(h.Left))
}

// guardCell is a group's guard and, of a majority's promise, how much there is.
func guardCell(g *api.Group) cell {
	switch g.Guard.Kind {
	case api.GuardMajority:
		if g.Guard.Promised == 0 {
			return cell{g.Guard.Kind, plain}
		}
		return cell{fmt.Sprintf("guarded %s", short(time.Duration(g.Guard.Promised))), plain}
	case api.GuardGateway:
		if g.Guard.Promised == 0 {
			return cell{"gateway silent", notice}
		}
		return cell{"gateway " + short(time.Duration(g.Guard.Promised)), plain}
	case api.GuardStrict:
		if l := g.Lease; l != nil && l.Trouble {
			return cell{"strict, no store", notice}
		} else if l != nil && l.Left > 0 {
			return cell{"strict " + short(time.Duration(l.Left)), plain}
		}
	}
	return cell{orDash(g.Guard.Kind), plain}
}

// guardMeaning is the guard in words.
func guardMeaning(g *api.Guard) string {
	switch g.Kind {
	case api.GuardAvailable:
		return "available: nodes that do not hear each other may hold at the same time"
	case api.GuardGateway:
		if g.Promised == 0 {
			return fmt.Sprintf("gateway %s does not answer: this node may not hold", g.Gateway)
		}
		return fmt.Sprintf("gateway %s answers: this node may hold for %s; a cut between nodes that both reach it is not decided", g.Gateway, short(time.Duration(g.Promised)))
	case api.GuardStrict:
		return "strict: this node holds only while the store says so"
	case api.GuardMajority:
		votes := fmt.Sprintf("%d of %d voters have promised it", g.Votes, g.Of)
		if g.Promised > 0 {
			return fmt.Sprintf("guarded: this node may hold for %s; %s", short(time.Duration(g.Promised)), votes)
		}
		return "guarded: no majority has promised it to this node; " + votes
	}
	return orDash(g.Kind)
}

// leaseMeaning is the lease that elects a group's holder, in words.
func leaseMeaning(l *api.Lease) string {
	parts := []string{"of " + short(time.Duration(l.TTL))}
	switch {
	case l.Left > 0:
		parts = append(parts, fmt.Sprintf("this node holds for %s", short(time.Duration(l.Left))))
	case !l.Known:
		parts = append(parts, "nothing is known of it yet")
	case l.Holder == "" && l.Next != "":
		parts = append(parts, "it is free, for "+l.Next+" first")
	case l.Holder == "":
		parts = append(parts, "it is free")
	case l.Over:
		parts = append(parts, "that of "+l.Holder+" has run out")
	default:
		parts = append(parts, l.Holder+" has it")
	}
	if l.Epoch > 0 {
		parts = append(parts, fmt.Sprintf("epoch %d", l.Epoch))
	}
	if l.Chosen {
		parts = append(parts, "chosen by an operator")
	}
	if l.Asks != "" {
		parts = append(parts, l.Asks+" asks for it")
	}
	if l.Barred > 0 {
		parts = append(parts, fmt.Sprintf("this node is barred for %s, for its failures", short(time.Duration(l.Barred))))
	} else if l.Failures > 0 {
		parts = append(parts, fmt.Sprintf("%d failures of this node count", l.Failures))
	}
	if l.Trouble {
		parts = append(parts, "the store does not answer")
	}
	return strings.Join(parts, "; ")
}

// disputes are the lines about other users of the addresses, and about holds
// that ended because this node was late.
func (t Terminal) disputes(s *api.Status, g *api.Group) (rows [][2]string) {
	if c := g.Conflict; c != nil {
		text := fmt.Sprintf("%s is used by %s, too, since %s (%s)", c.Address, c.Other, local(c.Since, second), since(s.Now, c.Since))
		if c.Own != "" {
			text += "; here it is " + c.Own
		}
		rows = append(rows, [2]string{"conflict", t.paint(bad, oneLine(text))})
	}
	if c := g.Conflicts; c.Count > 0 {
		rows = append(rows, [2]string{"conflicts", fmt.Sprintf("%d before, for %s", c.Count, short(time.Duration(c.Time)))})
	}
	if l := g.Lapses; l.Count > 0 {
		rows = append(rows, [2]string{"lapses", fmt.Sprintf("%d; at %s this node was %s late", l.Count, local(l.Last, second), short(time.Duration(l.Late)))})
	}
	return rows
}
