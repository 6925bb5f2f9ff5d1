package survival

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-net/holdfast/internal/lab"
	"github.com/holdfast-net/holdfast/interop/survival/load"
)

// Evidence is all that was seen of a fault, for whoever asks why.
type Evidence struct {
	Verdict
	at       time.Time                     // when the fault began
	clock    func(time.Duration) time.Time // of the records, and of the verdict
	records  []load.Record                 // of exchanges that ended in it
	report   *lab.Report                   // who answered at the address, and when
	suspects []Suspect                     // what waited for long
	before   map[string]map[string]uint64  // counters: of whom, what
	after    map[string]map[string]uint64  //
	pair     Pair                          //
}

// moment is a line of the timeline.
type moment struct {
	at    time.Time
	where string
	what  string
}

// counters are those of the nodes, and of TCP on the clients' and backends' machines.
func (r *run) counters() map[string]map[string]uint64 {
	all := map[string]map[string]uint64{"clients' TCP": tcpCounters(r.site.Client)}
	servers := map[string]uint64{}
	for _, b := range r.site.Backends {
		for name, n := range tcpCounters(b) {
			servers[name] += n
		}
	}
	all["backends' TCP"] = servers
	if w, ok := r.pair.(Witness); ok {
		for i, h := range r.site.Balancers {
			if sums, err := w.Drops(i); err == nil {
				all[h.Name()] = sums
			}
		}
	}
	return all
}

// odd tells whether an exchange is worth to be named.
func (e *Evidence) odd(r load.Record) bool {
	return r.Outcome != load.Done || r.Kind != load.Request && r.Took > e.bound() || r.Kind == load.Request && r.Began >= e.Over && r.Took >= prompt+e.Late
}

// Summary is the verdict, which bounds failed, what the counters say of the time
// in which they did, and what happened when.
func (e *Evidence) Summary() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", e.Verdict)
	for _, line := range e.Broken() {
		fmt.Fprintf(&b, "broken: %s\n", line)
	}
	for _, line := range differences(e.before, e.after) {
		fmt.Fprintf(&b, "meanwhile: %s\n", line)
	}
	b.WriteString("\n")
	for _, m := range e.timeline() {
		fmt.Fprintf(&b, "%s %+9.3f s  %-8s %s\n", m.at.Format("15:04:05.000"), m.at.Sub(e.at).Seconds(), m.where, m.what)
	}
	return b.String()
}

// mostMoments is how many exchanges of one kind and outcome the timeline names.
const mostMoments = 20

// timeline is what the test did, what a prober and the clients saw, and what the
// nodes have in their journals.
func (e *Evidence) timeline() (all []moment) {
	say := func(at time.Time, where, format string, args ...any) {
		all = append(all, moment{at, where, fmt.Sprintf(format, args...)})
	}
	say(e.at, "test", "%s", e.Name)
	say(e.clock(e.Struck), "test", "it has happened")
	say(e.clock(e.To), "test", "all that it could do is done")
	for _, o := range e.report.Outages {
		say(o.From, "prober", "nobody answers at the address for %v", o.Duration())
	}
	for _, s := range e.report.Spans {
		if s.Node != "" {
			say(s.From, "prober", "%s answers at the address, %d times", s.Node, s.Probes)
		}
	}
	named := map[string]int{}
	for _, r := range e.records {
		if !e.odd(r) {
			continue
		}
		kind := fmt.Sprintf("%v: %v", r.Kind, r.Outcome)
		if named[kind]++; named[kind] <= mostMoments {
			say(e.clock(r.Began), "client", "begins what ends after %v, %s, from %s", r.Took.Round(time.Millisecond), kind, r.From)
		}
	}
	for _, s := range e.suspects {
		say(s.At, "client", "still waits: %s from %s", s.Kind, s.From)
	}
	if w, ok := e.pair.(Witness); ok {
		for i := range 2 {
			events, err := w.Events(i)
			if err != nil {
				say(e.at, fmt.Sprintf("lb%d", i+1), "%v", err)
			}
			for _, ev := range events {
				if ev.Time.After(e.at.Add(-time.Second)) && ev.Time.Before(e.clock(e.To)) {
					say(ev.Time, fmt.Sprintf("lb%d", i+1), "%s", strings.Join(slices.DeleteFunc([]string{ev.Code, ev.From, ev.To, ev.Reason}, func(s string) bool { return s == "" }), " "))
				}
			}
		}
	}
	slices.SortStableFunc(all, func(a, b moment) int { return a.at.Compare(b.at) })
	return all
}

// Keep writes it all into a folder.
func (e *Evidence) Keep(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("cannot keep what was seen: %w", err)
	}
	files := map[string]string{"summary.txt": e.Summary(), "exchanges.txt": e.exchanges(), "suspects.txt": "", "logs.txt": e.pair.Logs()}
	for _, s := range e.suspects {
		files["suspects.txt"] += s.At.Format("15:04:05.000 ") + s.String() + "\n"
	}
	if w, ok := e.pair.(Witness); ok {
		for i := range 2 {
			files[fmt.Sprintf("lb%d.txt", i+1)] = w.State(i)
		}
	}
	var errs []error
	for name, text := range files {
		errs = append(errs, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	return errors.Join(errs...)
}

// exchanges are all that are worth to be named, and how long requests took by when
// they began.
func (e *Evidence) exchanges() string {
	var b strings.Builder
	for _, r := range e.records {
		if e.odd(r) {
			fmt.Fprintf(&b, "%s %+9.3f s  %v %v after %v, from %s\n", e.clock(r.Began).Format("15:04:05.000"), (r.Began - e.From).Seconds(), r.Kind, r.Outcome, r.Took.Round(time.Millisecond), r.From)
		}
	}
	b.WriteString("\nrequests by when they began:\n")
	const step = 20 * time.Millisecond
	type slot struct {
		n                 int
		shortest, longest time.Duration
	}
	slots := map[time.Duration]*slot{}
	for _, r := range e.records {
		if r.Kind != load.Request {
			continue
		}
		s := slots[r.Began/step]
		if s == nil {
			s = &slot{shortest: r.Took}
			slots[r.Began/step] = s
		}
		s.n, s.shortest, s.longest = s.n+1, min(s.shortest, r.Took), max(s.longest, r.Took)
	}
	for at := e.From / step; at <= e.To/step; at++ {
		if s := slots[at]; s != nil && s.longest > step {
			fmt.Fprintf(&b, "%+9.3f s  %d took %v to %v\n", (at*step - e.From).Seconds(), s.n, s.shortest.Round(time.Millisecond), s.longest.Round(time.Millisecond))
		}
	}
	return b.String()
}
