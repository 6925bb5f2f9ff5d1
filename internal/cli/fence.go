package cli

import (
	"fmt"
	"os/user"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-net/holdfast/internal/api"
)

func newFence(t Terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "fence NODE",
		Short: "Cut another node off by its fence devices",
		Long: `Fence asks the devices that the file's fence: gives for a node to cut it off,
level by level, at once. The answer comes when one level has succeeded, or all
failed. Groups do the same by themselves where they ask for it: see
docs/fencing.md.`,
		Example: `  holdfast fence b
  holdfast fence status
  holdfast fence confirm b`,
		Args: oneArgument("the name of a node"),
	}
	fenceBy(cmd, t, "fence", false)
	confirm := &cobra.Command{
		Use:   "confirm NODE",
		Short: "Say that a node is off, where no device could see to it",
		Long: `Confirm takes your word that a node is off or cut off from everything. Groups that
wait for it to be fenced go on. Look before you say so: if it is not, what such a
group takes may run on both nodes.`,
		Example: `  holdfast fence confirm b`,
		Args:    oneArgument("the name of a node"),
	}
	fenceBy(confirm, t, "confirm", true)
	cmd.AddCommand(newFenceStatus(t), confirm)
	return cmd
}

func fenceBy(cmd *cobra.Command, t Terminal, verb string, confirm bool) {
	socket := socketFlag(cmd, t)
	form := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		what := verb + " " + args[0]
		begin := time.Now()
		who := "an operator"
		if u, err := user.Current(); err == nil {
			who = u.Username
		}
		r, err := dial(socket).Fence(cmd.Context(), api.Fence{Node: args[0], Confirm: confirm, Who: who})
		if err != nil {
			return doing(what, err)
		}
		return t.result(*form, what, r, time.Since(begin))
	}
}

func newFenceStatus(t Terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show which nodes can be cut off, which are, and whether the watchdog runs",
		Args:  noArguments,
	}
	socket := socketFlag(cmd, t)
	form := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		f, err := dial(socket).Fencing(cmd.Context())
		if err != nil {
			return doing("show fencing", err)
		}
		if *form == jsonForm {
			return writeJSON(t.Out, f)
		}
		var b strings.Builder
		fmt.Fprintf(&b, "watchdog: %s%s\n", oneLine(f.Watchdog), dogDetail(f, time.Now()))
		for _, n := range f.Nodes {
			fmt.Fprintf(&b, "%s: %s%s\n", oneLine(n.Node), n.State, oneLine(fenceDetail(n)))
			if l := n.Last; l != nil {
				fmt.Fprintf(&b, "  %s\n", oneLine(lastFencing(l)))
			}
			if n.Pending {
				fmt.Fprintf(&b, "  it may still be at work; where you know that it is off: holdfast fence confirm %s\n", oneLine(n.Node))
			}
		}
		_, err = fmt.Fprint(t.Out, b.String())
		return written(err)
	}
	return cmd
}

func dogDetail(f api.Fencing, now time.Time) string {
	if f.Device == "" {
		return ""
	}
	out := fmt.Sprintf(" (%s, resets this machine after %s", oneLine(f.Device), f.Timeout)
	if f.Fed != nil {
		out += fmt.Sprintf("; fed %s ago", now.Sub(*f.Fed).Round(100*time.Millisecond))
	}
	return out + ")"
}

func lastFencing(l *api.FenceAttempt) string {
	came := "in vain"
	if l.OK {
		came = "done"
	}
	level := ""
	if l.Level > 0 {
		level = fmt.Sprintf(", level %d", l.Level)
	}
	return fmt.Sprintf("last: %s, %s after %s%s: %s (%s)", l.Began.Local().Format(time.DateTime), came, l.Took, level, l.Text, l.Why)
}

func fenceDetail(n api.FenceNode) string {
	levels := make([]string, len(n.Levels))
	for i, l := range n.Levels {
		levels[i] = strings.Join(l, " and ")
	}
	out := ", by " + strings.Join(levels, ", else ")
	if len(levels) == 0 {
		out = ", by nothing: it waits for a person"
	}
	switch {
	case n.How != "":
		out = " (" + n.How + ")"
	case n.Failure != "":
		out += "; failed last: " + n.Failure
	}
	if len(n.Waiting) > 0 {
		out += "; waited for by " + strings.Join(n.Waiting, ", ")
	}
	return out
}
