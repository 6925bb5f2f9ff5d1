package main

import (
	"bufio"
	"bytes"
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

// clockTick is USER_HZ, which is 100 on every Linux that Go runs on.
const clockTick = 10 * time.Millisecond

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
	if len(fields) < 13 {
		return nil, fmt.Errorf("cannot read /proc/%d/stat: %d fields", pid, len(fields))
	}
	return fields, nil
}

func cpuTime(pid int) (time.Duration, error) {
	fields, err := stat(pid)
	if err != nil {
		return 0, err
	}
	var ticks int
	for _, f := range fields[11:13] { // utime, stime
		n, err := strconv.Atoi(f)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return time.Duration(ticks) * clockTick, nil
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
