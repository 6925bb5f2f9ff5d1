// Table breaks holdfast and keepalived in the same ways, one kind of fault at
// a time, and writes what an observer saw as a page: what survives, and what
// does not.
//
//	go run ./interop/chaos/table -holdfast bin/holdfast -out docs/chaos.md
//	go run ./interop/chaos/table -holdfast bin/holdfast -only "kill daemon,isolate"
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/holdfast-net/holdfast/interop/chaos"
	"github.com/holdfast-net/holdfast/interop/peer"
)

type options struct {
	out      string
	only     []string
	parallel int
	stories  bool
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintf(os.Stderr, "table: %v\n", err)
		os.Exit(1)
	}
}

func run() error {
	var opt options
	binary := flag.String("holdfast", "", "the binary to break; without one, keepalived alone is broken")
	only := flag.String("only", "", "only these faults, separated by commas")
	guards := flag.String("guards", "available,guarded", "holdfast's answers to a partition that are tried")
	flag.StringVar(&opt.out, "out", "", "where the page goes; empty: to the terminal")
	flag.IntVar(&opt.parallel, "parallel", 3, "runs at the same time: most of each is waiting")
	leases := flag.Int("leases", 0, "run so many plans with leases instead, and write the part of the page about them")
	first := flag.Uint64("first", 1, "the first seed of those")
	flag.BoolVar(&opt.stories, "stories", false, "tell what was seen in each run, too")
	flag.Parse()
	if *only != "" {
		opt.only = strings.Split(*only, ",")
	}
	if os.Geteuid() != 0 {
		return errors.New("cannot make network namespaces: not root")
	}
	if *leases > 0 {
		return writeLeases(opt, *binary, *first, *leases)
	}
	if err := peer.Have(peer.Keepalived); err != nil {
		return fmt.Errorf("cannot compare: %w", err)
	}
	contestants := []contestant{{"keepalived", chaos.Contender{Kind: peer.Keepalived}, chaos.Available}}
	if *binary != "" {
		path, err := filepath.Abs(*binary)
		if err != nil {
			return err
		}
		hold := chaos.Contender{Kind: peer.Holdfast, Binary: path}
		for _, g := range strings.Split(*guards, ",") {
			contestants = append(contestants, contestant{"holdfast, " + g, hold, chaos.Guard(g)})
		}
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	results := survey(opt, contestants, stop)
	page := write(results, contestants)
	if opt.out != "" {
		page += part(opt.out, leasesTitle) // as it is
	}
	if opt.out == "" {
		fmt.Print(page)
		return nil
	}
	return os.WriteFile(opt.out, []byte(page), 0o644)
}

// contestant is one column of the table.
type contestant struct {
	name  string
	who   chaos.Contender
	guard chaos.Guard
}

// result is one cell: the worst of some runs.
type result struct {
	fault    chaos.Fault
	who      string
	runs     int
	verdicts []*chaos.Verdict
	errs     []error
}

// survey runs everything: what disturbs others alone, the rest side by side.
func survey(opt options, contestants []contestant, stop <-chan os.Signal) []*result {
	var results []*result
	var mu sync.Mutex
	var work sync.WaitGroup
	slots := make(chan struct{}, max(1, opt.parallel))
	stopped := false
	for _, alone := range []bool{false, true} {
		for _, fault := range chaos.Faults() {
			if fault.OfLeases() || fault.Alone() != alone || opt.only != nil && !slices.Contains(opt.only, string(fault)) {
				continue
			}
			for _, c := range contestants {
				r := &result{fault: fault, who: c.name}
				results = append(results, r)
				for _, plan := range chaos.Survey(fault, c.guard) {
					if alone {
						work.Wait()
					}
					select {
					case <-stop:
						stopped = true
					default:
					}
					if stopped {
						break
					}
					slots <- struct{}{}
					work.Go(func() {
						defer func() { <-slots }()
						begun := time.Now()
						v, err := chaos.Run(c.who, plan)
						mu.Lock()
						defer mu.Unlock()
						r.note(v, err)
						tell(opt, c, fault, plan, v, err, time.Since(begun))
					})
				}
			}
		}
	}
	work.Wait()
	return results
}

func (r *result) note(v *chaos.Verdict, err error) {
	r.runs++
	if err != nil {
		r.errs = append(r.errs, err)
		return
	}
	r.verdicts = append(r.verdicts, v)
}

// tell says how a run went, as it ends.
func tell(opt options, c contestant, fault chaos.Fault, plan chaos.Plan, v *chaos.Verdict, err error, took time.Duration) {
	head := fmt.Sprintf("%-18s %-20s %-8s %5.1fs  ", fault, c.name, plan.Mode.MAC, took.Seconds())
	if err != nil {
		fmt.Fprintf(os.Stderr, "%sno verdict: %v\n", head, err)
		return
	}
	fmt.Fprintf(os.Stderr, "%s%v\n", head, v)
	for _, l := range append(v.Left, v.Unreasoned...) {
		fmt.Fprintf(os.Stderr, "    %s\n", l)
	}
	if v.Unsettled != nil {
		fmt.Fprintf(os.Stderr, "    no peace: %v\n", v.Unsettled)
	}
	if opt.stories {
		fmt.Fprintln(os.Stderr, v.Story())
	}
}
