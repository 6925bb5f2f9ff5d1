package cluster

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"go.etcd.io/etcd/etcdutl/v3/snapshot"
	"go.uber.org/zap"
)

// bump is by how much revisions grow with a restored snapshot: more than were
// written since it was taken, so that none comes twice.
const bump = 1_000_000_000

// ErrRuns is the error of a Restore beside a member that runs.
var ErrRuns = errors.New("the daemon runs: stop it first, on all nodes and witnesses")

// Restore makes the data of one member of a snapshot. It is done for all of
// them, with the same file, while none runs: they are a new cluster. What was
// there is put aside.
func Restore(s Spec, file string) error {
	own, err := s.own()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return fmt.Errorf("cannot make the member's directory: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	unlock, err := lock(ctx, s.Dir)
	if errors.Is(err, context.DeadlineExceeded) {
		return ErrRuns
	}
	if err != nil {
		return err
	}
	defer unlock()
	m, err := remember(s.Dir)
	if err != nil {
		return err
	}
	sum, err := digest(file)
	if err != nil {
		return fmt.Errorf("cannot read snapshot: %w", err)
	}
	// The token is made of the snapshot, which all members have.
	next := memory{Seed: m.Seed, Began: true, Formation: map[string]string{"/snapshot": sum}}
	urls := s.urls()
	var initial []string
	for _, name := range slices.Sorted(maps.Keys(urls)) {
		initial = append(initial, name+"="+urls[name])
	}
	fresh := dataDir(s.Dir) + ".restored"
	if err := os.RemoveAll(fresh); err != nil {
		return fmt.Errorf("cannot restore: %w", err)
	}
	err = snapshot.NewV3(zap.NewNop()).Restore(snapshot.RestoreConfig{
		SnapshotPath: file, Name: s.Name, OutputDataDir: fresh, PeerURLs: []string{own.peerURL()},
		InitialCluster: strings.Join(initial, ","), InitialClusterToken: token(next.Formation),
		RevisionBump: bump, MarkCompacted: true,
	})
	if err != nil {
		_ = os.RemoveAll(fresh)
		return fmt.Errorf("cannot restore %s: %w", file, err)
	}
	old := dataDir(s.Dir) + ".before"
	if err := os.RemoveAll(old); err != nil {
		return fmt.Errorf("cannot restore: %w", err)
	}
	if err := os.Rename(dataDir(s.Dir), old); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("cannot put aside what was there: %w", err)
	}
	if err := next.keep(s.Dir); err != nil {
		return err
	}
	if err := os.Rename(fresh, dataDir(s.Dir)); err != nil {
		return fmt.Errorf("cannot restore: %w", err)
	}
	return nil
}

func digest(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)[:12]), nil
}
