package balance

import (
	"flag"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/holdfast-net/holdfast/internal/check"
)

var update = flag.Bool("update", false, "write the golden file anew")

// Every event in every state of a backend, beside another one that is up: what
// the backend is then, and what was said. The golden file is for reading.
func TestPool_EveryEventInEveryState(t *testing.T) {
	flows := map[netip.AddrPort]uint64{a: 5, b: 5}
	states := []struct {
		name string
		into func(*bench)
	}{
		{"up", func(*bench) {}},
		{"down", func(w *bench) { w.down(a) }},
		{"unchecked", func(w *bench) { w.check(a, check.Pending, "") }},
		{"drained", func(w *bench) { w.step(Asked{Backend: a, Wish: WishDrain, By: "ann", Within: time.Minute}) }},
		{"taken down", func(w *bench) { w.step(Asked{Backend: a, Wish: WishDown, By: "ann"}) }},
		{"weight 0", func(w *bench) { w.step(Weighed{Backend: a, Weight: 0}) }},
		{"starting slowly", func(w *bench) { w.down(a).up(a) }},
		{"removed", func(w *bench) { w.step(Configured{slow(backend(b))}) }},
		{"removed while down", func(w *bench) { w.down(a).step(Configured{slow(backend(b))}) }},
	}
	events := []struct {
		name string
		do   func(*bench)
	}{
		{"check up", func(w *bench) { w.up(a) }},
		{"check down", func(w *bench) { w.down(a) }},
		{"check pending", func(w *bench) { w.check(a, check.Pending, "") }},
		{"drain", func(w *bench) { w.step(Asked{Backend: a, Wish: WishDrain, By: "bob"}) }},
		{"take down", func(w *bench) { w.step(Asked{Backend: a, Wish: WishDown, By: "bob"}) }},
		{"release", func(w *bench) { w.step(Asked{Backend: a, By: "bob"}) }},
		{"weight 3", func(w *bench) { w.step(Weighed{Backend: a, Weight: 3, By: "bob"}) }},
		{"remove", func(w *bench) { w.step(Configured{slow(backend(b))}) }},
		{"configure", func(w *bench) { w.step(Configured{slow(backend(a), backend(b))}) }},
		{"no flows", func(w *bench) { w.counted(nil) }},
		{"two minutes", func(w *bench) { w.after(2 * time.Minute) }},
		{"follow", func(w *bench) { w.step(Followed{w.pool.View()}) }},
		{"lead", func(w *bench) { w.step(Led{}) }},
	}
	var out strings.Builder
	for _, s := range states {
		for _, e := range events {
			w := start(t, slow(backend(a), backend(b))).up(a, b).counted(flows)
			s.into(w)
			e.do(w.quiet())
			fmt.Fprintf(&out, "%s, %s: %s\n", s.name, e.name, summary(w.pool.Plan()))
			for _, line := range w.said {
				if !strings.HasPrefix(line, "plan ") {
					fmt.Fprintf(&out, "    %s\n", line)
				}
			}
		}
		out.WriteByte('\n')
	}
	const golden = "testdata/events.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), out.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func slow(backends ...Backend) *Service {
	s := service(backends...)
	s.SlowStart = 90 * time.Second
	return s
}
