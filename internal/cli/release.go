package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/holdfast-net/holdfast/internal/config"
)

func newRelease(c Commands, t Terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "release",
		Short: "Remove what a daemon that was killed left in the kernel",
		Long: `Release takes the addresses and interfaces away that a daemon put there and could
not remove, because it was killed. It is meant for ExecStopPost= of the systemd
unit; a daemon that starts does the same by itself. After an orderly end it
finds nothing.

It must not run while the daemon does.`,
		Example: `  holdfast release
  holdfast release --socket /tmp/lb1.sock`,
		Args: noArguments,
	}
	path := configFlag(cmd)
	socket := cmd.Flags().String("socket", "", "`path` of the daemon's control socket, in place of the file's")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if c.Release == nil {
			return missing("release anything")
		}
		did, err := c.Release(cmd.Context(), socketOf(t, *socket, *path))
		for _, what := range did {
			if _, err := fmt.Fprintln(t.Out, oneLine(what)); err != nil {
				return written(err)
			}
		}
		if err != nil {
			return fmt.Errorf("cannot release what was left: %w", err)
		}
		return nil
	}
	return cmd
}

// socketOf finds the daemon's socket: as given, else from its file. A file
// that cannot be used must not keep addresses from being released.
func socketOf(t Terminal, given, path string) string {
	if given != "" {
		return given
	}
	if cfg, _ := config.Load(path, config.Facts{Hostname: "any"}); cfg != nil && cfg.Control.Socket != "" {
		return cfg.Control.Socket
	}
	return defaultSocket(t)
}
