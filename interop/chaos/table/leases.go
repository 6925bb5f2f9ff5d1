package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/holdfast-net/holdfast/interop/chaos"
	"github.com/holdfast-net/holdfast/interop/peer"
)

// leasesTitle begins the part of the page about leases, its last one.
const leasesTitle = "\n## Leases\n"

// writeLeases runs plans with leases and puts what came out at the end of the
// page.
func writeLeases(opt options, binary string, first uint64, count int) error {
	path, err := filepath.Abs(binary)
	if err != nil {
		return err
	}
	who := chaos.Contender{Kind: peer.Holdfast, Binary: path}
	verdicts, errs := make([]*chaos.Verdict, count), make([]error, count)
	var work sync.WaitGroup
	slots := make(chan struct{}, max(1, opt.parallel))
	for i := range count {
		slots <- struct{}{}
		work.Go(func() {
			defer func() { <-slots }()
			v, err := chaos.Run(who, chaos.RandomLease(first+uint64(i)))
			if verdicts[i], errs[i] = v, err; err != nil {
				errs[i] = fmt.Errorf("seed %d: %w", first+uint64(i), err)
				return
			}
			fmt.Fprintf(os.Stderr, "seed %d: %v\n", first+uint64(i), v)
			for _, b := range v.Broken() {
				fmt.Fprintf(os.Stderr, "seed %d: BROKEN: %s\n", first+uint64(i), b)
			}
			if opt.stories {
				fmt.Fprintln(os.Stderr, v.Story())
			}
		})
	}
	work.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	page := aboutLeases(verdicts, first)
	if opt.out == "" {
		fmt.Print(page)
		return nil
	}
	before, err := os.ReadFile(opt.out)
	if err != nil {
		return err
	}
	head, _, _ := strings.Cut(string(before), leasesTitle)
	return os.WriteFile(opt.out, []byte(head+page), 0o644)
}

// part is the part of a page from a title on, if it has that.
func part(path, title string) string {
	page, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	if _, rest, ok := strings.Cut(string(page), title); ok {
		return title + rest
	}
	return ""
}

// row is one kind of fault in all plans.
type row struct {
	times int
	two   time.Duration
	none  []time.Duration
}

func aboutLeases(verdicts []*chaos.Verdict, first uint64) string {
	var two, worst, late time.Duration
	var overlaps, holds, disorder, broken, happened, questions int
	rows := map[chaos.Fault]*row{}
	for _, v := range verdicts {
		two, overlaps = two+v.Two+v.Unheard, overlaps+len(v.Silent)
		worst, late = max(worst, v.Worst), max(late, v.Late)
		holds, disorder, questions = holds+v.Holds, disorder+len(v.Disorder), questions+v.Questions
		broken += min(1, len(v.Broken()))
		for _, h := range v.Happened {
			if h.Skipped != "" {
				continue
			}
			happened++
			r := rows[h.Fault]
			if r == nil {
				r = &row{}
				rows[h.Fault] = r
			}
			r.times++
			r.two = max(r.two, v.Two+v.Unheard)
			r.none = append(r.none, v.During(h))
		}
	}
	var b strings.Builder
	b.WriteString(leasesTitle)
	fmt.Fprintf(&b, `
Made by `+"`make chaos-leases`"+` on %s, %s: groups whose
election is a lease, with plans from seeds (%d to %d). Two or three nodes, terms of
200 ms to 2 s, and a store that is an etcd of one or three members, or that
the three nodes make up. One to six faults a plan, many of them at the same time:
those of the nodes as above, and those of the store and of membership.

%d plans, %d faults, %d questions of the observers. Two nodes answered at the same
time for **%s**, heard or not. The journals told of %d holds, %s.
The longest stretch without an answer that nothing explains (no failover, no store without a
majority, no machine that was too busy) was %s. %s

The time without an answer is from the fault's beginning until a failover after its
end, whatever else went wrong meanwhile: in the middle, and at most.

| fault | times | two | none, in the middle | none, at most |
|---|---|---|---|---|
`, time.Now().UTC().Format(time.DateOnly), kernel(), first, first+uint64(len(verdicts))-1,
		len(verdicts), happened, questions, figure(two, overlaps > 0), holds,
		map[bool]string{true: "one after the other in the order of their epochs", false: fmt.Sprintf("%d of them **against the order of their epochs**", disorder)}[disorder == 0],
		figure(worst, false), map[bool]string{true: "No promise was broken.", false: fmt.Sprintf("**%d plans broke a promise.**", broken)}[broken == 0])
	for _, f := range chaos.Faults() {
		r := rows[f]
		if r == nil {
			continue
		}
		slices.Sort(r.none)
		fmt.Fprintf(&b, "| **%s**: %s | %d | %s | %s | %s |\n", f, f.What(), r.times, figure(r.two, r.two > 0),
			figure(r.none[len(r.none)/2], false), figure(r.none[len(r.none)-1], false))
	}
	return b.String()
}
