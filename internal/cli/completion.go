package cli

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-net/holdfast/internal/api"
)

func newCompletion(t Terminal) *cobra.Command {
	return &cobra.Command{
		Use:   "completion bash|zsh|fish|powershell",
		Short: "Print a completion script for a shell",
		Long: `Completion prints a script that lets a shell complete holdfast's commands and
flags, and the names of groups and nodes, for which it asks the daemon.`,
		Example: `  holdfast completion bash >/etc/bash_completion.d/holdfast
  holdfast completion zsh >"${fpath[1]}/_holdfast"
  holdfast completion fish >~/.config/fish/completions/holdfast.fish`,
		Args:      oneOf("bash", "zsh", "fish", "powershell"),
		ValidArgs: []string{"bash", "zsh", "fish", "powershell"},
		RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			switch args[0] {
			case "bash":
				return written(root.GenBashCompletionV2(t.Out, true))
			case "zsh":
				return written(root.GenZshCompletion(t.Out))
			case "fish":
				return written(root.GenFishCompletion(t.Out, true))
			case "powershell":
				return written(root.GenPowerShellCompletionWithDesc(t.Out))
			}
			return usage(cmd, fmt.Errorf("there is no completion for %q", args[0]))
		},
	}
}

// completionWait is how long a person who presses tab waits for a daemon.
const completionWait = time.Second

// completeGroups completes an argument, one, that is a group's name.
func completeGroups(t Terminal) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var out []cobra.Completion
		for _, g := range asked(cmd, t).Groups {
			out = append(out, cobra.CompletionWithDesc(g.Name, g.State+", "+addresses(g.Addresses)))
		}
		return out, cobra.ShellCompDirectiveNoFileComp
	}
}

// completeNodes completes a node's name, from those heard in the group.
func completeNodes(t Terminal) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		var out []cobra.Completion
		for _, g := range asked(cmd, t).Groups {
			if len(args) > 0 && g.Name != args[0] {
				continue
			}
			for _, p := range g.Peers {
				if p.Holdfast && p.Node != "" && !slices.Contains(out, p.Node) {
					out = append(out, p.Node)
				}
			}
		}
		return out, cobra.ShellCompDirectiveNoFileComp
	}
}

// asked is the daemon's status, or an empty one: a completion that fails is
// an empty completion.
func asked(cmd *cobra.Command, t Terminal) *api.Status {
	socket := defaultSocket(t)
	if f := cmd.Flags().Lookup("socket"); f != nil && f.Changed {
		socket = f.Value.String()
	}
	ctx := cmd.Context()
	if ctx == nil {
		ctx = context.Background()
	}
	ctx, cancel := context.WithTimeout(ctx, completionWait)
	defer cancel()
	s, err := dial(&socket).Status(ctx)
	if err != nil {
		return &api.Status{}
	}
	return s
}
