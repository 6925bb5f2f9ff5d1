package hook

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
)

// TestProcess_DiesWithTheDaemon kills a process that runs a hook.
func TestProcess_DiesWithTheDaemon(t *testing.T) {
	const child = "HOOK_TEST_PIDFILE"
	if file := os.Getenv(child); file != "" {
		r := New(Options{Record: func(api.Event) {}})
		r.Submit(Event{Group: "web", State: "active", Timeout: time.Minute, Run: []string{"/bin/sh", "-c", "echo $$ >" + file + ".new; mv " + file + ".new " + file + "; exec sleep 300"}})
		select {} // until killed
	}
	file := filepath.Join(t.TempDir(), "pid")
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), child+"="+file)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	poll(t, "the hook runs", func() bool {
		data, err := os.ReadFile(file)
		if err != nil {
			return false
		}
		pid, err = strconv.Atoi(strings.TrimSpace(string(data)))
		return err == nil
	})
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	poll(t, "the hook is dead", func() bool { return !alive(pid) })
}

func poll(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
