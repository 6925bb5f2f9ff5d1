package program

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// Mark tells one run of a program from all others, also from those of other
// processes and of other times. It is in the environment of the program, and
// stays with whatever that starts, also with what leaves its process group.
type Mark string

// runs numbers the runs of this process.
var runs atomic.Uint64

// NewMark makes one.
func NewMark() Mark {
	return Mark(fmt.Sprintf("%d-%s-%d", os.Getpid(), strconv.FormatInt(time.Now().UnixNano(), 36), runs.Add(1)))
}

func (m Mark) variable() string { return "HOLDFAST_RUN=" + string(m) }

// KillMarked ends every process with a mark, whoever started it: what a run has
// left behind whose daemon is dead. It returns which ones it found, none once
// there are none any more: a process in a system call that no signal ends is
// there for as long as that takes.
func KillMarked(mark Mark) []int { return killMarkedOnce([]byte(mark.variable()), 0) }

// killMarked ends every process that has a run's mark in its environment: what
// a program started in a session of its own. Those that were started with
// another environment are not found, and those that fork as fast as we look
// may get away; a few rounds see to most.
func killMarked(mark Mark, leader int) {
	// What the leader started has a higher number than it, unless the numbers
	// began anew meanwhile: most processes need not be looked into.
	after := 0
	if lastProcess() >= leader {
		after = leader
	}
	for range 5 {
		if len(killMarkedOnce([]byte(mark.variable()), after)) == 0 {
			return
		}
	}
}

// lastProcess is the number that was given out last (proc_loadavg(5)).
func lastProcess() int {
	data, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0
	}
	n, _ := strconv.Atoi(string(bytes.TrimSpace(data[bytes.LastIndexByte(data, ' ')+1:])))
	return n // 0 where it is not told: everything is looked into
}

// killMarkedOnce returns which ones there were.
func killMarkedOnce(mark []byte, after int) []int {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil // without /proc there is nothing to look at
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil
	}
	var found []int
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil && pid > after && pid != os.Getpid() && killIfMarked(pid, mark) {
			found = append(found, pid)
		}
	}
	return found
}

// killIfMarked looks twice, so that what is killed is what was looked at and
// not what has its number by then: a pidfd stays with one process.
func killIfMarked(pid int, mark []byte) bool {
	if !marked(pid, mark) {
		return false
	}
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return false // gone
	}
	defer unix.Close(fd)
	return marked(pid, mark) && unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0) == nil
}

// marked tells whether a process has a variable. The environment of a zombie
// is empty, that of somebody else's process cannot be read by an ordinary
// user: both are left alone.
func marked(pid int, mark []byte) bool {
	env, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
	if err != nil {
		return false
	}
	for kv := range bytes.SplitSeq(env, []byte{0}) {
		if bytes.Equal(kv, mark) {
			return true
		}
	}
	return false
}
