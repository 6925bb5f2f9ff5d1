package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/holdfast-net/holdfast/interop/chaos"
)

const intro = `# What survives, and what does not

Made by ` + "`make chaos-table`" + ` on the day and the kernel below: real binaries in network
namespaces, one kind of fault at a time, the same for everybody. An observer
that shares no code with the daemons asks the LAN a thousand times a second who
has the address, and sees at each node's port of the switch who answers
([interop/chaos](../interop/chaos) has the exact measure).

Each cell is the worst of %d runs (physical and virtual MAC; 100 ms between
adverts; the holder is hit twice, a backup once):

- **two**: for how long two nodes answered for the address at the same time, and
  a client heard both. An address that two hold is traffic at the wrong place.
- **none**: for how long a client with open traffic got no answer, in total;
  in brackets the part that neither the protocol's timers explain nor the
  machine: while a host that no fault concerned did not answer either, the
  machine was too busy. One failover may take 0.34 s with these settings, 0.3 s
  more where nodes vote, and the holder is hit twice.
- *left*: something stayed on a node after its daemon had been stopped, and what.
- *no peace*: in the end there was not exactly one holder.

keepalived is Debian's %s, in the real-time class and without the limit that
kills it there. Its guardian is its parent process. Under a partition, holdfast's
` + "`available`" + ` prefers two answers to none, as plain VRRP does; ` + "`guarded`" + ` asks first.
The wall clock is not stepped: it is the whole machine's.

`

// write makes the page.
func write(results []*result, contestants []contestant) string {
	var b strings.Builder
	fmt.Fprintf(&b, intro, len(chaos.Survey(chaos.KillDaemon, chaos.Available)), "2.2.7")
	fmt.Fprintf(&b, "%s, %s.\n", time.Now().UTC().Format(time.DateOnly), kernel())
	class := chaos.Class("")
	for _, fault := range chaos.Faults() {
		var row []string
		for _, c := range contestants {
			for _, r := range results {
				if r.fault == fault && r.who == c.name {
					row = append(row, r.cell())
				}
			}
		}
		if len(row) == 0 {
			continue
		}
		if fault.Class() != class {
			class = fault.Class()
			fmt.Fprintf(&b, "\n## %s\n\n| fault |", titles[class])
			for _, c := range contestants {
				fmt.Fprintf(&b, " %s |", c.name)
			}
			fmt.Fprintf(&b, "\n|---|%s\n", strings.Repeat("---|", len(contestants)))
		}
		fmt.Fprintf(&b, "| **%s**: %s | %s |\n", fault, fault.What(), strings.Join(row, " | "))
	}
	return b.String()
}

var titles = map[chaos.Class]string{
	chaos.OfProcess:   "Processes",
	chaos.OfScheduler: "Scheduling",
	chaos.OfHost:      "Hosts",
	chaos.OfNetwork:   "Network",
	chaos.OfOperator:  "Operators",
	chaos.OfWitness:   "The witness",
}

// cell is the worst of the runs.
func (r *result) cell() string {
	if len(r.verdicts) == 0 {
		return "no verdict"
	}
	var two, none, beyond time.Duration
	overlaps, done := 0, 0
	var notes []string
	note := func(s string) {
		if !strings.Contains(strings.Join(notes, ", "), s) {
			notes = append(notes, s)
		}
	}
	skipped := ""
	for _, v := range r.verdicts {
		two, none, beyond = max(two, v.Two), max(none, v.None), max(beyond, v.Beyond)
		overlaps = max(overlaps, len(v.Overlaps))
		for _, h := range v.Happened {
			if h.Skipped == "" {
				done++
			} else {
				skipped = h.Skipped
			}
		}
		for _, l := range v.Left {
			note("*left* " + sort(l))
		}
		if v.Unsettled != nil {
			note("*no peace*")
		}
		if len(v.Unreasoned) > 0 {
			note("*unexplained*")
		}
	}
	if done == 0 {
		return "not tried: " + skipped
	}
	s := fmt.Sprintf("two %s, none %s (%s)", figure(two, overlaps > 0), figure(none, false), figure(beyond, false))
	if two > 0 || overlaps > 0 {
		s = strings.Replace(s, "two ", "**two** ", 1)
	}
	if n := len(r.errs); n > 0 {
		note(fmt.Sprintf("%d of %d runs without a verdict", n, r.runs))
	}
	return strings.Join(append([]string{s}, notes...), ", ")
}

// sort says what kind of thing was left: "a: setting ipv4/conf/..." is a
// setting.
func sort(left string) string {
	_, what, _ := strings.Cut(left, ": ")
	for _, kind := range []string{"missing", "setting", "address", "interface", "nftables table", "filter", "programs"} {
		if strings.Contains(what, kind) {
			return kind
		}
	}
	return "process"
}

// figure writes milliseconds. Something that is seen is never 0.
func figure(d time.Duration, seen bool) string {
	if d < time.Millisecond && seen {
		return "< 1 ms"
	}
	return fmt.Sprintf("%d ms", d.Round(time.Millisecond).Milliseconds())
}
