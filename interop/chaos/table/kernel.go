package main

import (
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// kernel says what it ran on.
func kernel() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return "an unknown kernel"
	}
	return fmt.Sprintf("Linux %s, %d CPUs", unix.ByteSliceToString(u.Release[:]), runtime.NumCPU())
}
