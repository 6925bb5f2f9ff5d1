package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/bench/measure"
)

// Who runs where. The rest of the machine does what it likes, which is why
// processor time is compared, and not what a clock says.
const (
	checkerCPU = 0
	serverCPU  = 1
)

// inNamespace runs this program again in a network namespace, which ends with it.
func inNamespace() error {
	if os.Geteuid() != 0 {
		return errors.New("cannot make a network namespace: this needs root")
	}
	cmd := exec.Command("/proc/self/exe", append([]string{"-as", "stage"}, os.Args[1:]...)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	runtime.LockOSThread() // Pdeathsig is about the thread that started it
	return cmd.Run()
}

// self is this program in another role, on one processor.
func self(cpu int, args ...string) (*exec.Cmd, error) {
	return pinned(cpu, "", args...)
}

// pinned is a program, "" for this one, that has one processor.
func pinned(cpu int, name string, args ...string) (*exec.Cmd, error) {
	lo, err := netlink.LinkByName("lo")
	if err == nil {
		err = netlink.LinkSetUp(lo)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot raise lo: %w", err)
	}
	if name == "" {
		if name, err = os.Executable(); err != nil {
			return nil, err
		}
	}
	if runtime.NumCPU() < 2 {
		cpu = 0
	}
	cmd := exec.Command("taskset", append([]string{"-c", strconv.Itoa(cpu), name}, args...)...)
	cmd.Stderr = os.Stderr
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd, nil
}

// sample is one measurement.
type sample struct {
	Looks float64       `json:"looks_per_second"`
	CPU   time.Duration `json:"cpu_per_look_ns"`
	Share float64       `json:"share_of_one_cpu"`
	RSS   int64         `json:"rss_bytes"`
}

// settle is how long a checker has to begin: everybody spreads the first looks
// over an interval.
const settle = 2500 * time.Millisecond

// watch measures one checker at one workload.
func (s *server) watch(c checker, workload string, number int, each time.Duration) (sample, error) {
	cmd, err := c.start(workload, s.addresses[workload], number)
	if err != nil {
		return sample{}, err
	}
	defer end(cmd)
	time.Sleep(settle) // a measurement, not a test: nothing is judged by this
	before, err := connections()
	if err != nil {
		return sample{}, err
	}
	spent, start := measure.ProcessorTime(cmd.Process.Pid), time.Now()
	time.Sleep(each)
	after, err := connections()
	if err != nil {
		return sample{}, err
	}
	spent, took := measure.ProcessorTime(cmd.Process.Pid)-spent, time.Since(start)
	looks := after - before
	if looks == 0 {
		return sample{}, errors.New("nobody looked")
	}
	return sample{
		Looks: float64(looks) / took.Seconds(), CPU: spent / time.Duration(looks),
		Share: spent.Seconds() / took.Seconds(), RSS: memory(cmd.Process.Pid),
	}, nil
}

// connections is how many were begun in this namespace: all of them are looks.
// The server does not see them all, as HAProxy resets a connection before it
// is acknowledged.
func connections() (int64, error) {
	b, err := os.ReadFile("/proc/thread-self/net/snmp")
	if err != nil {
		return 0, err
	}
	var names []string
	for line := range strings.SplitSeq(string(b), "\n") {
		f := strings.Fields(line)
		if len(f) == 0 || f[0] != "Tcp:" {
			continue
		}
		if names == nil {
			names = f
			continue
		}
		if i := slices.Index(names, "ActiveOpens"); i > 0 && i < len(f) {
			return strconv.ParseInt(f[i], 10, 64)
		}
	}
	return 0, errors.New("cannot count connections: there is no Tcp ActiveOpens in /proc/net/snmp")
}

// memory is the resident set.
func memory(pid int) int64 {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	f := strings.Fields(string(b))
	if len(f) < 2 {
		return 0
	}
	pages, _ := strconv.ParseInt(f[1], 10, 64)
	return pages * int64(unix.Getpagesize())
}
