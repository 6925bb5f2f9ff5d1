package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/linux/netns"
)

// Most of what a balancer in the kernel does is in no process: it happens when a
// packet has arrived, on whichever CPU that is, in whoever's time. So for what
// it costs, the work is shared out by hand: packets that arrive at the balancer
// are taken in hand by the CPU that its process is on too (RPS), those that
// arrive at a client or server by the one that these are on. What the balancer's
// CPU is busy for is then what balancing costs, whoever does it and in whichever
// context: taking a packet from one cable, what is done with it, and putting it
// onto the other.

const (
	endsCPU     = 0
	balancerCPU = 1
)

// share shares out the work of a stage, or gives all CPUs to everybody.
func (s *stage) share(apart bool) error {
	for _, at := range []struct {
		ns  *netns.NS
		cpu int
	}{{s.client, endsCPU}, {s.server, endsCPU}, {s.balancer, balancerCPU}} {
		mask := "0"
		if apart {
			mask = strconv.FormatInt(1<<at.cpu, 16)
		}
		if err := do(at.ns, nil, "steer", mask); err != nil {
			return err
		}
	}
	for _, at := range []struct {
		cmd *exec.Cmd
		cpu int
	}{{s.serving, endsCPU}, {s.middle, balancerCPU}} {
		if at.cmd == nil {
			continue
		}
		cpu := at.cpu
		if !apart {
			cpu = everywhere
		}
		if err := pinTree(at.cmd.Process.Pid, cpu); err != nil {
			return err
		}
	}
	for pid, cpu := range s.polling {
		if !apart {
			cpu = everywhere
		}
		if err := pin(pid, cpu); err != nil {
			return err
		}
	}
	return nil
}

// steer says which CPUs take in hand what arrives in the namespace of this
// process. /sys shows the namespace of who has mounted it.
func steer(mask string) error {
	if err := unix.Mount("sysfs", "/sys", "sysfs", 0, ""); err != nil {
		return fmt.Errorf("cannot mount sysfs: %w", err)
	}
	queues, err := filepath.Glob("/sys/class/net/*/queues/rx-*/rps_cpus")
	if err != nil || len(queues) == 0 {
		return errors.Join(err, errors.New("cannot steer packets: the kernel has no RPS"))
	}
	for _, q := range queues {
		if err := os.WriteFile(q, []byte(mask), 0o644); err != nil {
			return fmt.Errorf("cannot steer packets: %w", err)
		}
	}
	return nil
}

const everywhere = -1

// pinTree keeps a process and its children on a CPU.
func pinTree(pid, cpu int) error {
	if err := pin(pid, cpu); err != nil {
		return err
	}
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, list := range lists {
		b, _ := os.ReadFile(list)
		for _, child := range strings.Fields(string(b)) {
			n, _ := strconv.Atoi(child)
			if err := pinTree(n, cpu); err != nil {
				return err
			}
		}
	}
	return nil
}

// pin keeps all threads of a process on a CPU. Those that they start are there
// too: a second look finds one that was started meanwhile.
func pin(pid, cpu int) error {
	var set unix.CPUSet
	for i := range 64 {
		if cpu == everywhere || i == cpu {
			set.Set(i)
		}
	}
	for range 2 {
		threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
		if err != nil {
			return fmt.Errorf("cannot keep a process on a CPU: %w", err)
		}
		for _, t := range threads {
			tid, _ := strconv.Atoi(t.Name())
			if err := unix.SchedSetaffinity(tid, &set); err != nil && !errors.Is(err, unix.ESRCH) {
				return fmt.Errorf("cannot keep a thread on a CPU: %w", err)
			}
		}
	}
	return nil
}

// unused is for how long a CPU had nothing to do since the machine was started,
// or was taken away by the host. The kernel gives it in hundredths (proc(5)).
func unused(cpu int) (time.Duration, error) {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if f[0] != "cpu"+strconv.Itoa(cpu) {
			continue
		}
		sum := 0
		for _, i := range []int{4, 5, 8} { // idle, iowait, steal
			n, err := strconv.Atoi(f[i])
			if err != nil {
				return 0, err
			}
			sum += n
		}
		return time.Duration(sum) * time.Second / 100, nil
	}
	return 0, fmt.Errorf("there is no CPU %d", cpu)
}

// available is how much memory there is for programs.
func available() (uint64, error) {
	b, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); f[0] == "MemAvailable:" {
			n, err := strconv.ParseUint(f[1], 10, 64)
			return n << 10, err
		}
	}
	return 0, errors.New("the kernel does not say how much memory there is")
}
