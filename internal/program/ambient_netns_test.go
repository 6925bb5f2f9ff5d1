package program

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// A daemon that is not root keeps what it may do in ambient capabilities,
// which every child inherits: a program with an account of its own does not,
// and the daemon still has them.
func TestStart_KeepsTheDaemonsCapabilities(t *testing.T) {
	const child = "PROGRAM_TEST_CHILD"
	status := Command{Argv: []string{"/bin/grep", "CapEff", "/proc/self/status"}}
	if os.Getenv(child) != "" {
		own := Own()
		for range 50 {
			as := status
			as.Account = &own
			if got := run(t, as); got.Failure() != nil || !strings.HasSuffix(got.First, "\t0000000000000000") {
				t.Fatalf("a program has the daemon's capabilities: %+v", got)
			}
			if got := run(t, status); got.Failure() != nil || !strings.HasSuffix(got.First, "\t0000000000002000") {
				t.Fatalf("the daemon has lost its own: %+v", got)
			}
		}
		return
	}
	nobody(t)
	self, err := os.ReadFile("/proc/self/exe")
	must(t, err)
	exe := open(t) + "/test"
	must(t, os.WriteFile(exe, self, 0o755))
	cmd := exec.Command(exe, "-test.run=^"+t.Name()+"$")
	cmd.Env, cmd.Dir = append(os.Environ(), child+"=1"), "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Credential:  &syscall.Credential{Uid: 65534, Gid: 65534},
		AmbientCaps: []uintptr{unix.CAP_NET_RAW},
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}
