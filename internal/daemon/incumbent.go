package daemon

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/api/client"
	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/journal"
	"github.com/holdfast-net/holdfast/internal/linux/hands"
)

// incumbent is the daemon that works here already as a part of this service.
// That happens when the main process of the service was killed in the middle of
// an upgrade, after it had handed everything over: the new process holds, and the
// service manager does not know it and starts another one, which is this one.
func (d *Daemon) incumbent(ctx context.Context, socket string) (pid int, is bool) {
	if !d.managed || d.notify.conn == nil || d.heir != nil {
		return 0, false
	}
	// One that hangs is not worth it: this process fails then, and the manager
	// tries again.
	for begun := time.Now(); time.Since(begun) < incumbentBound; time.Sleep(5 * time.Millisecond) {
		pid, works := hands.Daemon()
		if !works {
			// It is not done with taking over, or will not: then it ends.
			if pid, works = hands.Heir(); !works {
				return 0, false
			}
		}
		if pid <= 0 || !sameService(pid) {
			return 0, false
		}
		ask, cancel := context.WithTimeout(ctx, time.Second)
		_, err := client.Dial(socket).Status(ask)
		cancel()
		if err == nil {
			return pid, true
		}
	}
	return 0, false
}

// incumbentBound is how long one may need until it can be asked.
const incumbentBound = 5 * time.Second

// sameService says whether a process is in this one's control group, other than
// that of all.
func sameService(pid int) bool {
	mine, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return false
	}
	theirs, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
	return err == nil && string(mine) == string(theirs)
}

// present tells the service manager who really is the main process of its
// service. It believes this process, which it takes for that (sd_notify(3)).
func (d *Daemon) present(pid int) {
	d.opt.Log.Warn("another process of this service works and holds: it is the main process from now on, and this one ends", "process", pid)
	d.notify.send(fmt.Sprintf("MAINPID=%d\nREADY=1", pid))
}

// openJournal opens it. The directory may still be that of a process which the
// kernel is just taking down.
func (d *Daemon) openJournal(cfg *config.Config) error {
	var j *journal.Journal
	var err error
	for begun := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		j, err = journal.Open(cfg.State, journal.Options{})
		if !errors.Is(err, journal.ErrBusy) || d.heir != nil || working() || time.Since(begun) > time.Second {
			break
		}
	}
	if errors.Is(err, journal.ErrBusy) {
		return err // a second daemon by mistake
	}
	if err != nil {
		// An address matters more than its history.
		j = journal.Memory()
		defer d.note(api.Event{Kind: "notice", Code: "HF2105", Reason: fmt.Sprintf("the journal is kept in memory only: %v", err)})
	}
	d.journal = j
	return nil
}
