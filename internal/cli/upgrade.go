package cli

import (
	"time"

	"github.com/spf13/cobra"
)

func newUpgrade(t Terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "upgrade",
		Short: "Replace the running program by the installed one, without a move",
		Long: `Upgrade makes the daemon start its program anew, from the file that is on the disk
now, and hand everything over to the new process: addresses, gates, what it holds
and what it was promised. No group moves and no advert is late; nobody on the LAN
sees a difference. Run it after a new version was installed, instead of a restart.

The new process makes everything ready while the old one works. Where it cannot,
because it ends, hangs, or refuses the file, the old one goes on undisturbed and
the answer says why. The file has to be the one that is in force: reload first.`,
		Example: `  apt-get install holdfast && holdfast upgrade`,
		Args:    noArguments,
	}
	socket := socketFlag(cmd, t)
	form := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		begin := time.Now()
		r, err := dial(socket).Upgrade(cmd.Context())
		if err != nil {
			return doing("upgrade", err)
		}
		return t.result(*form, "upgrade", r, time.Since(begin))
	}
	return cmd
}
