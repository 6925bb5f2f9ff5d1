package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/api/client"
	"github.com/holdfast-net/holdfast/internal/journal"
)

// newestShown is how many events are shown if nothing else is said.
const newestShown = 20

func newEvents(t Terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "events",
		Short: "Show what happened, and why",
		Long: `Events shows the journal: every transition with its reason, commands, changes of
the configuration, disagreements with peers, programs that were run. The
newest come last.

With -f it goes on as things happen, and survives a restart of the daemon. With
--journal it reads the files of a daemon that does not run.`,
		Example: `  holdfast events
  holdfast events -f --group web
  holdfast events --since 2h
  holdfast events --since "2026-05-04 14:00" -o json
  holdfast events --journal /var/lib/holdfast -n 100`,
		Args: noArguments,
	}
	var e eventQuery
	socket := socketFlag(cmd, t)
	form := outputFlag(cmd)
	cmd.Flags().BoolVarP(&e.follow, "follow", "f", false, "go on as things happen")
	cmd.Flags().StringVar(&e.group, "group", "", "only those of this `group`")
	cmd.Flags().IntVarP(&e.last, "lines", "n", newestShown, "show the newest `count`; 0 for all that are kept (the default with --since)")
	cmd.Flags().StringVar(&e.dir, "journal", "", "read the files in `directory` instead of asking the daemon")
	from := cmd.Flags().String("since", "", "only those after a `time`, such as 14:30, \"2026-05-04 14:30\", or so long ago, such as 2h")
	_ = cmd.RegisterFlagCompletionFunc("group", completeGroups(t)) // the flag is there
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		var err error
		if e.since, err = parseSince(*from, time.Now()); err != nil {
			return usage(cmd, err)
		}
		if e.last < 0 {
			return usage(cmd, fmt.Errorf("-n takes a number of events, not %d", e.last))
		}
		if e.follow && e.dir != "" {
			return usage(cmd, errors.New("-f needs a daemon, so it does not go with --journal"))
		}
		if !e.since.IsZero() && !cmd.Flags().Changed("lines") {
			e.last = 0
		}
		e.term, e.form = t, *form
		return e.run(cmd.Context(), dial(socket))
	}
	return cmd
}

// eventQuery is which events are shown, and how.
type eventQuery struct {
	term   Terminal
	form   format
	follow bool
	group  string
	last   int
	since  time.Time
	dir    string
}

func (e eventQuery) run(ctx context.Context, c *client.Client) error {
	if e.follow {
		return e.stream(ctx, c)
	}
	page, err := e.page(ctx, c)
	if err != nil {
		return err
	}
	if e.form == jsonForm {
		return writeJSON(e.term.Out, page)
	}
	for _, ev := range page.Events {
		if err := e.term.event(e.term.Out, ev); err != nil {
			return err
		}
	}
	return nil
}

// page gets what is asked for from the daemon or from its files.
func (e eventQuery) page(ctx context.Context, c *client.Client) (api.Events, error) {
	page := api.Events{Schema: api.SchemaEvents}
	if e.dir != "" {
		all, err := journal.Read(e.dir, 0)
		if err != nil {
			return page, err
		}
		page.Events = all
	} else {
		var err error
		if page, err = c.Events(ctx, client.Query{Group: e.group}); err != nil {
			return page, e.elsewhere(err)
		}
	}
	page.Events = e.pick(page.Events)
	return page, nil
}

// pick keeps what is wanted.
func (e eventQuery) pick(all []api.Event) []api.Event {
	out := []api.Event{}
	for _, ev := range all {
		if (e.group == "" || ev.Group == e.group) && !ev.Time.Before(e.since) {
			out = append(out, ev)
		}
	}
	if e.last > 0 && len(out) > e.last {
		out = out[len(out)-e.last:]
	}
	return out
}

// elsewhere says where events are if there is no daemon.
func (e eventQuery) elsewhere(err error) error {
	u, ok := errors.AsType[*client.Unreachable](err)
	if !ok {
		return doing("list events", err)
	}
	return &failure{u, exitUnreachable, u.Hint() + "; the files of one that does not run: holdfast events --journal /var/lib/holdfast"}
}

// stream shows events as they come.
func (e eventQuery) stream(ctx context.Context, c *client.Client) error {
	var seen uint64
	err := c.Follow(ctx, client.Query{Group: e.group, Last: e.last}, client.Watcher{
		Event: func(ev api.Event) error {
			if ev.Time.Before(e.since) {
				return nil
			}
			if e.group == "" && seen > 0 && ev.ID > seen+1 {
				fmt.Fprintf(e.term.Err, "holdfast: %s are no longer kept\n", many(int(ev.ID-seen-1), "event"))
			}
			seen = ev.ID
			if e.form == jsonForm {
				return writeLine(e.term.Out, api.FollowedEvent{Schema: api.SchemaEvent, Event: ev})
			}
			return e.term.event(e.term.Out, ev)
		},
		Lost: func(err error) { fmt.Fprintf(e.term.Err, "holdfast: %s; waiting for it\n", harmless(err.Error())) },
		Back: func() { fmt.Fprintln(e.term.Err, "holdfast: the daemon is back") },
	})
	if err != nil {
		return e.elsewhere(err)
	}
	return nil
}

// event writes one line: when, which group, what, why.
func (t Terminal) event(w io.Writer, ev api.Event) error {
	what, tone := ev.Kind, plain
	switch {
	case ev.Kind == "transition":
		what, tone = ev.From+" -> "+ev.To, stateCell(&api.Group{State: ev.To}).tone
	case ev.Kind == "notice":
		tone = notice
	}
	if ev.Code != "" {
		what += " " + ev.Code
	}
	reason := ev.Reason
	if ev.Peer != "" && !strings.Contains(reason, ev.Peer) {
		reason += " (" + ev.Peer + ")"
	}
	_, err := fmt.Fprintf(w, "%s  %-10s  %s  %s\n", t.paint(faint, local(ev.Time, instant)), oneLine(orDash(ev.Group)),
		t.paint(tone, fmt.Sprintf("%-16s", oneLine(what))), oneLine(reason))
	return written(err)
}

// parseSince reads an instant: so long ago, a time of today, or a date with or
// without a time.
func parseSince(s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	if at, err := time.Parse(time.RFC3339, s); err == nil {
		return at, nil
	}
	for _, layout := range []string{"2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02"} {
		if at, err := time.ParseInLocation(layout, s, now.Location()); err == nil {
			return at, nil
		}
	}
	for _, layout := range []string{"15:04:05", "15:04"} {
		if at, err := time.ParseInLocation(layout, s, now.Location()); err == nil {
			y, m, d := now.Date()
			return time.Date(y, m, d, at.Hour(), at.Minute(), at.Second(), 0, now.Location()), nil
		}
	}
	return time.Time{}, fmt.Errorf(`--since takes a time such as 14:30 or "2026-05-04 14:30", or so long ago such as 2h, not %q`, s)
}
