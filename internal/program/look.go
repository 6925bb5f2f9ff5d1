package program

import (
	"bytes"
	"os"
	"strconv"
	"strings"
)

// Seen is what a process is at, as far as the kernel tells.
type Seen struct {
	There bool   // it is, and is no zombie
	Name  string // its command's
	Stuck bool   // it waits for the kernel, and no signal ends it before that does
	Where string // in which function of the kernel, where that may be known
}

// Look looks at a process: proc_pid_stat(5), proc_pid_wchan(5).
func Look(pid int) Seen {
	dir := "/proc/" + strconv.Itoa(pid)
	stat, err := os.ReadFile(dir + "/stat")
	if err != nil {
		return Seen{}
	}
	// PID (NAME) STATE …, where the name may have anything in it.
	open, end := bytes.IndexByte(stat, '('), bytes.LastIndexByte(stat, ')')
	if open < 0 || end < open || len(stat) < end+3 {
		return Seen{}
	}
	s := Seen{Name: clean(string(stat[open+1 : end]))}
	switch stat[end+2] {
	case 'Z', 'X':
		return Seen{}
	case 'D':
		s.Stuck = true
		if where, err := os.ReadFile(dir + "/wchan"); err == nil && string(where) != "0" {
			s.Where = strings.TrimSpace(string(where))
		}
	}
	s.There = true
	return s
}
