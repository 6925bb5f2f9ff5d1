package gate

import (
	"os"
	"os/exec"
	"slices"
	"syscall"
	"testing"
)

// inside is set in the process that runs in a namespace of its own.
const inside = "HOLDFAST_TEST_NETNS"

// TestMain runs all tests again in a process with a network namespace of its
// own: a gate works in the namespace of its threads, which the Go runtime
// starts where it likes. The tests also start this program as a child that
// holds a gate, see child_netns_test.go.
func TestMain(m *testing.M) {
	if role := os.Getenv(childRole); role != "" {
		os.Exit(child(role))
	}
	// The workers of a fuzz target have one each.
	worker := slices.Contains(os.Args, "-test.fuzzworker")
	want := "1"
	if worker {
		want = "worker"
	}
	if os.Geteuid() != 0 && os.Getenv(inside) == "" || os.Getenv(inside) == want {
		os.Exit(m.Run())
	}
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), inside+"="+want)
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

// needNetns skips where there can be no namespace.
func needNetns(t testing.TB) {
	t.Helper()
	if os.Getenv(inside) == "" {
		t.Skip("needs root: makes a network namespace")
	}
}
