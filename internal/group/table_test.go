package group

import (
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-net/holdfast/vrrp"
)

var update = flag.Bool("update", false, "write the golden files")

// situations are the phases, and how a set with two checks gets into each.
func situations(t *testing.T) []*bench {
	t.Helper()
	g := func() Config { return web(uses(Use{Check: "service"}, Use{Check: "disk", Weight: 40})) }
	ill := backup(t, g())
	ill.feed(Failed("service", "refused"))
	left := holder(t, g())
	left.feed(Handover(""))
	left.reply(nil)
	demoted := holder(t, web(uses(Use{Check: "service"}, Use{Check: "disk", Weight: 40}), stepped))
	demoted.feed(Handover(""))
	out := []*bench{place(t, g()), ill, backup(t, g()), claimer(t, g()), holder(t, g()), demoted, left}
	for p, b := range out {
		b.in(phase(p))
		b.now = b.now.Add(time.Millisecond)
	}
	return out
}

// happenings are all kinds of events, with what can differ in them.
var happenings = []struct {
	name string
	do   func(*bench) []Action
}{
	{"start", func(b *bench) []Action { return b.feed(Start()) }},
	{"stop", func(b *bench) []Action { return b.feed(Stop("told to stop")) }},
	{"check service passes", func(b *bench) []Action { return b.feed(Passed("service")) }},
	{"check service fails (a veto)", func(b *bench) []Action { return b.feed(Failed("service", "refused")) }},
	{"check disk fails (a weight)", func(b *bench) []Action { return b.feed(Failed("disk", "full")) }},
	{"link of one router down", func(b *bench) []Action { return b.feed(LinkDown(1, "no carrier")) }},
	{"links up, another source", func(b *bench) []Action {
		acts := b.feed(LinkUp(0, netip.MustParseAddr("192.0.2.77")))
		return append(acts, b.feed(LinkUp(1, netip.MustParseAddr("fe80::77")))...)
	}},
	{"orders carried out", func(b *bench) []Action { return b.reply(nil) }},
	{"order refused", func(b *bench) []Action { return b.reply(errBusy) }},
	{"address lost", func(b *bench) []Action { return b.feed(Lost(0, "192.0.2.151")) }},
	{"handover to the best", func(b *bench) []Action { return b.feed(Handover("")) }},
	{"handover to b", func(b *bench) []Action { return b.feed(Handover("b")) }},
	{"maintenance on", func(b *bench) []Action { return b.feed(MaintenanceOn()) }},
	{"maintenance forced", func(b *bench) []Action { return b.feed(MaintenanceForced()) }},
	{"maintenance off", func(b *bench) []Action { return b.feed(MaintenanceOff()) }},
	{"a holdfast node asks with a lower priority", func(b *bench) []Action { return b.feed(Asked("b", 90)) }},
	{"a holdfast node asks with a higher priority", func(b *bench) []Action { return b.feed(Asked("b", 110)) }},
	{"a holdfast node yields", func(b *bench) []Action { return b.feed(Yielded(0, addr(vrrp.IPv4, higher))) }},
	{"its advert is on the wire", func(b *bench) []Action { return b.feed(Spoke()) }},
	{"its hold ended by itself", func(b *bench) []Action { return b.feed(Lapsed(0, 30*time.Millisecond)) }},
	{"packets were lost while it stood still", func(b *bench) []Action { return b.feed(Deaf(0)) }},
	{"it is safe", func(b *bench) []Action { return b.feed(Secured()) }},
	{"it cannot be made safe", func(b *bench) []Action { return b.feed(Insecure("no watchdog")) }},
	{"the steps are done", func(b *bench) []Action { return b.feed(Stepped(StepsTook, "")) }},
	{"the steps could not be done", func(b *bench) []Action { return b.feed(Stepped(StepsFailed, "no such unit")) }},
	{"the steps are undone", func(b *bench) []Action { return b.feed(Stepped(StepsLeft, "")) }},
	{"the steps could not be undone", func(b *bench) []Action { return b.feed(Stepped(StepsStuck, "it hangs")) }},
	{"a peer names this node", func(b *bench) []Action { return b.feed(Take("b")) }},
	{"a peer names another node", func(b *bench) []Action { return b.feed(Suspend("c")) }},
	{"adverts of lower priority", func(b *bench) []Action { return b.adverts(lower, 90) }},
	{"adverts of higher priority", func(b *bench) []Action { return b.adverts(lower, 110) }},
	{"adverts of equal priority, higher address", func(b *bench) []Action { return b.adverts(higher, 100) }},
	{"adverts of a holdfast node of higher priority", func(b *bench) []Action { return b.kinAdverts(lower, 110) }},
	{"adverts of priority 0", func(b *bench) []Action { return b.adverts(higher, 0) }},
	{"ten seconds of silence", func(b *bench) []Action { return b.pass(10 * time.Second) }},
}

func (b *bench) adverts(from byte, prio uint8) []Action {
	var out []Action
	for i := range b.members {
		out = append(out, b.feed(Received(i, b.packet(i, from, prio, nil)))...)
	}
	return out
}

// kinAdverts are those of another holdfast node.
func (b *bench) kinAdverts(from byte, prio uint8) []Action {
	var out []Action
	for i := range b.members {
		out = append(out, b.feed(Received(i, b.packet(i, from, prio, nil)).FromKin())...)
	}
	return out
}

// TestEveryEventInEveryPhase is a table of all that can happen to a set, to be
// read. What is right about it, other tests say one by one; this one shows a
// change of behaviour where nobody thought of it.
func TestEveryEventInEveryPhase(t *testing.T) {
	var text strings.Builder
	text.WriteString(`# Every event in every phase. The set is the group web, IPv4 and IPv6, priority 100,
# with the checks service (veto) and disk (weight 40). Each case starts anew from
# the phase. Written by: go test ./internal/group -run EveryEvent -update
`)
	for p := range situations(t) {
		fmt.Fprintf(&text, "\n== %s (%s)\n", phase(p), phase(p).state())
		for _, h := range happenings {
			b := situations(t)[p]
			acts := h.do(b)
			fmt.Fprintf(&text, "\n%s\n", h.name)
			for _, line := range squeeze(b.story(acts)) {
				fmt.Fprintf(&text, "    %s\n", line)
			}
			if b.phase != phase(p) {
				fmt.Fprintf(&text, "    -> %s\n", b.phase)
			}
		}
	}
	golden(t, "events.txt", text.String())
}

// squeeze makes one line of what comes again and again, as adverts do.
func squeeze(story []string) []string {
	count := map[string]int{}
	var out []string
	for _, line := range story {
		if count[line]++; count[line] == 1 {
			out = append(out, line)
		}
	}
	for i, line := range out {
		if n := count[line]; n > 1 {
			out[i] = fmt.Sprintf("%s (%d times)", line, n)
		}
	}
	return out
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", path, diff)
	}
}
