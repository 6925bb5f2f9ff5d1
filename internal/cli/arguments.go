package cli

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// noArguments is for commands that have flags only.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return usage(cmd, fmt.Errorf("%s takes no argument, and %q is one", cmd.Name(), args[0]))
}

// oneArgument is for commands that need one, what says which.
func oneArgument(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 1 {
			return nil
		}
		return usage(cmd, fmt.Errorf("%s takes one argument, %s, not %d", cmd.Name(), what, len(args)))
	}
}

// atMostOneArgument is for commands that can do without.
func atMostOneArgument(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) <= 1 {
			return nil
		}
		return usage(cmd, fmt.Errorf("%s takes one argument at most, %s, not %d", cmd.Name(), what, len(args)))
	}
}

// oneOf is for commands that need one of some words.
func oneOf(words ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 1 && slices.Contains(words, args[0]) {
			return nil
		}
		got := "none is given"
		if len(args) > 0 {
			got = "not " + strings.Join(args, " ")
		}
		return usage(cmd, fmt.Errorf("%s takes one of %s: %s", cmd.Name(), strings.Join(words, ", "), got))
	}
}

// groupForStatus also catches an interval that was meant for --watch, which
// takes one only behind an equals sign.
func groupForStatus(cmd *cobra.Command, args []string) error {
	if len(args) == 1 && cmd.Flags().Changed("watch") {
		if _, err := time.ParseDuration(args[0]); err == nil {
			return usage(cmd, fmt.Errorf("an interval is written --watch=%s", args[0]))
		}
	}
	return atMostOneArgument("the name of a group")(cmd, args)
}
