package bpf

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// poller is a thread of the kernel's that polls an interface.
type poller int

// threaded has one poll an interface, on a processor.
func (l *lab) threaded(name string, cpu int) poller {
	l.Helper()
	before := pollers(l, name)
	dir := l.TempDir()
	must(l, unix.Mount("sysfs", dir, "sysfs", 0, ""))
	defer func() { must(l, unix.Unmount(dir, unix.MNT_DETACH)) }()
	must(l, os.WriteFile(filepath.Join(dir, "class/net", name, "threaded"), []byte("1"), 0o644))
	var found []poller
	for p := range pollers(l, name) {
		if !before[p] {
			found = append(found, p)
		}
	}
	if len(found) != 1 {
		l.Fatalf("%s has %d threads that poll it, want one", name, len(found))
	}
	must(l, only(int(found[0]), cpu))
	return found[0]
}

func pollers(t testing.TB, name string) map[poller]bool {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/comm")
	must(t, err)
	out := map[poller]bool{}
	for _, path := range all {
		comm, err := os.ReadFile(path)
		if err != nil || !strings.HasPrefix(string(comm), "napi/"+name+"-") {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		must(t, err)
		out[poller(pid)] = true
	}
	return out
}

// ran is for how long it has run, waited for how long it could have.
func (p poller) ran(t testing.TB) time.Duration    { return p.times(t)[0] }
func (p poller) waited(t testing.TB) time.Duration { return p.times(t)[1] }

// times are the first two of schedstat (proc_pid_schedstat(5)).
func (p poller) times(t testing.TB) (times [2]time.Duration) {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/schedstat", p))
	must(t, err)
	_, err = fmt.Sscan(string(b), &times[0], &times[1])
	must(t, err)
	return times
}
