package chaos

import (
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/holdfast-net/holdfast/interop/peer"
)

var (
	seedFlag    = flag.Uint64("seed", 0, "run this seed alone")
	seedsFlag   = flag.Int("seeds", 30, "how many seeds to run")
	firstFlag   = flag.Uint64("first", 1, "the first seed")
	withoutFlag = flag.String("without", "", "leave events of the plan out, as in 1,3")
	binaryFlag  = flag.String("holdfast", "", "the binary; built when empty")
	controlFlag = flag.Bool("control", false, "put keepalived in holdfast's place")
)

// built is holdfast as TestMain built it, or why there is none.
var built struct {
	path string
	err  error
}

func TestMain(m *testing.M) {
	// Most of each run is waiting for a protocol's timers, not work.
	if err := flag.Set("test.parallel", "3"); err != nil {
		panic(err)
	}
	flag.Parse()
	os.Exit(func() int {
		if os.Geteuid() == 0 && !*controlFlag {
			dir, err := os.MkdirTemp("", "holdfast-chaos-")
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

func contender(t *testing.T) Contender {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: it makes network namespaces")
	}
	if *controlFlag {
		if err := peer.Have(peer.Keepalived); err != nil {
			t.Skipf("needs keepalived, which `make test` installs: %v", err)
		}
		return Contender{Kind: peer.Keepalived}
	}
	if built.err != nil {
		t.Fatal(built.err)
	}
	return Contender{Kind: peer.Holdfast, Binary: built.path}
}

// TestSeeds runs plans made from seeds. A failing one is run again with
// -seed N, and made smaller with -without.
func TestSeeds(t *testing.T) {
	seeds := []uint64{*seedFlag}
	if *seedFlag == 0 {
		seeds = nil
		for i := range *seedsFlag {
			seeds = append(seeds, *firstFlag+uint64(i))
		}
	}
	var without []int
	for _, word := range strings.FieldsFunc(*withoutFlag, func(r rune) bool { return r == ',' }) {
		n, err := strconv.Atoi(word)
		if err != nil {
			t.Fatal(err)
		}
		without = append(without, n)
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			plan := Random(seed)
			judged(t, plan.Without(without...))
		})
	}
}

// judged runs a plan and fails where a promise was broken.
func judged(t *testing.T, plan Plan) *Verdict {
	t.Helper()
	who := contender(t)
	v, err := Run(who, plan)
	if err != nil {
		t.Fatalf("no verdict on\n%v\n%v", &plan, err)
	}
	t.Logf("%v\n%v", v, v.Story())
	if who.Kind != peer.Holdfast {
		return v // others promise nothing
	}
	for _, b := range v.Broken() {
		t.Error(b)
	}
	if t.Failed() {
		t.Logf("%s\nrun it again with -seed %d", v.Logs, plan.Seed)
	}
	return v
}
