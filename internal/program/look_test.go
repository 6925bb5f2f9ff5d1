package program

import (
	"os"
	"os/exec"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestLook(t *testing.T) {
	cmd := exec.Command("/bin/sleep", "300")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	poll(t, "it is what it will be", func() bool { return Look(cmd.Process.Pid).Name == "sleep" })
	if s := Look(cmd.Process.Pid); !s.There || s.Stuck {
		t.Errorf("%+v", s)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	waitUnreaped(cmd.Process.Pid)
	if s := Look(cmd.Process.Pid); s.There {
		t.Errorf("a zombie is %+v", s)
	}
	_ = cmd.Wait()
	if s := Look(-1); s.There {
		t.Errorf("nobody is %+v", s)
	}
}

// The parent of a vfork waits in the kernel until its child has done: the one
// process in that state that can be had anywhere.
func TestLook_AtOneThatWaitsForTheKernel(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("needs python3, which comes with the fence agents that scripts/need installs")
	}
	cmd := exec.Command(python, "-c", "import ctypes, time\nc = ctypes.CDLL(None)\nif c.vfork() == 0:\n    time.sleep(300)\n    c._exit(0)\n")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = unix.Kill(-cmd.Process.Pid, unix.SIGKILL)
		_ = cmd.Wait()
	}()
	poll(t, "it waits", func() bool { return Look(cmd.Process.Pid).Stuck })
	if s := Look(cmd.Process.Pid); !s.There || s.Name == "" {
		t.Errorf("%+v", s)
	}
}
