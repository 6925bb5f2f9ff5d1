package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/holdfast-net/holdfast/vrrp"
)

func newDemo(c Commands, t Terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Watch failovers on this machine: three nodes and a client",
		Long: `Demo makes three nodes and a client out of network namespaces on this machine,
runs a real daemon in each node, and shows what the client notices while the
address is handed over, its holder is killed, frozen and unplugged, and nodes
come back. It ends with a table of all outages.

It needs no other program and no configuration. It runs as root, and without
root where user namespaces are allowed, and it leaves nothing behind.`,
		Example: `  holdfast demo
  holdfast demo --interval 10ms
  holdfast demo --keep
  holdfast demo --json >demo.json`,
		Args: noArguments,
	}
	o := DemoOptions{In: t.In, Out: t.Out, Err: t.Err}
	cmd.Flags().DurationVar(&o.Interval, "interval", 0, "`time` between adverts (default 100ms)")
	cmd.Flags().BoolVar(&o.JSON, "json", false, "one document instead of the show")
	cmd.Flags().BoolVar(&o.Keep, "keep", false, "leave the nodes up until Enter, and say how to look around in them")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if c.Demo == nil {
			return missing("show a demo")
		}
		if cmd.Flags().Changed("interval") && (o.Interval < vrrp.MinInterval || o.Interval > vrrp.MaxInterval) {
			return usage(cmd, fmt.Errorf("--interval takes %s to %s, such as 100ms, not %s", vrrp.MinInterval, vrrp.MaxInterval, o.Interval))
		}
		return c.Demo(cmd.Context(), o)
	}
	return cmd
}
