package realtime

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestStart_LeavesTheClass starts a program from a process in the real-time
// class. It runs in a process of its own, because the class is for ever.
func TestStart_LeavesTheClass(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: asks for the real-time class")
	}
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestStartChild$", "-test.v")
	cmd.Env = append(os.Environ(), "HOLDFAST_START=1")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "PASS: TestStartChild") {
		t.Fatalf("%v\n%s", err, out)
	}
}

func TestStartChild(t *testing.T) {
	if os.Getenv("HOLDFAST_START") == "" {
		t.Skip("runs as a child of TestStart_LeavesTheClass")
	}
	// The rest of the report may be refused here: a machine may give root the
	// class but not a lower out-of-memory score.
	if class := Tune(benchPriority)[0]; class.Err != nil {
		t.Fatalf("%s: %v (%s)", class.What, class.Err, class.Hint)
	}
	// Wherever Go takes a thread from, before and after.
	for range 20 {
		var out strings.Builder
		cmd := exec.Command("/bin/sh", "-c", "read _; cut -d' ' -f41 /proc/self/stat; cat /proc/self/timerslack_ns /proc/self/oom_score_adj")
		cmd.Stdout = &out
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := Start(cmd); err != nil {
			t.Fatal(err)
		}
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Fatal(err)
		}
		// Policy 0 is SCHED_NORMAL (sched(7)).
		if got := strings.Fields(out.String()); len(got) != 3 || got[0] != "0" || got[1] != "50000" || got[2] != "0" {
			t.Fatalf("class, timer slack and score of the program: %q, want 0, 50000 and 0", got)
		}
		tids, err := threads()
		if err != nil {
			t.Fatal(err)
		}
		for _, tid := range tids {
			attr, err := unix.SchedGetAttr(tid, 0)
			if err != nil {
				continue // the thread has ended
			}
			if attr.Policy != unix.SCHED_RR || attr.Priority != benchPriority {
				t.Fatalf("thread %d: policy %d, priority %d", tid, attr.Policy, attr.Priority)
			}
		}
	}
}

func TestStart_SaysWhatIsWrong(t *testing.T) {
	if err := Start(exec.Command("/nonexistent")); !os.IsNotExist(err) {
		t.Errorf("got %v", err)
	}
}
