package steps

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/holdfast-net/holdfast/internal/order"
)

const suffix = ".json"

func (r *Runner) path(group string) string {
	return filepath.Join(r.opt.Dir, url.PathEscape(group)+suffix)
}

// Load reads the book of a group; one that was never written is empty. An error
// means that nobody knows what was begun: the group must not be taken.
func (r *Runner) Load(group string) (order.Book, error) {
	var b order.Book
	data, err := os.ReadFile(r.path(group))
	if errors.Is(err, fs.ErrNotExist) {
		return b, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &b)
	}
	if err != nil {
		return order.Book{}, fmt.Errorf("cannot read which steps of group %s were begun: %w", group, err)
	}
	return b, nil
}

// Groups are those that have a book with something begun, also those that are
// not in the file any more.
func (r *Runner) Groups() ([]string, error) {
	entries, err := os.ReadDir(r.opt.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot look for steps that were begun: %w", err)
	}
	var out []string
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), suffix)
		group, bad := url.PathUnescape(name)
		if !ok || bad != nil {
			continue
		}
		b, err := r.Load(group)
		if err != nil {
			return nil, err
		}
		if len(b.Begun) > 0 {
			out = append(out, group)
		}
	}
	return out, nil
}

// save writes a book so that a crash, of the daemon or of the machine, leaves
// either the old one or the new one. It has what agents are told, passwords
// among it: nobody else may read it.
func (r *Runner) save(group string, b order.Book) error {
	err := r.replace(group, b)
	if err != nil {
		return fmt.Errorf("cannot write down which steps are begun: %w", err)
	}
	return nil
}

func (r *Runner) replace(group string, b order.Book) error {
	data, err := json.Marshal(b)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(r.opt.Dir, 0o700); err != nil {
		return err
	}
	path := r.path(group)
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append(data, '\n'))
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	// The name is in the directory, which has a cache of its own (fsync(2)).
	dir, err := os.Open(r.opt.Dir)
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}
