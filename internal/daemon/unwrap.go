package daemon

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/holdfast-net/holdfast/internal/balance/bpf"
	"github.com/holdfast-net/holdfast/internal/linux/bpffs"
)

// Unwrap is the whole life of a backend's half of a tunnel: from when it is
// ready until the context ends. What one that was killed has left in the folder
// is taken over.
func Unwrap(ctx context.Context, dir string, u bpf.Unwrapping, ready func()) error {
	var err error
	if u.Dir, err = bpffs.Folder(filepath.Join(dir, "bpf"), "unwrap "+dir); err != nil {
		return err
	}
	if err := u.Start(); err != nil {
		return errors.Join(err, u.Stop(), bpffs.Release(u.Dir))
	}
	ready()
	<-ctx.Done()
	return errors.Join(u.Stop(), bpffs.Release(u.Dir))
}
