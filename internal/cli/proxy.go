package cli

import "github.com/spf13/cobra"

// newProxy is for the daemon alone, which starts the process that joins the
// connections of its services with it.
func newProxy(c Commands) *cobra.Command {
	return &cobra.Command{
		Use:    "proxy",
		Short:  "Join the connections of a daemon's services: the daemon starts this by itself",
		Hidden: true,
		Args:   noArguments,
		RunE: func(*cobra.Command, []string) error {
			if c.Proxy == nil {
				return missing("be a proxy")
			}
			return c.Proxy()
		},
	}
}
