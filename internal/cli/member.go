package cli

import "github.com/spf13/cobra"

// newMember is for the daemon alone, which starts its member of the cluster's
// store with it.
func newMember(c Commands) *cobra.Command {
	return &cobra.Command{
		Use:    "member",
		Short:  "Be a member of a cluster's store: the daemon starts this by itself",
		Hidden: true,
		Args:   noArguments,
		RunE: func(*cobra.Command, []string) error {
			if c.Member == nil {
				return missing("be a member of a store")
			}
			return c.Member()
		},
	}
}
