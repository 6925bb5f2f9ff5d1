// Package netnstest runs a package's tests in a network namespace of their
// own.
//
// Code that works in the namespace of its process cannot be tested on a locked
// thread: the Go runtime starts other threads where it likes. So the whole test
// program is run again as a process with a namespace of its own, which ends
// with it:
//
//	func TestMain(m *testing.M) { netnstest.Main(m) }
//
//	func TestAddress(t *testing.T) {
//		netnstest.Need(t)
//		…
//	}
package netnstest

import (
	"os"
	"os/exec"
	"slices"
	"syscall"
	"testing"
)

// environ is set in the process that runs in a namespace of its own, to the
// kind of process it is.
const environ = "HOLDFAST_TEST_NETNS"

// Main runs the tests in a network namespace where the process may make one,
// and elsewhere as they are. It does not return.
func Main(m *testing.M) {
	// The workers of a fuzz target are processes of their own, each with a
	// namespace; they inherit the environment of the one that starts them.
	kind, worker := "tests", slices.Contains(os.Args, "-test.fuzzworker")
	if worker {
		kind = "worker"
	}
	if os.Getenv(environ) == kind || os.Getenv(environ) == "" && os.Geteuid() != 0 {
		os.Exit(m.Run())
	}
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), environ+"="+kind)
	if worker { // what it speaks with the one who started it
		for fd := uintptr(3); fd < 6; fd++ {
			cmd.ExtraFiles = append(cmd.ExtraFiles, os.NewFile(fd, "fuzz"))
		}
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	err := cmd.Run()
	if cmd.ProcessState == nil {
		os.Stderr.WriteString("cannot run the tests in a network namespace: " + err.Error() + "\n")
		os.Exit(1)
	}
	os.Exit(cmd.ProcessState.ExitCode())
}

// Need skips a test where it would work in the namespace of everybody.
func Need(t testing.TB) {
	t.Helper()
	if os.Getenv(environ) == "" {
		t.Skip("needs root: makes a network namespace")
	}
}
