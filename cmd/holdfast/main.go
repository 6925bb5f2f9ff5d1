// Command holdfast keeps a virtual IP address answering.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/api/client"
	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/daemon"
	"github.com/holdfast-net/holdfast/internal/demo"
)

var version = "devel"

// status is an exit code that is no error to tell about.
type status int

func (s status) Error() string { return fmt.Sprintf("exit %d", int(s)) }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	os.Exit(code(root().ExecuteContext(ctx)))
}

// code prints an error and its hint, and gives the exit code of DESIGN: 1
// failed, 2 usage, 3 bad configuration, 4 daemon unreachable.
func code(err error) int {
	var s status
	var bad *daemon.BadConfig
	var away *client.Unreachable
	switch {
	case err == nil:
		return 0
	case errors.As(err, &s):
		return int(s)
	}
	if errors.As(err, &bad) {
		_ = bad.Diagnostics.Render(os.Stderr, config.Plain)
	}
	fmt.Fprintf(os.Stderr, "holdfast: %v\n", err)
	var hinted interface{ Hint() string }
	if errors.As(err, &hinted) && hinted.Hint() != "" {
		fmt.Fprintf(os.Stderr, "hint: %s\n", hinted.Hint())
	}
	switch {
	case bad != nil:
		return 3
	case errors.As(err, &away):
		return 4
	case strings.HasPrefix(err.Error(), "unknown ") || strings.HasPrefix(err.Error(), "accepts "):
		return 2
	}
	return 1
}

func root() *cobra.Command {
	c := &cobra.Command{
		Use: "holdfast", Short: "Keep a virtual IP address answering",
		SilenceErrors: true, SilenceUsage: true,
	}
	c.AddCommand(runCmd(), checkCmd(), planCmd(), reloadCmd(), statusCmd(), eventsCmd(), handoverCmd(),
		maintenanceCmd(), releaseCmd(), versionCmd(), demoCmd())
	return c
}

const (
	defaultFile   = "/etc/holdfast/holdfast.yaml"
	defaultSocket = "/run/holdfast/holdfast.sock"
)

func socketFlag(c *cobra.Command) *string {
	return c.Flags().String("socket", defaultSocket, "control socket of the daemon")
}

func outputFlag(c *cobra.Command) *string {
	return c.Flags().StringP("output", "o", "", "json for programs")
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

func about() api.Version {
	var u unix.Utsname
	_ = unix.Uname(&u)
	return api.Version{
		Schema: api.SchemaVersion, Version: version, Go: runtime.Version(),
		Platform: runtime.GOOS + "/" + runtime.GOARCH, Kernel: unix.ByteSliceToString(u.Release[:]),
	}
}

func runCmd() *cobra.Command {
	c := &cobra.Command{Use: "run", Short: "Run the daemon", Args: cobra.NoArgs}
	file := c.Flags().StringP("config", "c", defaultFile, "configuration file")
	socket := c.Flags().String("socket", "", "control socket; default: as the file says")
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		return daemon.Run(cmd.Context(), daemon.Options{
			ConfigPath: *file, Socket: *socket, Version: about(), Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
		})
	}
	return c
}

func checkCmd() *cobra.Command {
	c := &cobra.Command{Use: "check", Short: "Check the configuration file", Args: cobra.NoArgs}
	file := c.Flags().StringP("config", "c", defaultFile, "configuration file")
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		links, err := daemon.Links()
		if err != nil {
			return err
		}
		cfg, diags := config.Load(*file, config.Here(links))
		if diags.HasErrors() {
			return &daemon.BadConfig{Diagnostics: diags}
		}
		_ = diags.Render(os.Stderr, config.Plain)
		fmt.Fprintf(cmd.OutOrStdout(), "%s is fine: node %s, %d groups\n", *file, cfg.Node, len(cfg.Groups))
		return nil
	}
	return c
}

func planCmd() *cobra.Command {
	c := &cobra.Command{Use: "plan", Short: "Show what a reload would change", Args: cobra.NoArgs}
	socket, output := socketFlag(c), outputFlag(c)
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		p, err := client.Dial(*socket).Plan(cmd.Context())
		return showPlan(cmd, *output, p, err)
	}
	return c
}

func reloadCmd() *cobra.Command {
	c := &cobra.Command{Use: "reload", Short: "Apply the changed file", Args: cobra.NoArgs}
	socket, output := socketFlag(c), outputFlag(c)
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		p, err := client.Dial(*socket).Reload(cmd.Context())
		return showPlan(cmd, *output, p, err)
	}
	return c
}

func showPlan(cmd *cobra.Command, output string, p api.Plan, err error) error {
	if err != nil {
		return err
	}
	if output == "json" {
		if err := printJSON(cmd.OutOrStdout(), p); err != nil {
			return err
		}
	} else {
		for _, d := range p.Diagnostics {
			fmt.Fprint(os.Stderr, d.Rendered)
		}
		w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 8, 2, ' ', 0)
		for _, ch := range p.Changes {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s -> %s\t%s\n", ch.Action, ch.Group, ch.Field, ch.From, ch.To, ch.Effect)
		}
		if len(p.Changes) == 0 && !p.Failed() {
			fmt.Fprintln(w, "nothing changes")
		}
		_ = w.Flush()
	}
	if p.Failed() {
		return status(3)
	}
	return nil
}

func statusCmd() *cobra.Command {
	c := &cobra.Command{Use: "status", Short: "Show who holds what, since when and why", Args: cobra.NoArgs}
	socket, output := socketFlag(c), outputFlag(c)
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		s, err := client.Dial(*socket).Status(cmd.Context())
		if err != nil {
			return err
		}
		if *output == "json" {
			if err := printJSON(cmd.OutOrStdout(), s); err != nil {
				return err
			}
		} else {
			statusTable(cmd.OutOrStdout(), s)
		}
		if h := s.Health(); h > 0 {
			return status(19 + int(h)) // 20 degraded, 21 no holder, 22 more than one
		}
		return nil
	}
	return c
}

func statusTable(out io.Writer, s *api.Status) {
	held := 0
	for _, g := range s.Groups {
		if g.HolderIsMe {
			held++
		}
	}
	fmt.Fprintf(out, "%s  up %s  %d groups, %d held here\n", s.Node, s.Now.Sub(s.Started).Round(time.Second), len(s.Groups), held)
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "GROUP\tVIPS\tHOLDER\tSTATE\tSINCE\tPRIO\tPEERS\tLAST CHANGE")
	for _, g := range s.Groups {
		vips := strings.Join(g.Addresses[:min(1, len(g.Addresses))], "")
		if n := len(g.Addresses) - 1; n > 0 {
			vips += fmt.Sprintf(" +%d", n)
		}
		holder := g.Holder
		if g.HolderIsMe {
			holder += " *"
		}
		prio := fmt.Sprint(g.Priority)
		if g.Priority != g.BasePriority {
			prio += fmt.Sprintf(" (%d)", g.BasePriority)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%d\t%s\n", g.Name, vips, holder, g.State,
			s.Now.Sub(g.Since).Round(time.Second), prio, len(g.Peers), g.Reason)
	}
	_ = w.Flush()
	for _, warn := range s.Warnings {
		fmt.Fprintf(out, "warning %s %s: %s\n", warn.Code, warn.Group, warn.Text)
	}
}

func eventsCmd() *cobra.Command {
	c := &cobra.Command{Use: "events", Short: "Show the journal", Args: cobra.NoArgs}
	socket, output := socketFlag(c), outputFlag(c)
	follow := c.Flags().BoolP("follow", "f", false, "go on with what happens")
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		cl, q := client.Dial(*socket), client.Query{}
		show := func(ev api.Event) error { return showEvent(cmd.OutOrStdout(), *output, ev) }
		if *follow {
			return cl.Follow(cmd.Context(), q, client.Watcher{Event: show})
		}
		page, err := cl.Events(cmd.Context(), q)
		if err != nil {
			return err
		}
		if *output == "json" {
			return printJSON(cmd.OutOrStdout(), page)
		}
		for _, ev := range page.Events {
			if err := show(ev); err != nil {
				return err
			}
		}
		return nil
	}
	return c
}

func showEvent(out io.Writer, output string, ev api.Event) error {
	if output == "json" {
		return json.NewEncoder(out).Encode(api.FollowedEvent{Schema: api.SchemaEvent, Event: ev})
	}
	what := ev.Kind
	if ev.To != "" {
		what = ev.From + "->" + ev.To
	}
	_, err := fmt.Fprintf(out, "%s  %-10s  %-16s  %s\n", ev.Time.Local().Format("2006-01-02 15:04:05.000"), ev.Group, what, ev.Reason)
	return err
}

func handoverCmd() *cobra.Command {
	c := &cobra.Command{Use: "handover GROUP", Short: "Move a group to another node without losing a packet", Args: cobra.ExactArgs(1)}
	socket := socketFlag(c)
	to := c.Flags().String("to", "", "node that takes over; default: the best one")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		r, err := client.Dial(*socket).Handover(cmd.Context(), args[0], api.Handover{To: *to})
		return showResult(cmd, r, err)
	}
	return c
}

func maintenanceCmd() *cobra.Command {
	c := &cobra.Command{
		Use: "maintenance on|off", Short: "Take this node out of service, or back",
		Args: cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs), ValidArgs: []string{"on", "off"},
	}
	socket := socketFlag(c)
	force := c.Flags().Bool("force", false, "even if nobody takes over")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		r, err := client.Dial(*socket).Maintenance(cmd.Context(), api.Maintenance{On: args[0] == "on", Force: *force})
		return showResult(cmd, r, err)
	}
	return c
}

func showResult(cmd *cobra.Command, r api.Result, err error) error {
	if err != nil {
		return err
	}
	fmt.Fprintln(cmd.OutOrStdout(), r.Text)
	if !r.OK {
		if r.Hint != "" {
			fmt.Fprintln(os.Stderr, "hint:", r.Hint)
		}
		return status(1)
	}
	return nil
}

func releaseCmd() *cobra.Command {
	c := &cobra.Command{Use: "release", Short: "Remove what a killed daemon left in the kernel", Args: cobra.NoArgs}
	socket := socketFlag(c)
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		did, err := daemon.Release(*socket)
		for _, text := range did {
			fmt.Fprintln(cmd.OutOrStdout(), text)
		}
		return err
	}
	return c
}

func versionCmd() *cobra.Command {
	c := &cobra.Command{Use: "version", Short: "Show the version", Args: cobra.NoArgs}
	output := outputFlag(c)
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		if *output == "json" {
			return printJSON(cmd.OutOrStdout(), about())
		}
		v := about()
		fmt.Fprintf(cmd.OutOrStdout(), "holdfast %s, %s, %s, Linux %s\n", v.Version, v.Go, v.Platform, v.Kernel)
		return nil
	}
	return c
}

func demoCmd() *cobra.Command {
	c := &cobra.Command{Use: "demo", Short: "Three nodes and a client on this machine: see an address move", Args: cobra.NoArgs}
	var opt demo.Options
	c.Flags().DurationVar(&opt.Interval, "interval", demo.DefaultInterval, "time between adverts")
	c.Flags().BoolVar(&opt.JSON, "json", false, "one document instead of the show")
	c.Flags().BoolVar(&opt.Keep, "keep", false, "leave the lab up until Enter")
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		opt.Version = version
		return demo.Run(cmd.Context(), opt)
	}
	return c
}
