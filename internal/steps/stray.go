package steps

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/holdfast-net/holdfast/internal/order"
	"github.com/holdfast-net/holdfast/internal/program"
)

// When the daemon is killed, the kernel kills the program that runs for it, but
// not what that has started. Such a process must not work on while the next
// daemon undoes the step. So every program of a step carries a mark
// (program.Mark), and the mark is on disk while the program runs: as the name of
// an empty file, GROUP.MARK.run beside the book. Who finds such a file ends what
// carries the mark. A program that has ended by itself leaves no file, and what
// it has left in the background on purpose is not touched.
//
// The file is not synced: what outlives the machine's end is of no use, for its
// processes do not.
const running = ".run"

// marks is how long a file system has to take a mark, or to forget it.
const marks = time.Second

// note writes a mark down, and returns what erases it. Where that takes too
// long, nothing is begun; what has to be undone is undone all the same.
func (r *Runner) note(run *order.Run, mark program.Mark) (erase func(), err error) {
	path := filepath.Join(r.opt.Dir, url.PathEscape(run.Group)+"."+string(mark)+running)
	var mu sync.Mutex
	over := false
	err = within(marks, func() error {
		mu.Lock()
		defer mu.Unlock()
		if over {
			return nil
		}
		if err := os.MkdirAll(r.opt.Dir, 0o700); err != nil {
			return err
		}
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o600)
		if err != nil {
			return err
		}
		return f.Close()
	})
	erase = func() {
		// Where it cannot be, the next daemon looks for nothing.
		_ = within(marks, func() error {
			mu.Lock()
			defer mu.Unlock()
			over = true
			return os.Remove(path)
		})
	}
	if err != nil && run.Direction == order.Taking {
		erase()
		return nil, fmt.Errorf("cannot write down what runs: %w", err)
	}
	return erase, nil
}

// within does something in a goroutine, and waits for it for a while.
func within(d time.Duration, do func() error) error {
	done := make(chan error, 1)
	go func() { done <- do() }()
	select {
	case err := <-done:
		return err
	case <-time.After(d):
		return fmt.Errorf("the disk has not answered within %s", d)
	}
}

// stray is a run that an earlier process had begun and not ended.
type stray struct {
	group string
	mark  program.Mark
	path  string
}

// strays lists them; group empty: those of all groups.
func (r *Runner) strays(group string) ([]stray, error) {
	entries, err := os.ReadDir(r.opt.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot look for what an earlier process runs: %w", err)
	}
	var out []stray
	for _, e := range entries {
		name, is := strings.CutSuffix(e.Name(), running)
		dot := strings.LastIndexByte(name, '.')
		if !is || dot < 0 {
			continue
		}
		of, err := url.PathUnescape(name[:dot])
		if err != nil || group != "" && of != group {
			continue
		}
		out = append(out, stray{of, program.Mark(name[dot+1:]), filepath.Join(r.opt.Dir, e.Name())})
	}
	return out, nil
}

// end kills what carries the mark, and returns when there is nothing any more.
func (s *stray) end(ctx context.Context) (killed []int, err error) {
	for {
		left := program.KillMarked(s.mark)
		if len(left) == 0 {
			if err := os.Remove(s.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return killed, fmt.Errorf("cannot forget what an earlier process ran: %w", err)
			}
			return killed, nil
		}
		for _, pid := range left {
			if !slices.Contains(killed, pid) {
				killed = append(killed, pid)
			}
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return killed, fmt.Errorf("process %d, which an earlier daemon had begun for group %s, was killed and does not end (see /proc/%d/stack for what it waits for)", left[0], s.group, left[0])
		}
	}
}

// Sweep ends what still runs of the steps that a dead process had begun, of all
// groups, and says what it did. Call it before anything is begun, and never
// while that process may live. What does not end in time is waited for before
// the next step of its group.
func (r *Runner) Sweep(ctx context.Context, say func(group, text string)) error {
	all, err := r.strays("")
	for i := range all {
		s := &all[i]
		killed, ended := s.end(ctx)
		if len(killed) > 0 {
			say(s.group, fmt.Sprintf("what an earlier daemon had begun still ran and was killed: process %s", list(killed)))
		}
		err = errors.Join(err, ended)
	}
	return err
}

// clear is the same for one group, before its first step.
func (r *Runner) clear(ctx context.Context, group string, w *worker) error {
	if w.alone {
		return nil
	}
	all, err := r.strays(group)
	if err != nil {
		return err
	}
	for i := range all {
		if _, err := all[i].end(ctx); err != nil {
			return err
		}
	}
	w.alone = true
	return nil
}

func list(pids []int) string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(pids), " ", ", "), "[]")
}
