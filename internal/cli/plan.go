package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/holdfast-net/holdfast/internal/api"
)

func newPlan(t Terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Show what a reload would change",
		Long: `Plan lets the daemon compare the file on disk with the one in force, and shows
each difference with what it would do to the group. It changes nothing.`,
		Example: `  holdfast plan
  holdfast plan --exit-code >/dev/null || echo "there is something to reload"`,
		Args: noArguments,
	}
	socket := socketFlag(cmd, t)
	form := outputFlag(cmd)
	exitCode := cmd.Flags().Bool("exit-code", false, "end with 10 if there are changes")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		p, err := dial(socket).Plan(cmd.Context())
		if err != nil {
			return doing("plan a reload", err)
		}
		if err := t.showPlan(*form, p, "a reload would change nothing"); err != nil {
			return err
		}
		if *exitCode && len(p.Changes) > 0 {
			return status(exitChanges)
		}
		return nil
	}
	return cmd
}

func newReload(t Terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "reload",
		Short: "Put the file on disk in force",
		Long: `Reload lets the daemon read its file again and apply what differs, and shows what
that was. Groups that did not change notice nothing. A file with errors changes
nothing; they are shown, and the exit code is 3.`,
		Example: `  holdfast check && holdfast reload`,
		Args:    noArguments,
	}
	socket := socketFlag(cmd, t)
	form := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		p, err := dial(socket).Reload(cmd.Context())
		if err != nil {
			return doing("reload", err)
		}
		return t.showPlan(*form, p, "nothing changed")
	}
	return cmd
}

// showPlan shows a plan, or what is wrong with the file.
func (t Terminal) showPlan(form format, p api.Plan, nothing string) error {
	if form == jsonForm {
		if err := writeJSON(t.Out, p.Plain()); err != nil {
			return err
		}
		if p.Failed() {
			return status(exitBadConfig)
		}
		return nil
	}
	if err := t.showDiagnostics(p.Diagnostics); err != nil {
		return err
	}
	if p.Failed() {
		n := 0
		for _, d := range p.Diagnostics {
			if d.Severity == api.SeverityError {
				n++
			}
		}
		return &failure{fmt.Errorf("cannot use the file: it has %s; the one in force stays", many(n, "error")), exitBadConfig, ""}
	}
	if len(p.Changes) == 0 {
		_, err := fmt.Fprintln(t.Out, nothing)
		return written(err)
	}
	tb := newTable(t, "GROUP", "CHANGE", "FIELD", "FROM", "TO", "EFFECT")
	for _, c := range p.Changes {
		tb.add(cell{orDash(c.Group), strong}, cell{c.Action, actionTone(c.Action)}, cell{orDash(c.Field), plain},
			cell{orDash(c.From), plain}, cell{orDash(c.To), plain}, cell{c.Effect, plain})
	}
	return tb.write(t.Out)
}

// showDiagnostics shows what the daemon found in its file.
func (t Terminal) showDiagnostics(ds []api.Diagnostic) error {
	for i, d := range ds {
		out := d.Rendered
		if out == "" {
			out = fmt.Sprintf("%s:%d:%d: %s %s: %s\n", d.File, d.Line, d.Column, d.Severity, d.Rule, d.Message)
		}
		if i > 0 {
			out = "\n" + out
		}
		if _, err := io.WriteString(t.Err, harmless(strings.TrimSuffix(out, "\n"))+"\n"); err != nil {
			return written(err)
		}
	}
	return nil
}

func actionTone(action string) tone {
	switch action {
	case "add":
		return good
	case "remove":
		return bad
	case "restart":
		return notice
	}
	return plain
}

// orDash fills an empty field.
func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
