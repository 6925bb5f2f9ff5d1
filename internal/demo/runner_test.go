package demo

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("making network namespaces for a test needs root")
	}
}

// runner is one demo in a temporary directory of its own.
type runner struct {
	cmd      *exec.Cmd
	tmp      string
	out, err *output
	exe      string
}

// newRunner makes a copy of this executable ready to run as a demo. The copy
// makes its processes known by their name, and can be read by every user.
func newRunner(t *testing.T, args ...string) *runner {
	t.Helper()
	needRoot(t)
	tmp, err := os.MkdirTemp("", "hfl-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(tmp) })
	if err := os.Chmod(tmp, 0o777); err != nil {
		t.Fatal(err)
	}
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	r := &runner{tmp: tmp, exe: filepath.Join(tmp, "holdfast"), out: new(output), err: new(output)}
	if err := os.WriteFile(r.exe, self, 0o755); err != nil {
		t.Fatal(err)
	}
	r.cmd = exec.Command(r.exe, append([]string{"demo"}, args...)...)
	r.cmd.Env = append(os.Environ(), "TMPDIR="+tmp, "LC_ALL=C")
	r.cmd.Stdout, r.cmd.Stderr = r.out, r.err
	return r
}

// processes lists those of this demo.
func (r *runner) processes() []int {
	var pids []int
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		exe, _ := os.Readlink(dir + "/exe")
		var pid int
		if _, err := fmt.Sscanf(filepath.Base(dir), "%d", &pid); err == nil && exe == r.exe {
			pids = append(pids, pid)
		}
	}
	return pids
}

// leavesNothing checks that processes and files are gone; namespaces end with
// the last process in them.
func (r *runner) leavesNothing(t *testing.T) {
	t.Helper()
	r.until(t, fmt.Sprintf("the end of all, and of the files %v", r.files()), func() bool {
		return len(r.processes()) == 0 && len(r.files()) == 0
	})
}

func (r *runner) files() []string {
	files, _ := filepath.Glob(filepath.Join(r.tmp, "*-*"))
	return files
}

// until waits for a condition.
func (r *runner) until(t *testing.T, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !so(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s; processes %v, it says: %s%s", what, r.processes(), r.out, r.err)
		}
	}
}

// output is a buffer that can be read while it is written.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// keep runs a demo to its end, looks around in the lab and ends it. It returns
// nil when the demo could not finish.
func (r *runner) keep(t *testing.T) *Result {
	t.Helper()
	stdin, err := r.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	r.cmd.Stderr = nil
	stderr, err := r.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	tour := readTour(stderr)
	if !strings.Contains(tour, "tcpdump") {
		t.Logf("the demo did not come to its end: %v: %s", r.cmd.Wait(), tour)
		r.leavesNothing(t)
		return nil
	}
	nets := regexp.MustCompile(`--net=(\S+)`).FindAllStringSubmatch(tour, -1)
	if len(nets) != 5 {
		t.Errorf("the tour names %d namespaces, want 3 nodes, the client and the switch:\n%s", len(nets), tour)
	}
	for _, n := range nets {
		if _, err := os.Stat(n[1]); err != nil {
			t.Errorf("cannot find a namespace of the tour: %v", err)
		}
	}
	for _, s := range regexp.MustCompile(`--socket (\S+)`).FindAllStringSubmatch(tour, -1) {
		if _, err := os.Stat(s[1]); err != nil {
			t.Errorf("cannot find a socket of the tour: %v", err)
		}
	}
	if _, err := io.WriteString(stdin, "\n"); err != nil {
		t.Error(err)
	}
	if err := r.cmd.Wait(); err != nil {
		t.Fatalf("the demo failed: %v", err)
	}
	r.leavesNothing(t)

	result := new(Result)
	decoder := json.NewDecoder(strings.NewReader(r.out.String()))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(result); err != nil {
		t.Fatal(err)
	}
	if decoder.More() || result.Schema != Schema {
		t.Errorf("the output is not one document of schema %s", Schema)
	}
	return result
}

// readTour reads up to the last command, or to the end.
func readTour(r io.Reader) string {
	var tour strings.Builder
	for lines := bufio.NewScanner(r); lines.Scan(); {
		fmt.Fprintln(&tour, lines.Text())
		if strings.Contains(lines.Text(), "tcpdump") {
			break
		}
	}
	return tour.String()
}
