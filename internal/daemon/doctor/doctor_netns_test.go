package doctor

import (
	"os"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/linux/gate"
	"github.com/holdfast-net/holdfast/internal/linux/netns"
)

// inside runs f in a namespace where nothing was before.
func inside(t *testing.T, f func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: it makes network namespaces")
	}
	ns, err := netns.New()
	if err != nil {
		t.Fatal(err)
	}
	defer ns.Close()
	if err := ns.Do(func() error { f(); return nil }); err != nil {
		t.Fatal(err)
	}
}

func finding(t *testing.T, e *examination, subject string) api.Finding {
	t.Helper()
	for _, f := range e.out.Findings {
		if f.Subject == subject {
			return f
		}
	}
	t.Fatalf("nothing about %s: %+v", subject, e.out.Findings)
	return api.Finding{}
}

// What is tried is tried elsewhere: the namespace of the caller has nothing
// more than before, no interface, program or table.
func TestTry_LeavesNothing(t *testing.T) {
	inside(t, func() {
		before := links(t)
		var e examination
		e.try()
		if f := finding(t, &e, "gate"); f.Result == api.FindingMissing || !strings.Contains(f.Text, "closes within") {
			t.Errorf("gate: %+v", f)
		}
		finding(t, &e, "virtual MAC")
		if after := links(t); after != before {
			t.Errorf("the interfaces were %s and are %s", before, after)
		}
		found, err := gate.Leftovers("")
		if err != nil || len(found) > 0 {
			t.Errorf("left: %v, %v", found, err)
		}
	})
}

func links(t *testing.T) string {
	t.Helper()
	all, err := netlink.LinkList()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, l := range all {
		names = append(names, l.Attrs().Name)
	}
	return strings.Join(names, " ")
}

// What a run left is named, thing by thing.
func TestLeftovers_OfADeadRun(t *testing.T) {
	inside(t, func() {
		g, err := gate.Open(gate.Options{Lines: []gate.LineID{gate.Nftables}})
		if err != nil {
			t.Skipf("no nftables here: %v", err)
		}
		defer gate.Sweep("")
		defer g.Close()
		var e examination
		e.leftovers(nil)
		if f := finding(t, &e, "leftovers"); f.Result != api.FindingWeaker || !strings.Contains(f.Text, "holdfast_gate") || f.Do == "" {
			t.Errorf("leftovers: %+v", f)
		}
	})
}

func TestBootOffset(t *testing.T) {
	for lines, want := range map[string]string{
		"":                              "0s",
		"monotonic 0 0\nboottime 0 0\n": "0s",
		"monotonic           0         0\nboottime         3600 500000000\n": "1h0m0.5s",
	} {
		if got := bootOffset(lines); got != want {
			t.Errorf("%q: %s, want %s", lines, got, want)
		}
	}
}
