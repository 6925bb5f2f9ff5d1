package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
)

// busyArgument makes this program one busy loop and nothing else.
const busyArgument = "busy-loop"

// burn is one process that always wants a CPU.
func burn() {
	runtime.GOMAXPROCS(1)
	for x := uint64(1); ; x = x*6364136223846793005 + 1442695040888963407 {
		if x == 0 {
			fmt.Fprint(os.Stderr) // never: the sequence has no zero in reach; keeps the loop
		}
	}
}

// loops are busy processes.
type loops []*exec.Cmd

// startLoops starts so many busy loops for each CPU. They end with this
// process at the latest.
func startLoops(perCPU int) (loops, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	var all loops
	for range perCPU * runtime.NumCPU() {
		cmd := exec.Command(self, busyArgument)
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		if err := cmd.Start(); err != nil {
			return nil, errors.Join(err, all.stop())
		}
		all = append(all, cmd)
	}
	return all, nil
}

func (l loops) stop() error {
	var errs []error
	for _, cmd := range l {
		errs = append(errs, cmd.Process.Kill())
		_ = cmd.Wait() // it says that it was killed
	}
	return errors.Join(errs...)
}
