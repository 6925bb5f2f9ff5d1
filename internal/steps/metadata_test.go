package steps

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/config"
)

// An agent that hangs, or floods, when it is asked what it is holds nobody up,
// and leaves nothing behind.
func TestReadMetadata_Bounds(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "resource.d", "test")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	pids := filepath.Join(root, "pids")
	script(t, dir, "hangs", `trap '' TERM; echo $$ >`+pids+`; setsid sleep 300 & echo $! >>`+pids+`; wait; wait`)
	script(t, dir, "floods", `while :; do echo '<resource-agent name="x">'; done`)
	script(t, dir, "fails", `echo no such thing >&2; exit 5`)
	script(t, dir, "long", `echo '<resource-agent name="long"><!--'; i=0; while [ $i -lt 3000 ]; do echo 'a line of a long description that nobody reads'; i=$((i+1)); done; echo '--><actions><action name="start" timeout="17s"/></actions></resource-agent>'`)
	ask := func(name string, within time.Duration) (*Metadata, error) {
		ctx, cancel := context.WithTimeout(t.Context(), within)
		defer cancel()
		return ReadMetadata(ctx, root, &config.OCF{Provider: "test", Type: name}, nil)
	}
	for name, want := range map[string]string{"floods": "says more than", "fails": "exit status 5; it said: no such thing"} {
		if _, err := ask(name, time.Minute); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if m, err := ask("long", time.Minute); err != nil || m.Timeout("start") != 17*time.Second {
		t.Errorf("a long one: %+v, %v", m, err)
	}
	if _, err := ask("hangs", 500*time.Millisecond); err == nil || !strings.Contains(err.Error(), "did not end in time") {
		t.Errorf("one that hangs: %v", err)
	}
	started := strings.Fields(read(t, pids))
	if len(started) != 2 {
		t.Fatalf("the agent that hangs started %q", started)
	}
	for _, text := range started {
		pid, err := strconv.Atoi(text)
		if err != nil || runs(pid) {
			t.Errorf("process %s is left (%v)", text, err)
		}
	}
}
