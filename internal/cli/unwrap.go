package cli

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/spf13/cobra"
)

// UnwrapOptions is the backend's half of a tunnel.
type UnwrapOptions struct {
	Addresses  []netip.Addr // of services
	Interfaces []string     // that packets of tunnels arrive on
	Dir        string       // where the program is kept
}

func newUnwrap(c Commands, t Terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "unwrap ADDRESS...",
		Short: "Take packets out of the tunnels of services: runs on a backend",
		Long: `Unwrap is for a backend of services with forward: tunnel. It takes packets for the
given addresses of services out of the packets (IP in IP, or GUE at UDP port 6080)
that a balancer has sent them in, and hands them to this machine as if they had
come by themselves. What is for other addresses is left alone.

It needs no daemon and no file, and works until it is told to end; should it be
killed, the program in the kernel goes on, and the next run takes it over. The
addresses have to be on this machine (on lo, so that nobody asks who has them).`,
		Example: `  ip address add 192.0.2.10/32 dev lo
  holdfast unwrap 192.0.2.10 --interface eth0`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage(cmd, errors.New("unwrap takes the addresses of services, and there is none"))
			}
			return nil
		},
	}
	on := cmd.Flags().StringSlice("interface", nil, "`name` of an interface that packets of tunnels arrive on (needed; may be given again)")
	dir := cmd.Flags().String("dir", "/run/holdfast-unwrap", "`folder` for what stays when this process is killed")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		o := UnwrapOptions{Interfaces: *on, Dir: *dir}
		for _, arg := range args {
			a, err := netip.ParseAddr(arg)
			if err != nil || a.Zone() != "" {
				return usage(cmd, fmt.Errorf("%q is no address of a service", arg))
			}
			o.Addresses = append(o.Addresses, a.Unmap())
		}
		if len(o.Interfaces) == 0 {
			return usage(cmd, errors.New("--interface is missing: packets of tunnels arrive on one"))
		}
		if c.Unwrap == nil {
			return missing("unwrap anything")
		}
		return c.Unwrap(cmd.Context(), o, func() {
			_, _ = fmt.Fprintf(t.Out, "what comes through tunnels on %s for %s is taken out, until this ends\n", strings.Join(o.Interfaces, ", "), strings.Join(args, ", "))
		})
	}
	return cmd
}

// Unwrapper begins, calls ready, and ends in order with the context.
type Unwrapper func(ctx context.Context, o UnwrapOptions, ready func()) error
