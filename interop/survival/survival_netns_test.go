package survival

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/interop/peer"
	"github.com/holdfast-net/holdfast/interop/survival/load"
)

var (
	binaryFlag      = flag.String("holdfast", "", "the binary; built when empty")
	connectionsFlag = flag.Int("connections", 300, "that stay open")
	rateFlag        = flag.Int("rate", 50, "new connections a second")
	everyFlag       = flag.Duration("every", time.Second, "between two things that a connection says")
	faultsFlag      = flag.String("faults", "few", "all, few, or their names, with commas between")
	recordFlag      = flag.String("record", "", "a file for the trials")
	mergeFlag       = flag.Bool("merge", false, "keep the recorded trials of what is not measured now")
	outFlag         = flag.String("out", "", "the page to put the tables of the recorded trials into")
	keepFlag        = flag.String("keep", "", "a folder for what was seen of every fault; otherwise a temporary one has what was seen where something was lost")
	whoFlag         = flag.String("who", "", "all, or some of the contenders with commas between; full-nat and dsr when empty")
)

// built is holdfast as TestMain built it, or why there is none.
var built struct {
	path string
	err  error
}

// results are the trials of this run, and with -merge those before.
var results *Results

func TestMain(m *testing.M) {
	load.Main()
	flag.Parse()
	results = NewResults(*recordFlag)
	if *mergeFlag {
		if err := results.Read(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(func() int {
		if os.Geteuid() == 0 {
			dir, err := os.MkdirTemp("", "holdfast-survival-")
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				return 1
			}
			defer os.RemoveAll(dir)
			if built.path = *binaryFlag; built.path == "" {
				built.path, built.err = peer.Build(dir)
			}
		}
		return m.Run()
	}())
}

// contender is a pair by its name on the command line, and whether it promises
// that nothing is lost.
type contender struct {
	name    string
	service Service // none: keepalived and HAProxy
	keeps   bool
}

var contenders = []contender{
	{"full-nat", Service{Forward: "full-nat", Scheduler: "round-robin"}, true},
	{"maglev", Service{Forward: "full-nat", Scheduler: "maglev"}, true},
	{"nat", Service{Forward: "nat", Scheduler: "round-robin"}, true},
	{"tunnel", Service{Forward: "tunnel", Scheduler: "round-robin"}, true},
	{"dsr", Service{Forward: "dsr", Scheduler: "maglev"}, true},
	{"proxy", Service{Forward: "proxy", Scheduler: "round-robin"}, false},
	{"haproxy", Service{}, false},
}

// chosen tells whether it is among those of the command line, if there are any.
func (c contender) chosen() bool {
	return *whoFlag == "" || *whoFlag == "all" || slices.Contains(strings.Split(*whoFlag, ","), c.name)
}

func faults() []string {
	switch *faultsFlag {
	case "few":
		return fewFaults
	case "all":
		var names []string
		for _, f := range Faults {
			names = append(names, f.Name)
		}
		return names
	}
	return strings.Split(*faultsFlag, ",")
}

func (c contender) pair(t *testing.T, s *Site) Pair {
	t.Helper()
	var p Pair
	var err error
	if c.service.Forward == "" {
		if missing := HaveKeepalived(); missing != nil {
			t.Skipf("needs keepalived and haproxy: %v", missing)
		}
		p, err = Keepalived(s, t.TempDir())
	} else {
		if built.err != nil {
			t.Fatal(built.err)
		}
		p, err = Holdfast(s, c.service, built.path, t.TempDir())
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func site(t *testing.T) *Site {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: it makes network namespaces")
	}
	s, err := NewSite(10)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// kept is the folder of what was seen: made when there is something.
func kept(t *testing.T) string {
	t.Helper()
	if *keepFlag == "" {
		dir, err := os.MkdirTemp("", "holdfast-survival-seen-")
		if err != nil {
			t.Fatal(err)
		}
		*keepFlag = dir
	}
	return *keepFlag
}

// TestSurvival has faults happen under load, and nothing may be lost.
func TestSurvival(t *testing.T) {
	for _, c := range contenders {
		if *whoFlag == "" && c.name != "full-nat" && c.name != "dsr" || !c.chosen() {
			continue
		}
		t.Run(c.name, c.survives)
	}
	if *outFlag == "" {
		return
	}
	if err := WritePage(*outFlag, results.All); err != nil {
		t.Error(err)
	}
}

func (c contender) survives(t *testing.T) {
	s := site(t)
	p := c.pair(t, s)
	l := Load{Connections: *connectionsFlag, Idle: *connectionsFlag / 10, Downloads: 4, Every: *everyFlag, Rate: *rateFlag}
	if c.service.Forward == "proxy" { // one process, which may open so many files
		l.Connections = min(l.Connections, mostProxied/2-l.Rate)
	}
	all := *keepFlag != ""
	dir := ""
	err := Run(s, p, l, faults(), func(e *Evidence) {
		t.Log(e.Verdict)
		if err := results.Add(Trial{p.Name(), l, e.Verdict}); err != nil {
			t.Error(err)
		}
		broken := c.keeps && len(e.Broken()) > 0
		if broken {
			t.Error(e.Summary())
		}
		if !broken && !all {
			return
		}
		if dir == "" {
			dir = filepath.Join(kept(t), fmt.Sprintf("%s-%s", c.name, time.Now().Format("150405")))
		}
		if err := e.Keep(filepath.Join(dir, strings.ReplaceAll(e.Name, " ", "-"))); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Errorf("%v\n%s", err, p.Logs())
	}
	if dir != "" {
		t.Logf("what was seen is in %s", dir)
	}
}
