package hands

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// Turn is the right to change addresses in this network namespace. One process
// has it at a time: a daemon for as long as it works ([Hands] has it), and who
// cleans up after one that was killed. It ends with its process, too.
type Turn struct{ unlock func() }

// TakeTurn takes it, or fails with ErrLocked: also while a process stands ready
// to go on in the place of a daemon, whose addresses are no leftovers then.
func TakeTurn() (*Turn, error) {
	if pid, waits := Heir(); waits {
		return nil, &heldBy{pid}
	}
	return takeTurn()
}

func takeTurn() (*Turn, error) {
	unlock, err := lock(turnName)
	if err != nil {
		return nil, err
	}
	return &Turn{unlock}, nil
}

// End gives it back.
func (t *Turn) End() {
	if t.unlock != nil {
		t.unlock()
		t.unlock = nil
	}
}

// Queue stands ready to go on in the place of the daemon that works here: the
// turn is the caller's as soon as that one ends. It lasts until [New] has it.
func Queue() (*Turn, error) {
	unlock, err := lock(heirName)
	if err != nil {
		return nil, err
	}
	return &Turn{unlock}, nil
}

// Heir says whether somebody does, and which process it is.
func Heir() (pid int, waits bool) { return has(heirName) }

// Daemon says whether a daemon works in this network namespace, and which
// process it is; 0 where that cannot be seen from here.
func Daemon() (pid int, works bool) { return has(daemonName) }

// Cleaner is the process that has the turn and is no daemon.
func Cleaner() (pid int, works bool) {
	if _, works := Daemon(); works {
		return 0, false
	}
	return has(turnName)
}

// has says who has a name. Without touching it: who asks must not look like
// somebody who works.
func has(name string) (pid int, held bool) {
	who, err := asked(name)
	switch {
	case errors.Is(err, unix.EAGAIN): // many have asked, and it does not answer
		return 0, true
	case err != nil, who.Uid != 0 && int(who.Uid) != os.Geteuid():
		return 0, false
	}
	return int(who.Pid), true
}
