package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/config"
)

func newCheck(c Commands, t Terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check [FILE]",
		Short: "Check a configuration file and say what it means",
		Long: `Check reads a file the way the daemon does and shows everything that is wrong
with it at once: the place, the line, what is allowed and what to do. It needs
no daemon and touches nothing.

A good file is summed up in one line for each group. Exit code 0 says that the
daemon would use the file, though there may be warnings; 3 that it would not.`,
		Example: `  holdfast check
  holdfast check lb1.yaml
  holdfast check -c lb1.yaml -o json`,
		Args: atMostOneArgument("a file"),
	}
	path := configFlag(cmd)
	form := outputFlag(cmd)
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		if len(args) == 1 {
			*path = args[0]
		}
		cfg, diags := config.Load(*path, facts(c))
		var outcome error
		if diags.HasErrors() {
			outcome = badConfig("use "+*path, diags)
		}
		if *form == jsonForm {
			if err := writeJSON(t.Out, fileCheck(*path, cfg, diags)); err != nil {
				return err
			}
			if outcome != nil {
				return status(exitBadConfig)
			}
			return nil
		}
		if err := diags.Render(t.Err, color(t)); err != nil {
			return written(err)
		}
		if outcome != nil {
			return outcome
		}
		return t.meaning(cfg, diags)
	}
	return cmd
}

// meaning says what a good file makes this node do.
func (t Terminal) meaning(cfg *config.Config, diags config.Diagnostics) error {
	but := ""
	if _, n := diags.Count(); n > 0 {
		but = ", with " + many(n, "warning")
	}
	if cfg.Witness != nil {
		_, err := fmt.Fprintf(t.Out, "%s is good%s: %s\n", cfg.Path, but, witnessMeaning(cfg))
		return written(err)
	}
	_, err := fmt.Fprintf(t.Out, "%s is good%s: node %s, %s, hash %s\n", cfg.Path, but, cfg.Node, many(len(cfg.Groups), "group"), cfg.Hash)
	if err != nil || len(cfg.Groups) == 0 {
		return written(err)
	}
	tb := newTable(t, "GROUP", "ADDRESSES", "INTERFACE", "ELECTION", "PRIO", "EVERY", "TAKEOVER AFTER", "GUARD")
	for i := range cfg.Groups {
		g := describe(&cfg.Groups[i])
		takeover := short(time.Duration(g.Takeover))
		if !g.Preempt {
			takeover += ", never preempts"
		}
		iface := g.Interface
		if iface == "" {
			iface = "?"
		}
		tb.add(cell{g.Name, strong}, cell{addresses(g.Addresses), plain}, cell{iface, plain},
			cell{electionOf(&cfg.Groups[i]), plain}, cell{fmt.Sprint(g.Priority), plain},
			cell{short(time.Duration(g.Interval)), plain}, cell{takeover, plain}, cell{guardWord(g.Guard), plain})
	}
	if err := tb.write(t.Out); err != nil {
		return err
	}
	for _, note := range notes(cfg) {
		if _, err := fmt.Fprintln(t.Out, t.paint(faint, "note: "+note)); err != nil {
			return written(err)
		}
	}
	return nil
}

// addresses shows the first one and how many more there are.
func addresses(all []string) string {
	switch len(all) {
	case 0:
		return "-"
	case 1:
		return withoutLength(all[0])
	}
	return fmt.Sprintf("%s +%d", withoutLength(all[0]), len(all)-1)
}

func withoutLength(prefix string) string {
	a, _, _ := strings.Cut(prefix, "/")
	return a
}

// describe says what a group of a file means.
func describe(g *config.Group) api.FileGroup {
	out := api.FileGroup{
		Name: g.Name, Interface: g.Interface, Addresses: []string{}, Election: "vrrp", VRID: g.VRRP.ID, Version: g.VRRP.Version,
		Priority: g.VRRP.Priority, Interval: api.Duration(g.VRRP.Interval), Takeover: api.Duration(takeover(g.VRRP)), Preempt: g.VRRP.Preempt,
		Guard: g.Guard.String(),
	}
	if l := g.Lease; l != nil {
		out.Election, out.Priority, out.Preempt = "lease", uint8(l.Priority), l.Preempt
		out.Interval, out.Takeover = api.Duration(l.TTL/3), api.Duration(l.TTL)
	}
	for _, a := range g.Addresses {
		out.Addresses = append(out.Addresses, a.String())
	}
	return out
}

// electionOf names the election of a group.
func electionOf(g *config.Group) string {
	switch {
	case g.Lease == nil:
		return fmt.Sprintf("vrrp %d id %d", g.VRRP.Version, g.VRRP.ID)
	case g.Lease.Store.Embedded:
		return "lease in the cluster's store"
	}
	return "lease in etcd"
}

// takeover is the Active_Down_Interval: RFC 9568 §6.1, and with a skew of its
// own RFC 3768 §6.1.
func takeover(v config.VRRP) time.Duration {
	below := time.Duration(256 - int(v.Priority))
	if v.Version == 2 {
		return 3*v.Interval + below*time.Second/256
	}
	return 3*v.Interval + below*v.Interval/256
}

// fileCheck is the document of `check -o json`.
func fileCheck(path string, cfg *config.Config, diags config.Diagnostics) api.FileCheck {
	out := api.FileCheck{Schema: api.SchemaCheck, Path: path, OK: !diags.HasErrors(), Groups: []api.FileGroup{}, Notes: []string{}, Diagnostics: []api.Diagnostic{}}
	if cfg != nil {
		out.Node, out.Hash = cfg.Node, cfg.Hash
		out.Notes = append(out.Notes, notes(cfg)...)
		for i := range cfg.Groups {
			out.Groups = append(out.Groups, describe(&cfg.Groups[i]))
		}
	}
	for i := range diags {
		d := &diags[i]
		var rendered strings.Builder
		_ = diags[i:i+1].Render(&rendered, config.Plain) // a strings.Builder takes everything
		out.Diagnostics = append(out.Diagnostics, api.Diagnostic{
			Severity: d.Severity.String(), Rule: d.Rule, File: d.File, Line: d.Line, Column: d.Column,
			Message: d.Message, Hint: d.Hint, Rendered: rendered.String(),
		})
	}
	return out
}
