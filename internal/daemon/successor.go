package daemon

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime/debug"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/internal/hold"
	"github.com/holdfast-net/holdfast/internal/linux/realtime"
)

// How long the new process is waited for.
const (
	readyBound  = 10 * time.Second // until it is ready: this one works meanwhile
	standsBound = 20 * time.Second // until it has a guardian
	deathBound  = 5 * time.Second  // until one that was killed is dead
)

// successor is the process that is to go on, as the one before it sees it.
type successor struct {
	*will
	cmd   *exec.Cmd
	ended chan struct{}
	taken word
}

// startSuccessor starts the file that this program was started from, as it is
// on the disk now.
func startSuccessor(o offer, gate []*os.File, env []string) (*successor, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot make a socket: %w", err)
	}
	ours, theirs := os.NewFile(uintptr(fds[0]), "will"), os.NewFile(uintptr(fds[1]), "will")
	defer ours.Close()
	defer theirs.Close()
	s := &successor{ended: make(chan struct{})}
	if s.will, err = newWill(ours); err != nil {
		return nil, err
	}
	s.cmd = &exec.Cmd{Path: self(), Args: os.Args, Stdout: os.Stdout, Stderr: os.Stderr}
	s.cmd.Env = append(os.Environ(), append(env, heirVariable+"="+strconv.Itoa(len(gate)))...)
	s.cmd.ExtraFiles = append([]*os.File{theirs}, gate...)
	// Until the new process has its program, which on a busy machine takes it
	// a while, the thread that made it cannot be stopped. A collection would
	// wait for it, and everything else for the collection.
	percent := debug.SetGCPercent(-1)
	err = realtime.Start(s.cmd)
	debug.SetGCPercent(percent)
	if err != nil {
		_ = s.conn.Close()
		return nil, fmt.Errorf("cannot start %s: %w", s.cmd.Path, err)
	}
	// It is no program of somebody else: it is spared as this one is.
	if b, err := os.ReadFile("/proc/self/oom_score_adj"); err == nil {
		_ = os.WriteFile(fmt.Sprintf("/proc/%d/oom_score_adj", s.pid()), b, 0)
	}
	go func() {
		_ = s.cmd.Wait()
		close(s.ended)
	}()
	if err := s.say(o); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot talk to the new process: %w", err), s.kill())
	}
	return s, nil
}

func (s *successor) pid() int { return s.cmd.Process.Pid }

// expect waits for a word.
func (s *successor) expect(what string, within time.Duration, ok func(word) bool) (word, error) {
	var w word
	switch err := s.hear(&w, within); {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return w, fmt.Errorf("it was not %s within %s", what, within)
	case err != nil:
		return w, fmt.Errorf("it ended before it was %s", what)
	case w.Error != "":
		return w, errors.New(w.Error)
	case !ok(w):
		return w, fmt.Errorf("it said something else before it was %s", what)
	}
	return w, nil
}

// errGone says that the new process took everything over and is no more.
var errGone = errors.New("it took over and ended")

// give hands the estate over. It is called by the engine's loop, for which
// nothing happens meanwhile. Without an error the other one goes on. With one
// it is dead, and has never acted; but for errGone, after which this process
// must not go on either.
func (s *successor) give(es *engine.Estate) error {
	bound := patience(es)
	_ = s.conn.SetWriteDeadline(time.Now().Add(bound))
	err := s.say(es)
	if err == nil {
		s.taken, err = s.expect("taking over", bound, func(w word) bool { return w.Taken })
	}
	if err == nil {
		return nil
	}
	if death := s.kill(); death != nil {
		return errors.Join(errGone, err, death)
	}
	// It acts on nothing before it has said that it takes over.
	for {
		var w word
		if s.hear(&w, time.Second) != nil {
			return err
		}
		if w.Taken {
			return errors.Join(errGone, err)
		}
	}
}

// patience is how long a new process may take to take over: then there is still
// time for this one to go on before the first hold ends.
func patience(es *engine.Estate) time.Duration {
	const least, most = 10 * time.Millisecond, time.Second
	d := 2 * most
	for i := range es.Units {
		for j := range es.Units[i].Routers {
			if k := es.Units[i].Routers[j].Keeper; k.Level == hold.Holding {
				d = min(d, k.Doors.Announced.Sub(es.Drawn))
			}
		}
	}
	return max(d/2, least)
}

// kill ends the new process, and returns when it is dead.
func (s *successor) kill() error {
	_ = s.cmd.Process.Kill()
	select {
	case <-s.ended:
		return nil
	case <-time.After(deathBound):
		return fmt.Errorf("cannot end process %d", s.pid())
	}
}
