package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// usage is what a process and its descendants have used and hold.
type usage struct {
	cpu       time.Duration // user and system time since they started
	pss, rss  int           // KiB
	processes int
}

// usageOf adds up a process tree (proc(5)).
func usageOf(root int) (usage, error) {
	var u usage
	for _, pid := range tree(root) {
		cpu, err := cpuTime(pid)
		if err != nil {
			return u, fmt.Errorf("cannot read CPU time: %w", err)
		}
		pss, rss, err := memory(pid)
		if err != nil {
			return u, fmt.Errorf("cannot read memory: %w", err)
		}
		u.cpu += cpu
		u.pss += pss
		u.rss += rss
		u.processes++
	}
	return u, nil
}

// tree is a process and all below it.
func tree(root int) []int {
	children := map[int][]int{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err != nil {
			continue
		}
		if fields, err := stat(pid); err == nil { // else it has just ended
			parent, _ := strconv.Atoi(fields[1])
			children[parent] = append(children[parent], pid)
		}
	}
	all := []int{root}
	for i := 0; i < len(all); i++ {
		all = append(all, children[all[i]]...)
	}
	return all
}

// stat is the fields of /proc/PID/stat after the name, which may contain
// spaces: the first is the state, the second the parent.
func stat(pid int) ([]string, error) {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil, err
	}
	fields := strings.Fields(string(content[bytes.LastIndexByte(content, ')')+1:]))
	if len(fields) < 2 {
		return nil, fmt.Errorf("cannot read /proc/%d/stat: %d fields", pid, len(fields))
	}
	return fields, nil
}

// cpuTime is user and system time together, from the scheduler's own account
// of each thread: the fields of stat tell the same in steps of 10 ms, which
// is more than a small daemon uses in a second.
func cpuTime(pid int) (time.Duration, error) {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil || len(threads) == 0 {
		return 0, fmt.Errorf("no threads of process %d: %w", pid, errors.Join(err, os.ErrNotExist))
	}
	var total time.Duration
	for _, path := range threads {
		content, err := os.ReadFile(path)
		if errors.Is(err, os.ErrNotExist) {
			continue // the thread has just ended
		}
		if err != nil {
			return 0, err
		}
		var ran int64
		if _, err := fmt.Sscan(string(content), &ran); err != nil {
			return 0, fmt.Errorf("cannot read %s: %w", path, err)
		}
		total += time.Duration(ran)
	}
	return total, nil
}

func memory(pid int) (pss, rss int, err error) {
	f, err := os.Open(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) < 2 {
			continue
		}
		switch fields[0] {
		case "Pss:":
			pss, _ = strconv.Atoi(fields[1])
		case "Rss:":
			rss, _ = strconv.Atoi(fields[1])
		}
	}
	return pss, rss, nil
}
