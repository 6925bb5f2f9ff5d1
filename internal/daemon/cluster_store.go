package daemon

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/cluster"
	"github.com/holdfast-net/holdfast/internal/config"
)

// ClusterStore does what `holdfast cluster` says, with or without a daemon.
type ClusterStore struct{}

// Init makes the certificates that are missing, and says which. Made by root,
// they are the packaged daemon's user's to read, but for the authority's key.
func (ClusterStore) Init(cfg *config.Config, dir string) ([]string, error) {
	made, err := cluster.Init(dir, config.VoteKey, memberSpec(cfg, "").Peers)
	who, unknown := user.Lookup(daemonUser)
	if err != nil || unknown != nil || os.Geteuid() != 0 || len(made) == 0 {
		return made, err
	}
	uid, _ := strconv.Atoi(who.Uid) // a number, on Linux
	gid, _ := strconv.Atoi(who.Gid)
	errs := []error{os.Chown(dir, -1, gid), os.Chmod(dir, 0o750)}
	for _, name := range made {
		if name != cluster.AuthorityKey {
			errs = append(errs, os.Chown(filepath.Join(dir, name), uid, gid))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return made, fmt.Errorf("cannot give the certificates to user %s: %w", daemonUser, err)
	}
	return made, nil
}

// daemonUser is who the packaged unit runs the daemon as.
const daemonUser = "holdfast"

// Status describes the store.
func (ClusterStore) Status(ctx context.Context, cfg *config.Config) (api.Cluster, error) {
	a, err := cluster.NewAdmin(memberSpec(cfg, ""))
	if err != nil {
		return api.Cluster{}, err
	}
	defer a.Close()
	r := a.Status(ctx)
	out := api.Cluster{Schema: api.SchemaCluster, Node: cfg.Node, Leader: r.Leader, Majority: r.Majority(), Members: []api.Member{}}
	for i := range r.Members {
		out.Members = append(out.Members, describeMember(&r.Members[i]))
	}
	return out, nil
}

func describeMember(m *cluster.Member) api.Member {
	out := api.Member{Name: m.Name, Address: m.Address, State: "silent", Trouble: m.Trouble, Hint: m.Hint, Alarms: []string{}}
	w := m.Word
	if w == nil {
		return out
	}
	out.State, out.Version, out.Leader = string(w.State), w.Version, w.Leader
	if m.Learner {
		out.State = "learner"
	}
	out.Term, out.Applied, out.Size, out.InUse = w.Term, w.Applied, w.Size, w.InUse
	out.DiskAverage, out.DiskSlowest = api.Duration(w.Disk.Average), api.Duration(w.Disk.Slowest)
	out.Alarms = append(out.Alarms, w.Alarms...)
	return out
}

// Change replaces a member, adds one ("grow") or removes one ("shrink").
func (ClusterStore) Change(ctx context.Context, cfg *config.Config, how, name string) error {
	a, err := cluster.NewAdmin(memberSpec(cfg, ""))
	if err != nil {
		return err
	}
	defer a.Close()
	switch how {
	case "replace":
		return a.Replace(ctx, name)
	case "grow":
		return a.Grow(ctx, name)
	case "shrink":
		return a.Shrink(ctx, name)
	}
	return errors.New("there is no such change")
}

// Snapshot writes what the store has to a file.
func (ClusterStore) Snapshot(ctx context.Context, cfg *config.Config, file string) (int64, error) {
	a, err := cluster.NewAdmin(memberSpec(cfg, ""))
	if err != nil {
		return 0, err
	}
	defer a.Close()
	return a.Snapshot(ctx, file)
}

// Restore makes this node's part of the store of a snapshot.
func (ClusterStore) Restore(cfg *config.Config, file string) error {
	return cluster.Restore(memberSpec(cfg, ""), file)
}
