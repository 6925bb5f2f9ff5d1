// Cluster measures holdfast's leases beside what else moves an address on
// account of a majority, in one run: Pacemaker over Corosync, and vip-manager
// over an etcd, all from Debian's packages. Each has a LAN of three machines
// made of namespaces, with a client that notices every lost probe and a watch
// that asks all the time who has the address.
//
// A round is one fault after the other; a fault befalls one contender after
// the other, and all are healed before the next one. Rounds can be added to
// those of an earlier run, which keeps every piece short:
//
//	go run ./bench/cluster -holdfast bin/holdfast -rounds 7
//	go run ./bench/cluster -holdfast bin/holdfast -rounds 3 -add
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

var vip4 = netip.AddrPortFrom(vip.Addr(), echoPort)

// contenders are all there are, in the order of tables.
func contenders() []*contender {
	return []*contender{
		{
			name: "pacemaker", what: "as installed: token 3 s (3.65 s with three nodes)",
			worst: 12 * time.Second, software: &pacemaker{},
		},
		{
			name: "pacemaker-tuned", what: "token 500 ms, consensus 600 ms",
			worst: 4 * time.Second, software: &pacemaker{totem: []string{
				"token: 500", "token_coefficient: 0", "consensus: 600",
			}},
		},
		{
			name: "vip-manager", what: "key of 5 s, looks every second, etcd as installed",
			worst: 8 * time.Second, software: &mover{ttl: 5, look: time.Second, heartbeat: 100 * time.Millisecond},
		},
		{
			name: "vip-manager-tuned", what: "key of 1 s, looks every 100 ms, etcd with heartbeats of 20 ms",
			worst: 4 * time.Second, software: &mover{ttl: 1, look: 100 * time.Millisecond, heartbeat: 20 * time.Millisecond},
		},
		{
			name: "vip-manager-patroni", what: "key of 30 s (Patroni's default), looks every second, etcd as installed",
			worst: 40 * time.Second, software: &mover{ttl: 30, look: time.Second, heartbeat: 100 * time.Millisecond},
		},
		{
			name: "holdfast", what: "as installed: ttl 3 s, heartbeat 50 ms",
			worst: 5 * time.Second, software: &own{lease: "{}"},
		},
		{
			name: "holdfast-1s", what: "ttl 1 s, heartbeat 10 ms",
			worst: 4 * time.Second, software: &own{lease: "{ttl: 1s}", lines: []string{"heartbeat: 10ms"}},
		},
		{
			name: "holdfast-200ms", what: "ttl 200 ms, heartbeat 10 ms",
			worst: 4 * time.Second, software: &own{lease: "{ttl: 200ms}", lines: []string{"heartbeat: 10ms"}},
		},
	}
}

// bench is one run.
type bench struct {
	holdfast string
	self     string
	dir      string
	rounds   int
	who      []string
	faults   []string
	out      string
	page     string
	add      bool
	keep     bool
	database bool
	ctx      context.Context // ends with a signal
}

var errStopped = errors.New("stopped by a signal")

func main() {
	if len(os.Args) > 1 && os.Args[1] == candidateArgument {
		fmt.Fprintf(os.Stderr, "candidate: %v\n", stand(os.Args[2:]))
		os.Exit(1)
	}
	if err := run(); err != nil {
		fmt.Fprintf(os.Stderr, "cluster: %v\n", err)
		os.Exit(1)
	}
}

func run() (err error) {
	b, err := parse()
	if err != nil {
		return err
	}
	if os.Geteuid() != 0 {
		return errors.New("cannot make network namespaces: not root")
	}
	report := newReport()
	if b.add {
		if report, err = readReport(b.out); err != nil {
			return err
		}
	}
	// What contenders write is on memory: the disk of this machine is not
	// compared.
	if b.dir, err = os.MkdirTemp("/dev/shm", "hf-bench-"); err != nil {
		return err
	}
	if b.keep {
		say("files are in %s", b.dir)
	} else {
		defer os.RemoveAll(b.dir)
	}
	if err := os.Chmod(b.dir, 0o755); err != nil {
		return err
	}
	var end context.CancelFunc
	b.ctx, end = signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer end()
	if err := report.versions(b.holdfast); err != nil {
		return err
	}
	switch {
	case b.rounds == 0: // the tables of what is there
	case b.database:
		err = b.commits(report)
	default:
		err = b.all(report)
	}
	report.print(os.Stdout)
	return errors.Join(err, report.write(b.out, b.page))
}

func parse() (*bench, error) {
	b := &bench{}
	var who, which, names []string
	for _, c := range contenders() {
		if names = append(names, c.name); c.name != "vip-manager-patroni" {
			who = append(who, c.name)
		}
	}
	for _, f := range faults {
		which = append(which, f.name)
	}
	contend := flag.String("who", strings.Join(who, ","), "who is measured; there is vip-manager-patroni, too")
	happen := flag.String("faults", strings.Join(which, ","), "what happens")
	flag.StringVar(&b.holdfast, "holdfast", "bin/holdfast", "the binary to measure")
	flag.IntVar(&b.rounds, "rounds", 7, "how often each fault happens; 0: only the tables of what is there, with -add")
	flag.StringVar(&b.out, "out", filepath.Join("bench", "results", "cluster.json"), "where the JSON goes")
	flag.StringVar(&b.page, "page", "", "the page that gets the tables")
	flag.BoolVar(&b.add, "add", false, "add to the JSON that is there")
	flag.BoolVar(&b.database, "database", false, "measure PostgreSQL under Pacemaker instead")
	flag.BoolVar(&b.keep, "keep", false, "keep the contenders' files and logs")
	flag.Parse()
	b.who, b.faults = strings.Split(*contend, ","), strings.Split(*happen, ",")
	for _, w := range b.who {
		if !slices.Contains(names, w) {
			return nil, fmt.Errorf("cannot measure %q: there are %s", w, strings.Join(names, ", "))
		}
	}
	for _, f := range b.faults {
		if !slices.Contains(which, f) {
			return nil, fmt.Errorf("cannot let %q happen: there are %s", f, strings.Join(which, ", "))
		}
	}
	var err error
	if b.holdfast, err = filepath.Abs(b.holdfast); err != nil {
		return nil, err
	}
	if _, err := exec.LookPath(b.holdfast); err != nil {
		return nil, fmt.Errorf("cannot measure holdfast: %w", err)
	}
	b.self, err = os.Executable()
	return b, err
}

// all sets the contenders up and lets the faults happen to them in turns.
func (b *bench) all(report *Report) (err error) {
	who := slices.DeleteFunc(contenders(), func(c *contender) bool { return !slices.Contains(b.who, c.name) })
	stages, errs := make([]*stage, len(who)), make([]error, len(who))
	defer func() {
		for _, s := range stages {
			if s != nil {
				err = errors.Join(err, s.close())
			}
		}
	}()
	var ready sync.WaitGroup
	for i, c := range who {
		ready.Go(func() { stages[i], errs[i] = b.newStage(c) })
	}
	ready.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if err := b.heal(stages, nil); err != nil {
		return err
	}
	for round := range b.rounds {
		for _, f := range faults {
			if !slices.Contains(b.faults, f.name) {
				continue
			}
			say("round %d of %d: %s", round+1, b.rounds, f.what)
			fallen := map[*stage]*machine{}
			for _, s := range stages {
				t, m, err := b.try(s, f)
				if err != nil {
					return err
				}
				say("  %-20s %s to %s, nobody for %5.0f ms, moved in %5.0f ms, two for %.0f ms%s", t.Who, t.From, t.To, t.Outage, t.Moved, t.Two, t.Refused)
				fallen[s] = m
				report.Trials = append(report.Trials, t)
			}
			if err := b.heal(stages, fallen); err != nil {
				return err
			}
		}
	}
	return nil
}

// heal makes all stages whole at the same time.
func (b *bench) heal(stages []*stage, fallen map[*stage]*machine) error {
	errs := make([]error, len(stages))
	var all sync.WaitGroup
	for i, s := range stages {
		all.Go(func() { errs[i] = s.heal(fallen[s]) })
	}
	all.Wait()
	// And a while, so that what is only done after is over as well.
	return errors.Join(errors.Join(errs...), b.pause(time.Second))
}

// pause waits, or returns errStopped.
func (b *bench) pause(d time.Duration) error {
	select {
	case <-b.ctx.Done():
		return errStopped
	case <-time.After(d):
		return nil
	}
}

// say tells how far the run is.
func say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%s  %s\n", time.Now().Format(time.TimeOnly), fmt.Sprintf(format, args...))
}
