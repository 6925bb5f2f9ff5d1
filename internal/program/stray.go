package program

import (
	"bytes"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// killMarked ends every process that has a run's mark in its environment: what
// a program started in a session of its own. Those that were started with
// another environment are not found, and those that fork as fast as we look
// may get away; a few rounds see to most.
func killMarked(mark string, leader int) {
	// What the leader started has a higher number than it, unless the numbers
	// began anew meanwhile: most processes need not be looked into.
	after := 0
	if lastProcess() >= leader {
		after = leader
	}
	for range 5 {
		if !killMarkedOnce([]byte(mark), after) {
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

// killMarkedOnce tells whether there was one.
func killMarkedOnce(mark []byte, after int) bool {
	dir, err := os.Open("/proc")
	if err != nil {
		return false // without /proc there is nothing to look at
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return false
	}
	found := false
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil && pid > after && pid != os.Getpid() {
			found = killIfMarked(pid, mark) || found
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
