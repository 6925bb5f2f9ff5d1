package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/api/client"
	"github.com/holdfast-net/holdfast/internal/explain"
)

func newExplain(t Terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "explain GROUP",
		Short: "Say why a group is in its state on this node, and what would change that",
		Long: `Explain answers three questions about a group on this node: why it is in its
state, who decides which node holds, and what would have to happen for it to be
held here or, where it is, to leave.

What counts is listed with a verdict: bars (as long as it is so this node may not
hold), waits (under way, or ends by itself), lowers (makes it less likely), ok.
Checks are there with what they saw, then the priority, the guard and its voters,
the lease and its store, steps, fencing, and the groups that move together. The
last changes of the group follow, with their reasons.`,
		Example: `  holdfast explain web
  holdfast explain web -o json | jq -r '.facts[] | select(.verdict == "bars") | .text'`,
		Args:              oneArgument("the name of a group"),
		ValidArgsFunction: completeGroups(t),
	}
	socket := socketFlag(cmd, t)
	form := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, name := dial(socket), args[0]
		s, err := view{term: t, client: c, group: name}.askWhole(cmd.Context())
		if err != nil {
			return err
		}
		in := explain.Input{Status: s}
		page, err := c.Events(cmd.Context(), client.Query{Group: name})
		if err != nil {
			return doing("list events", err)
		}
		in.Events = page.Events
		if f, err := c.Fencing(cmd.Context()); err == nil {
			in.Fencing = &f
		}
		e, _ := explain.Group(name, in)
		if *form == jsonForm {
			return writeJSON(t.Out, e)
		}
		return t.explanation(t.Out, s, &e)
	}
	return cmd
}

// explanation is the answer for people.
func (t Terminal) explanation(w io.Writer, s *api.Status, e *api.Explanation) error {
	state := stateCell(&api.Group{State: e.State})
	var b strings.Builder
	fmt.Fprintf(&b, "%s is %s on %s: %s\n", t.paint(strong, oneLine(e.Group)), t.paint(state.tone, oneLine(state.text)), oneLine(e.Node), oneLine(e.Summary))
	for _, row := range [][2]string{
		{"since", local(e.Since, second) + " (" + since(s.Now, e.Since) + ")"},
		{"because", orDash(e.Reason)},
		{"decides", e.Decides},
	} {
		fmt.Fprintf(&b, "%s  %s\n", t.paint(faint, fmt.Sprintf("%-7s", row[0])), oneLine(row[1]))
	}
	b.WriteByte('\n')
	if _, err := io.WriteString(w, b.String()); err != nil {
		return written(err)
	}
	tones := map[string]tone{api.VerdictBars: bad, api.VerdictWaits: notice, api.VerdictLowers: notice, api.VerdictOK: good}
	tb := newTable(t, "WHAT COUNTS", "VERDICT", "SEEN")
	tb.whole = true
	for _, f := range e.Facts {
		tb.add(cell{f.Subject, strong}, cell{f.Verdict, tones[f.Verdict]}, cell{f.Text, plain})
	}
	if err := tb.write(w); err != nil {
		return err
	}
	heading := "to be held here"
	if e.State == "active" {
		heading = "to leave here, one of these"
	}
	if err := t.list(w, heading, e.Ways); err != nil {
		return err
	}
	if len(e.Events) == 0 {
		return nil
	}
	if _, err := fmt.Fprintln(w, "\n"+t.paint(faint, "lately")); err != nil {
		return written(err)
	}
	for _, ev := range e.Events {
		if err := t.event(w, ev); err != nil {
			return err
		}
	}
	return nil
}

func (t Terminal) list(w io.Writer, heading string, lines []string) error {
	if len(lines) == 0 {
		return nil
	}
	_, err := fmt.Fprintln(w, "\n"+t.paint(faint, heading))
	for _, l := range lines {
		if err == nil {
			_, err = fmt.Fprintln(w, "  - "+oneLine(l))
		}
	}
	return written(err)
}
