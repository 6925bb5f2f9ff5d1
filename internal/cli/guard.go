package cli

import (
	"log/slog"

	"github.com/spf13/cobra"
)

// newGuard is for the daemon alone, which starts its guardian with it.
func newGuard(c Commands, t Terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:    "guard",
		Short:  "Watch over a daemon: it starts this by itself",
		Hidden: true,
		Args:   noArguments,
	}
	gate := cmd.Flags().Int("gate", 0, "how many `files` of the gate are open")
	cmd.RunE = func(*cobra.Command, []string) error {
		if c.Guard == nil {
			return missing("guard a daemon")
		}
		return c.Guard(GuardOptions{Gate: *gate, Log: newLogger(t, logAuto, slog.LevelInfo)})
	}
	return cmd
}
