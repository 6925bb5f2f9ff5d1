package local

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-net/holdfast/internal/check"
)

// proc is a /proc of files.
type proc struct {
	t   *testing.T
	dir string
}

func (p proc) add(pid int, comm, state string, threads, uid int, args ...string) {
	p.t.Helper()
	dir := filepath.Join(p.dir, strconv.Itoa(pid))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		p.t.Fatal(err)
	}
	stat := strconv.Itoa(pid) + " (" + comm + ") " + state + " 1 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 " + strconv.Itoa(threads) + " 0 100 1000\n"
	cmdline := ""
	for _, a := range args {
		cmdline += a + "\x00"
	}
	u := strconv.Itoa(uid)
	for name, data := range map[string]string{"stat": stat, "cmdline": cmdline, "status": "Name:\t" + comm + "\nUid:\t0\t" + u + "\t0\t0\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o644); err != nil {
			p.t.Fatal(err)
		}
	}
}

func TestProcess(t *testing.T) {
	p := proc{t, t.TempDir()}
	p.add(1, "systemd", "S", 1, 0, "/sbin/init")
	p.add(2, "kthreadd", "S", 1, 0)
	p.add(100, "nginx", "S", 1, 0, "nginx: master process /usr/sbin/nginx")
	p.add(101, "nginx", "S", 1, 65534, "nginx: worker process")
	p.add(102, "nginx", "Z", 1, 65534)
	p.add(200, "java", "S", 40, 4321, "/usr/bin/java", "-Xmx1g", "-jar", "/opt/app.jar")
	p.add(201, "java", "Z", 40, 4321, "/usr/bin/java", "-jar", "/opt/led.jar")
	p.add(300, "a) R (b", "S", 1, 0, "/opt/a) R (b")
	p.add(400, "long-name-of-a-", "S", 1, 0, "/usr/bin/long-name-of-a-program", "-v")
	p.add(500, "python3", "R", 1, 0, "python3", "/opt/serve.py", "--port", "80")
	p.add(600, "java", "S", 1, 0, "/usr/bin/java", strings.Repeat("x", 20000), "-jar", "/opt/late.jar")
	if err := os.Mkdir(filepath.Join(p.dir, "self"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		kind check.Process
		ok   bool
		text string
	}{
		{check.Process{Name: "nginx", Min: 1, Max: check.Unbounded}, true, "2 running"},
		{check.Process{Name: "nginx", Min: 3, Max: check.Unbounded}, false, "2 running, wanted at least 3"},
		{check.Process{Name: "nginx", Min: 1, Max: 1}, false, "2 running, wanted 1"},
		{check.Process{Name: "nginx", Min: 3, Max: 5}, false, "2 running, wanted 3 to 5"},
		{check.Process{Name: "nginx"}, false, "2 running, wanted none"},
		{check.Process{Name: "apache2"}, true, "0 running"},
		{check.Process{Name: "nginx", User: "65534", Min: 1, Max: 1}, true, "1 running as "},
		{check.Process{Name: "nginx", User: "no-such-user", Min: 1, Max: 1}, false, "there is no user no-such-user"},
		{check.Process{Name: "init", Min: 1, Max: 1}, true, "1 running"},
		{check.Process{Name: "kthreadd", Min: 1, Max: 1}, true, "1 running"},
		{check.Process{Command: ".*", Name: "kthreadd", Min: 1, Max: 1}, false, "0 running, wanted 1"},
		{check.Process{Command: `^/usr/bin/java -Xmx1g -jar /opt/app\.jar$`, Min: 1, Max: 1}, true, "1 running"},
		{check.Process{Name: "java", Min: 3, Max: 3}, true, "3 running"}, // also one whose first thread has ended
		{check.Process{Name: "a) R (b", Min: 1, Max: 1}, true, "1 running"},
		{check.Process{Name: "long-name-of-a-program", Min: 1, Max: 1}, true, "1 running"},
		{check.Process{Name: "python3", Command: "serve.py --port 80", Min: 1, Max: 1}, true, "1 running"},
		{check.Process{Command: "late", Min: 1, Max: 1}, true, "1 running"},
		{check.Process{Name: "serve.py", Min: 1, Max: 1}, false, "0 running, wanted 1"},
	} {
		all := &Processes{root: p.dir}
		probe, err := newProcess(tt.kind, Env{Processes: all})
		if err != nil {
			t.Fatal(err)
		}
		if got := try(t, probe, long); got.OK != tt.ok || !strings.HasPrefix(got.Text, tt.text) || tt.kind.User == "" && got.Text != tt.text {
			t.Errorf("%+v: %+v, want %t %q", tt.kind, got, tt.ok, tt.text)
		}
		if err := all.Close(); err != nil {
			t.Error(err)
		}
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add([]byte("1 (systemd) S 0 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 1"))
	f.Add([]byte("1 (a) Z (b)) Z 0"))
	f.Fuzz(func(t *testing.T, b []byte) {
		comm, alive := parseStat(b)
		if !bytes.Contains(b, []byte(comm)) || alive && len(b) < 20 {
			t.Errorf("%q %t of %q", comm, alive, b)
		}
	})
}

// The real /proc, and a process that comes and goes.
func TestProcess_ComesAndGoes(t *testing.T) {
	name := filepath.Join(t.TempDir(), "holdfast-test-sl")
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(sleep, name); err != nil {
		t.Fatal(err)
	}
	probe, err := newProcess(check.Process{Command: "^" + name + " 300$", Min: 1, Max: 1}, Env{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := probe.(*processProbe).Close(); err != nil {
			t.Error(err)
		}
	}()
	until := func(ok bool) {
		t.Helper()
		for end := time.Now().Add(long); try(t, probe, long).OK != ok; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("waited in vain for %t: %+v", ok, try(t, probe, long))
			}
		}
	}
	until(false)
	cmd := exec.Command(name, "300")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	until(true)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	until(false) // also while it is a zombie
	_ = cmd.Wait()
}

// Checks that ask at the same time share one look, and nobody gets an old one.
func TestProcesses_AreReadOnceForAll(t *testing.T) {
	p := proc{t, t.TempDir()}
	p.add(1, "init", "S", 1, 0, "init")
	synctest.Test(t, func(t *testing.T) {
		all := &Processes{root: p.dir}
		count := func() int {
			list, err := all.now()
			if err != nil {
				t.Fatal(err)
			}
			return len(list)
		}
		if n := count(); n != 1 {
			t.Errorf("%d processes", n)
		}
		p.add(2, "more", "S", 1, 0, "more")
		if n := count(); n != 1 {
			t.Errorf("%d processes: it was read again at once", n)
		}
		time.Sleep(shared + time.Millisecond)
		if n := count(); n != 2 {
			t.Errorf("%d processes: it is an old list", n)
		}
		if err := all.Close(); err != nil {
			t.Error(err)
		}
	})
}

func BenchmarkProcesses(b *testing.B) {
	all := NewProcesses()
	defer all.Close()
	n := 0
	for b.Loop() {
		list, err := all.read()
		if err != nil {
			b.Fatal(err)
		}
		n = len(list)
	}
	b.ReportMetric(float64(n), "processes")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(max(n, 1)), "ns/process")
}
