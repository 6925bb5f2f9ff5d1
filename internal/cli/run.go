package cli

import (
	"fmt"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"

	"github.com/holdfast-net/holdfast/internal/config"
)

func newRun(c Commands, t Terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run the daemon",
		Long: `Run reads the file, joins the elections of its groups and holds their addresses
while this node is the active one. It runs until SIGINT or SIGTERM and then
hands every group over before it ends. SIGHUP reloads the file.

It needs CAP_NET_ADMIN and CAP_NET_RAW, CAP_BPF for the best line of defence (a
weaker one does without, and status says so), and CAP_NET_BIND_SERVICE if it is
to listen on a port below 1024; it need not be root. A file with errors ends it
with exit code 3 before anything is touched.

A small process of its own, the guardian, sees to the addresses if the daemon is
killed: it closes the gates, says priority 0 for what was active, removes what
was added, and starts the daemon again where systemd does not.
--guardian=release leaves the last to whoever started it, --guardian=off does
without.

Under systemd the log carries no timestamps, for the journal has its own, and
each line's level is the journal's.`,
		Example: `  holdfast run
  holdfast run -c /tmp/lb1.yaml --socket /tmp/lb1.sock --log-level debug`,
		Args: noArguments,
	}
	path := configFlag(cmd)
	socket := cmd.Flags().String("socket", "", "`path` of the control socket, in place of the file's")
	var guardian config.GuardianChoice
	cmd.Flags().Var(&guardian, "guardian", "auto, release or off, in place of the file's `word`")
	level := levelFlag(cmd)
	form := logFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if c.Run == nil {
			return missing("run a daemon")
		}
		log := newLogger(t, *form, slog.Level(*level))
		if err := readable(c, t, *path, log); err != nil {
			return err
		}
		return c.Run(cmd.Context(), RunOptions{ConfigPath: *path, Socket: *socket, Guardian: guardian, Log: log})
	}
	return cmd
}

// readable looks at the file before anything is touched, and shows what is
// wrong with it the way `check` does.
func readable(c Commands, t Terminal, path string, log *slog.Logger) error {
	_, diags := config.Load(path, facts(c))
	if diags.HasErrors() {
		if err := diags.Render(t.Err, color(t)); err != nil {
			return written(err)
		}
		return badConfig("run with "+path, diags)
	}
	for _, d := range diags {
		log.Warn(d.Message, "rule", d.Rule, "at", fmt.Sprintf("%s:%d:%d", d.File, d.Line, d.Column), "hint", d.Hint)
	}
	return nil
}

// badConfig is the error after diagnostics have been shown.
func badConfig(what string, diags config.Diagnostics) error {
	n, _ := diags.Count()
	return &failure{fmt.Errorf("cannot %s: %s in the file", what, many(n, "error")), exitBadConfig, ""}
}

// facts is what is known of this machine.
func facts(c Commands) config.Facts {
	if c.Facts == nil {
		return config.Here(nil)
	}
	return c.Facts()
}

func color(t Terminal) config.Color {
	if t.Color {
		return config.Colors
	}
	return config.Plain
}

// missing says that this build lacks what a command needs.
func missing(what string) error {
	return &failure{fmt.Errorf("cannot %s: this build has no kernel behind it", what), exitFailed, "use a release for Linux"}
}

// level is the flag --log-level.
type level slog.Level

func levelFlag(cmd *cobra.Command) *level {
	l := level(slog.LevelInfo)
	cmd.Flags().Var(&l, "log-level", "lowest `level` that is logged: debug, info, warn or error")
	return &l
}

// String, Set and Type implement pflag.Value.
func (l *level) String() string { return strings.ToLower(slog.Level(*l).String()) }

func (l *level) Set(s string) error {
	switch s {
	case "debug", "info", "warn", "error":
		return (*slog.Level)(l).UnmarshalText([]byte(s))
	}
	return fmt.Errorf("it is one of debug, info, warn, error")
}

func (l *level) Type() string { return "level" }
