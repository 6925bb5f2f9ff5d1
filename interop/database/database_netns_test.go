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
	trials = flag.Int("trials", 0, "how often each fault happens; 0: none does")
	only   = flag.String("fault", "", "the only fault that happens")
	out    = flag.String("out", "", "the page that gets the table")
)

const example = "../../examples/postgresql"

// start sets the cluster up.
func start(t *testing.T, edit func(*machine) error) *cluster {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: it makes network namespaces")
	}
	if _, err := exec.LookPath("/usr/lib/postgresql/15/bin/postgres"); err != nil {
		t.Skip("needs PostgreSQL 15: scripts/need installs it")
	}
	dir, err := os.MkdirTemp("", "hfd-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	binary, err := peer.Build(dir)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	c, err := newCluster(dir, binary, example, edit)
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

// Whatever happens to the node that has the address, no acknowledged commit is
// lost, no two primaries answer at the address, and another node serves.
func TestFaults(t *testing.T) {
	if *trials == 0 {
		// A standby that did not come back within 90 s was seen in one of three
		// runs: so far it is no test of a change.
		t.Skip("takes minutes: make bench-database, or -trials 1")
	}
	c := start(t, func(*machine) error { return nil })
	var all []trial
	for range *trials {
		for _, f := range faults {
			if *only != "" && f.name != *only {
				continue
			}
			got, err := c.try(f)
			if err != nil {
				t.Fatalf("%s: %v", f.name, err)
			}
			t.Logf("%-28s %s to %s: %5d ms without a commit, %d commits", f.name, got.from, got.to, got.gap.Milliseconds(), got.commits)
			all = append(all, got)
			if *out == "" {
				continue
			}
			if err := write(*out, all); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// Somebody else decides who is primary, here a hand with the example's scripts,
// and holdfast only looks: the address follows.
func TestFollows(t *testing.T) {
	c := start(t, func(m *machine) error {
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
