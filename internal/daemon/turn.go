package daemon

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/linux/hands"
	"github.com/holdfast-net/holdfast/internal/linux/pidfd"
)

// How long a daemon that starts waits for the one before it, and for who
// cleans up after that. Both take milliseconds.
const (
	cleaningBound = 2 * time.Second
	evictionBound = 5 * time.Second
)

// turn takes the right to change addresses here. Where a daemon has it, that is
// an error. Who cleans up after one that was killed is waited for; and a guardian
// that is at it and does not get on, because it was stopped or is starved, is
// ended: its daemon is dead, and this one does what it did not get to.
func (d *Daemon) turn() (*hands.Turn, error) {
	for begun := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		t, err := hands.TakeTurn()
		waited := time.Since(begun)
		if err == nil || !errors.Is(err, hands.ErrLocked) || working() || waited > evictionBound {
			return t, err
		}
		if pid, at := hands.Cleaner(); at && waited > cleaningBound {
			switch ended, err := evict(pid); {
			case err != nil:
				d.opt.Log.Warn("cannot begin yet", "err", err)
			case ended:
				d.note(api.Event{Kind: "notice", Code: "HF2113", Reason: fmt.Sprintf(
					"the guardian of a run before this one (process %d) was in the middle of its work and did not get on for %s: it was ended, and this run cleans up", pid, cleaningBound)})
			}
		}
	}
}

// evict ends a guardian that has the turn.
func evict(pid int) (ended bool, err error) {
	p, err := pidfd.Open(pid)
	if err != nil {
		return false, nil // it is gone, or not to be seen from here
	}
	defer p.Close()
	// Looked at after it was opened: from then on it is the same process.
	if now, at := hands.Cleaner(); !at || now != pid || !isGuardian(pid) {
		return false, nil
	}
	if err := p.Kill(); err != nil {
		return false, fmt.Errorf("cannot end the guardian of an earlier run: %w", err)
	}
	p.Wait()
	return true, nil
}

// isGuardian says whether a process is one, by its name.
func isGuardian(pid int) bool {
	args, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	words := bytes.Split(args, []byte{0})
	return err == nil && len(words) > 1 && string(words[1]) == GuardCommand
}
