package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/config"
)

// ClusterStore is the store that the members of a cluster make up.
type ClusterStore interface {
	// Init makes the certificates that are missing, and says which.
	Init(cfg *config.Config, dir string) ([]string, error)
	Status(ctx context.Context, cfg *config.Config) (api.Cluster, error)
	// Change does one of replace, grow and shrink with a member.
	Change(ctx context.Context, cfg *config.Config, how, name string) error
	// Snapshot writes what the store has to a file, and says how many bytes.
	Snapshot(ctx context.Context, cfg *config.Config, file string) (int64, error)
	// Restore makes this node's part of the store of such a file.
	Restore(cfg *config.Config, file string) error
}

func newCluster(c Commands, t Terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "cluster",
		Short: "Look at the store of a cluster, and change its members",
		Long: `Cluster is about the store that the nodes and witnesses of a cluster make up for
the leases of groups (cluster: {store: embedded} in the file; docs/cluster.md).
It talks to the members themselves, with the certificates that the file names:
the daemon of this node need not run. Run it as root, on any node.

  init             make the certificates and keys that are missing
  status           how the store and each member of it is
  replace NAME     make a member anew that lost its data, or its machine
  grow NAME        add a member that the file names
  shrink NAME      remove a member
  snapshot FILE    write what the store has to a file
  restore FILE     begin anew with it, on each node, while no daemon runs`,
		Example: `  holdfast cluster init
  holdfast cluster status
  holdfast cluster status -o json | jq -r '.members[] | select(.trouble) | .name'
  holdfast cluster replace lb2`,
		SuggestionsMinimumDistance: 2,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := unknownCommand(cmd, args); err != nil {
				return err
			}
			return helpInstead(cmd)
		},
	}
	cmd.AddCommand(
		newClusterInit(c, t), newClusterStatus(c, t),
		newClusterChange(c, t, "replace", "Make a member anew that lost its data, or its machine", "is expected, and is a member again once its daemon runs and it has everything"),
		newClusterChange(c, t, "grow", "Add a member that the file names", "is expected, and is a member once its daemon runs and it has everything"),
		newClusterChange(c, t, "shrink", "Remove a member", "is no member any more: take it out of the file of all nodes, and restart it without the store"),
		newClusterSnapshot(c, t), newClusterRestore(c, t),
	)
	return cmd
}

// withStore loads a file that has a store. Where secrets are not needed they
// are not looked for: they may be what is to be made.
func withStore(c Commands, path string, f config.Facts) (*config.Config, error) {
	if c.Cluster == nil {
		return nil, missing("reach a store")
	}
	cfg, diags := config.Load(path, f)
	switch {
	case diags.HasErrors():
		return nil, badConfig("use "+path, diags)
	case cfg.Cluster == nil || cfg.Cluster.Store == nil:
		return nil, &failure{fmt.Errorf("cannot find a store in %s", path), exitBadConfig, "add to it: cluster: {nodes: {…}, store: embedded}"}
	}
	return cfg, nil
}

func onlyNames(c Commands) config.Facts { return config.Facts{Hostname: facts(c).Hostname} }

func newClusterInit(c Commands, t Terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Make the certificates and keys that are missing",
		Long: `Init makes an authority, a certificate for each node and witness that the file
names, and the key of the votes, and says which file goes where. What is there
already stays: after another node was added to the file it makes that node's.`,
		Args: noArguments,
	}
	path := configFlag(cmd)
	dir := cmd.Flags().String("dir", "", "`directory` to make them in, in place of the file's")
	cmd.RunE = func(*cobra.Command, []string) error {
		cfg, err := withStore(c, *path, onlyNames(c))
		if err != nil {
			return err
		}
		in := cfg.Cluster.Store.Certificates
		if *dir != "" {
			in = *dir
		}
		made, err := c.Cluster.Init(cfg, in)
		for _, name := range made {
			if _, err := fmt.Fprintln(t.Out, "made "+filepath.Join(in, name)); err != nil {
				return written(err)
			}
		}
		if err != nil {
			return err
		}
		if len(made) == 0 {
			_, err := fmt.Fprintf(t.Out, "nothing is missing in %s\n", in)
			return written(err)
		}
		return t.nextSteps(cfg, in, *dir == "")
	}
	return cmd
}

// nextSteps says which file goes where.
func (t Terminal) nextSteps(cfg *config.Config, in string, here bool) error {
	to := cfg.Cluster.Store.Certificates
	say := func(format string, args ...any) error {
		_, err := fmt.Fprintf(t.Out, format+"\n", args...)
		return written(err)
	}
	if err := say("\nCopy to each node and witness, into %s, readable by nobody but the daemon's user:", to); err != nil {
		return err
	}
	for _, v := range slices.Concat(cfg.Cluster.Nodes, cfg.Cluster.Witnesses) {
		files := fmt.Sprintf("ca.crt %s.crt %s.key %s", v.Name, v.Name, config.VoteKey)
		if here && v.Name == cfg.Node {
			if err := say("  %-12s (this node: they are there)", v.Name); err != nil {
				return err
			}
			continue
		}
		if err := say("  %-12s %s", v.Name, files); err != nil {
			return err
		}
	}
	return say("Keep %s somewhere safe, off the nodes: who has it can be a member. It is needed again to add one.", filepath.Join(in, "ca.key"))
}

func newClusterStatus(c Commands, t Terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "status",
		Short: "How the store and each member of it is",
		Long: `Status asks every member that the file names how it is. The exit code is 0 if all
is well, 20 if a member needs attention, 21 if the store has no majority.`,
		Args: noArguments,
	}
	path := configFlag(cmd)
	form := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := withStore(c, *path, onlyNames(c))
		if err != nil {
			return err
		}
		s, err := c.Cluster.Status(cmd.Context(), cfg)
		if err != nil {
			return doing("ask the store", err)
		}
		if *form == jsonForm {
			err = writeJSON(t.Out, s)
		} else {
			err = t.clusterStatus(&s)
		}
		switch {
		case err != nil:
			return err
		case !s.Majority:
			return status(exitNoHolder)
		case !s.OK():
			return status(exitDegraded)
		}
		return nil
	}
	return cmd
}

func newClusterChange(c Commands, t Terminal, how, short, done string) *cobra.Command {
	cmd := &cobra.Command{Use: how + " NAME", Short: short, Long: short + ". See docs/cluster.md.", Args: func(cmd *cobra.Command, args []string) error {
		if len(args) != 1 {
			return usage(cmd, errors.New("it takes the name of one member"))
		}
		return nil
	}}
	path := configFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cfg, err := withStore(c, *path, onlyNames(c))
		if err != nil {
			return err
		}
		if err := c.Cluster.Change(cmd.Context(), cfg, how, args[0]); err != nil {
			return &failure{fmt.Errorf("cannot %s %s: %w", how, args[0], err), exitFailed, "holdfast cluster status says how the members are"}
		}
		_, err = fmt.Fprintf(t.Out, "%s %s\n", args[0], done)
		return written(err)
	}
	return cmd
}

func newClusterSnapshot(c Commands, t Terminal) *cobra.Command {
	cmd := &cobra.Command{Use: "snapshot FILE", Short: "Write what the store has to a file", Long: "Snapshot writes what the store has to a file, which restore reads.", Args: oneFile}
	path := configFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cfg, err := withStore(c, *path, onlyNames(c))
		if err != nil {
			return err
		}
		size, err := c.Cluster.Snapshot(cmd.Context(), cfg, args[0])
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(t.Out, "%s has %d bytes\n", args[0], size)
		return written(err)
	}
	return cmd
}

func newClusterRestore(c Commands, t Terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use: "restore FILE", Short: "Begin anew with what a snapshot has",
		Long: `Restore makes this node's part of the store of a snapshot. Stop the daemons of all
nodes and witnesses, restore the same file on all of them, and start them again.
What was there is put aside.`,
		Args: oneFile,
	}
	path := configFlag(cmd)
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		cfg, err := withStore(c, *path, onlyNames(c))
		if err != nil {
			return err
		}
		if err := c.Cluster.Restore(cfg, args[0]); err != nil {
			return doing("restore", err)
		}
		_, err = fmt.Fprintf(t.Out, "%s begins anew with %s: do the same on all other nodes and witnesses, then start the daemons\n", cfg.Node, args[0])
		return written(err)
	}
	return cmd
}

func oneFile(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usage(cmd, errors.New("it takes one file"))
	}
	return nil
}
