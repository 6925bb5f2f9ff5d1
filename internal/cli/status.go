package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/api/client"
)

func newStatus(t Terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "status [GROUP]",
		Short: "Show who holds what, and what is not as it should be",
		Long: `Status shows one line for each group, then the warnings, then nothing else; with
a group's name, everything about that group.

The columns: HOLDER is the node that holds the addresses, with a * if it is this
one; HOLD what passes the gate, and for how long if it is not renewed (open,
claiming, serving what still arrives, or closed); GUARD what a node needs besides
winning the election, and for how long a majority has promised it; PRIO the
effective priority, with the configured one behind it where they differ; PEERS
how many of the nodes seen in the group are heard now; CHECKS how many pass.

Where there are services, one line for each follows: how many of its backends are
up, the flows that it has, and who serves it (holdfast backends shows the rest).

The exit code sums up: 0 healthy, 20 degraded (a warning, a fault, a failed
check, maintenance, a service that nobody serves), 21 a group without a holder, 22
one with more than one, or with an address that another machine uses, too.`,
		Example: `  holdfast status
  holdfast status web
  holdfast status --watch
  holdfast status -o json | jq '.groups[] | select(.holder_is_me) | .name'`,
		Args:              groupForStatus,
		ValidArgsFunction: completeGroups(t),
	}
	socket := socketFlag(cmd, t)
	form := outputFlag(cmd)
	watch := cmd.Flags().DurationP("watch", "w", 0, "show it again every `interval` (1s if none is given)")
	cmd.Flags().Lookup("watch").NoOptDefVal = "1s"
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		v := view{term: t, client: dial(socket), form: *form, group: strings.Join(args, "")}
		if cmd.Flags().Changed("watch") {
			if *watch < 100*time.Millisecond {
				return usage(cmd, fmt.Errorf("--watch takes 100ms at least, not %s", *watch))
			}
			return v.watch(cmd.Context(), *watch)
		}
		s, err := v.ask(cmd.Context())
		if err != nil {
			return err
		}
		if err := v.show(t.Out, s); err != nil {
			return err
		}
		return healthCode(s.Health())
	}
	return cmd
}

// view is what of a daemon's status is shown, and how.
type view struct {
	term   Terminal
	client *client.Client
	form   format
	group  string // "": all
}

// ask gets the status, of one group alone if there is one.
func (v view) ask(ctx context.Context) (*api.Status, error) {
	s, err := v.askWhole(ctx)
	if err == nil && v.group != "" {
		only(s, v.group)
	}
	return s, err
}

// askWhole gets the status, and sees that the group is there.
func (v view) askWhole(ctx context.Context) (*api.Status, error) {
	s, err := v.client.Status(ctx)
	if err != nil {
		return nil, doing("get the status", err)
	}
	if v.group == "" {
		return s, nil
	}
	names := groupNames(s)
	if !slices.Contains(names, v.group) {
		hint := "there are no groups here"
		if len(names) > 0 {
			hint = "the groups here: " + strings.Join(names, ", ")
		}
		return nil, &failure{fmt.Errorf("cannot show %s: there is no such group", v.group), exitFailed, hint}
	}
	return s, nil
}

// only keeps one group and what is said about it.
func only(s *api.Status, group string) {
	s.Groups = slices.DeleteFunc(s.Groups, func(g api.Group) bool { return g.Name != group })
	s.Warnings = slices.DeleteFunc(s.Warnings, func(w api.Warning) bool { return w.Group != group })
}

func groupNames(s *api.Status) []string {
	var names []string
	for _, g := range s.Groups {
		names = append(names, g.Name)
	}
	return names
}

// show writes the status once.
func (v view) show(w io.Writer, s *api.Status) error {
	switch {
	case v.form == jsonForm:
		return writeJSON(w, s.Plain())
	case v.group != "":
		return v.term.groupDetails(w, s)
	}
	return v.term.overview(w, s)
}

// watch shows the status again and again until ctx ends. A daemon that goes
// away meanwhile is news, not an end: nothing old is left on the screen.
func (v view) watch(ctx context.Context, every time.Duration) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for first := true; ; first = false {
		picture, err := v.picture(ctx, first)
		if ctx.Err() != nil {
			return nil
		}
		if err == nil {
			err = v.refresh(picture, first)
		}
		if err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// picture is the status as it is shown once. Only the first may fail.
func (v view) picture(ctx context.Context, first bool) (string, error) {
	var b strings.Builder
	s, err := v.ask(ctx)
	switch {
	case err != nil && first:
		return "", err
	case err != nil && v.form == jsonForm:
		v.term.report(err)
		return "", nil
	case err != nil:
		return v.term.paint(bad, harmless(err.Error())) + "\n", nil
	case v.form == jsonForm:
		err = writeLine(&b, s.Plain())
	default:
		err = v.show(&b, s)
	}
	return b.String(), err
}

// refresh puts a picture in the place of the one before; where there is no
// terminal, below it.
func (v view) refresh(picture string, first bool) error {
	switch {
	case v.form == jsonForm:
	case v.term.width() > 0:
		picture = "\x1b[H\x1b[2J" + picture
	case !first:
		picture = "\n" + picture
	}
	_, err := io.WriteString(v.term.Out, picture)
	return written(err)
}
