package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-net/holdfast/internal/api"
)

func newHandover(t Terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "handover GROUP",
		Short: "Move a group to another node, losing nothing",
		Long: `Handover makes this node, which has to hold the group, give it to another one: to
the node named with --to, or to the best one. It goes on serving what still
arrives until its successor is heard, and the answer comes when it is. Groups
that move together with this one move too.

The successor keeps the group, also where this node has the higher priority,
until the next move.`,
		Example: `  holdfast handover web
  holdfast handover web --to lb2`,
		Args:              oneArgument("the name of a group"),
		ValidArgsFunction: completeGroups(t),
	}
	socket := socketFlag(cmd, t)
	form := outputFlag(cmd)
	to := cmd.Flags().String("to", "", "`node` that is to take over; default: the best one")
	_ = cmd.RegisterFlagCompletionFunc("to", completeNodes(t)) // the flag is there
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		what := "hand " + args[0] + " over"
		begin := time.Now()
		r, err := dial(socket).Handover(cmd.Context(), args[0], api.Handover{To: *to})
		if err != nil {
			return doing(what, err)
		}
		if !r.OK && r.Hint == "" {
			r.Hint = "holdfast status " + args[0] + " says who holds it and who is heard"
		}
		return t.result(*form, what, r, time.Since(begin))
	}
	return cmd
}

func newMaintenance(t Terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "maintenance on|off",
		Short: "Take this node out of all elections, or back in",
		Long: `Maintenance on hands every group over that this node holds, and then claims none
until it is switched off. It does nothing where no other node could take a group
over, unless --force says that its addresses may go down.`,
		Example: `  holdfast maintenance on && apt-get dist-upgrade && holdfast maintenance off`,
		Args:    oneOf("on", "off"),
		ValidArgs: []cobra.Completion{
			cobra.CompletionWithDesc("on", "hand everything over and claim nothing"),
			cobra.CompletionWithDesc("off", "take part again"),
		},
	}
	socket := socketFlag(cmd, t)
	form := outputFlag(cmd)
	force := cmd.Flags().Bool("force", false, "also where nobody can take over: the addresses go down")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		what := "switch maintenance " + args[0]
		begin := time.Now()
		r, err := dial(socket).Maintenance(cmd.Context(), api.Maintenance{On: args[0] == "on", Force: *force})
		if err != nil {
			return doing(what, err)
		}
		return t.result(*form, what, r, time.Since(begin))
	}
	return cmd
}

// result shows what became of a command and how long it took.
func (t Terminal) result(form format, what string, r api.Result, took time.Duration) error {
	if form == jsonForm {
		if err := writeJSON(t.Out, r); err != nil {
			return err
		}
		if !r.OK {
			return status(exitFailed)
		}
		return nil
	}
	if !r.OK {
		return refused(what, r)
	}
	if _, err := fmt.Fprintf(t.Out, "%s (%s)\n", oneLine(r.Text), short(took)); err != nil {
		return written(err)
	}
	if r.Hint != "" {
		_, err := fmt.Fprintf(t.Err, "hint: %s\n", oneLine(r.Hint))
		return written(err)
	}
	return nil
}
