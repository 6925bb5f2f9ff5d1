package database

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/interop/peer"
)

var (
	trials = flag.Int("trials", 1, "how often each fault happens")
	only   = flag.String("fault", "", "the only fault that happens")
	record = flag.String("record", "", "the file that the trials are added to")
	out    = flag.String("out", "", "the page that gets the tables of what is in that file")
)

const example = "../../examples/postgresql"

// start sets the cluster up.
func start(t *testing.T, way string, edit func(*machine) error) *cluster {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: it makes network namespaces")
	}
	if _, err := exec.LookPath("/usr/lib/postgresql/15/bin/postgres"); err != nil {
		t.Skip("needs PostgreSQL 15: scripts/need installs it")
	}
	// On memory: a disk that others keep busy is none of the test's.
	dir, err := os.MkdirTemp("/dev/shm", "hfd-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	binary, err := peer.Build(dir)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	c, err := newCluster(dir, binary, example, way, edit)
	if err != nil {
		logs(t, dir)
		t.Fatal(err)
	}
	t.Logf("set up in %s", time.Since(began).Round(time.Millisecond))
	t.Cleanup(func() {
		if t.Failed() {
			for _, m := range c.machines {
				events, _ := m.run(binary, "events")
				t.Logf("%s: %s\n%s", m.name, m.state(), events)
			}
			logs(t, dir)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// logs shows what the programs of the machines printed.
func logs(t *testing.T, dir string) {
	t.Helper()
	out, _ := exec.Command("sh", "-c", "for f in "+dir+"/*/log "+dir+"/*/var-lib/postgresql/holdfast/log; do echo \"== $f\"; tail -n 60 $f; done").CombinedOutput()
	t.Logf("%s", out)
}

// Whatever happens to the node that has the address, or to the store, no
// acknowledged commit is lost, no two primaries answer at the address, and one
// serves again.
func TestFaults(t *testing.T) {
	for _, way := range []string{votes, lease} {
		t.Run(way, func(t *testing.T) {
			t.Parallel() // most of the time one waits for another's death
			faultsOf(t, way)
		})
	}
}

func faultsOf(t *testing.T, way string) {
	c := start(t, way, func(*machine) error { return nil })
	for range *trials {
		for _, f := range of(way) {
			if *only != "" && f.name != *only {
				continue
			}
			got, err := c.try(f)
			if err != nil {
				t.Fatalf("%s: %v", f.name, err)
			}
			t.Logf("%-28s %s to %s: %5d ms without a commit, well again after %5d ms, %d commits", f.name, got.From, got.To, got.Gap.Milliseconds(), got.Mended.Milliseconds(), got.Commits)
			if *record == "" {
				continue
			}
			all, err := add(*record, got)
			if err == nil && *out != "" {
				err = write(*out, way, all)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}

// Somebody else decides who is primary, here a hand with the example's scripts,
// and holdfast only looks: the address follows.
func TestFollows(t *testing.T) {
	t.Parallel()
	c := start(t, votes, func(m *machine) error {
		path := m.file("/etc/holdfast/holdfast.yaml")
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		before, rest, _ := strings.Cut(string(text), "    checks: [alive]")
		_, after, ok := strings.Cut(rest, "    ready_timeout: 10s\n")
		if !ok {
			return fmt.Errorf("%s has no steps to leave out", path)
		}
		return os.WriteFile(path, []byte(before+"    checks: [primary]\n"+after), 0o644)
	})
	decide := func(m *machine, what string) error {
		_, err := m.run("runuser", "-u", "postgres", "--", "/usr/local/lib/holdfast-postgresql/"+what)
		return err
	}
	last := ""
	for range 2 {
		err := until(func() (err error) {
			for _, m := range c.machines {
				if m.name == last {
					continue
				}
				if err = decide(m, "promote"); err == nil {
					last = m.name
					return nil
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		err = until(func() error {
			p, err := c.primary()
			if err == nil && p.name != last {
				err = fmt.Errorf("%s has the address, and %s is primary", p.name, last)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("the address is at %s %s after it was promoted", last, time.Since(began).Round(time.Millisecond))
		if err := decide(c.machine(last), "demote"); err != nil {
			t.Fatal(err)
		}
	}
}
