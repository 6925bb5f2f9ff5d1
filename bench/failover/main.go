// Failover measures holdfast beside keepalived on this machine, in one run,
// in a LAN of network namespaces with a client that notices every lost probe:
//
//	crash     what the client misses when the holder's link is cut
//	bfd       the same, each at its fastest: short adverts, or BFD
//	handover  what it misses in planned moves and clean shutdowns
//	lateness  how late adverts are on the wire, idle and under load
//	cost      CPU and memory by number of groups
//	spurious  neighbours missed and states changed under load, without a fault;
//	          ten minutes, and only on request
//
// It prints tables with ratios to keepalived and writes the same as JSON.
// Absolute times depend on the machine; the ratios are the result.
//
//	go run ./bench/failover -holdfast bin/holdfast
//	go run ./bench/failover -holdfast bin/holdfast -parts crash,lateness -trials 5
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
	"syscall"
	"time"

	"github.com/holdfast-net/holdfast/interop/peer"
)

// options are what the command line says.
type options struct {
	holdfast string
	parts    []string
	trials   int
	lateness time.Duration
	cost     time.Duration
	spurious time.Duration
	out      string
	dir      string // for the daemons' files
}

var errStopped = errors.New("stopped by a signal")

// part is one of the benchmarks.
type part struct {
	name string
	run  func(*bench) (*Table, error)
}

func parts() []part {
	return []part{
		{"crash", crash}, {"bfd", quick}, {"handover", handover}, {"lateness", lateness}, {"cost", cost}, {"spurious", spurious},
	}
}

// bench is one run.
type bench struct {
	options
	stopped chan os.Signal
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == busyArgument {
		burn()
	}
	if err := run(); err != nil {
		fmt.Fprintf(os.Stderr, "failover: %v\n", err)
		os.Exit(1)
	}
}

func run() error {
	opt, err := parse()
	if err != nil {
		return err
	}
	if os.Geteuid() != 0 {
		return errors.New("cannot make network namespaces: not root")
	}
	if err := peer.Have(peer.Keepalived); err != nil {
		return fmt.Errorf("cannot compare: %w", err)
	}
	if opt.dir, err = os.MkdirTemp("", "hf-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(opt.dir)

	b := &bench{options: opt, stopped: make(chan os.Signal, 1)}
	signal.Notify(b.stopped, os.Interrupt, syscall.SIGTERM)
	report := NewReport()
	var failed error
	for _, p := range parts() {
		if !slices.Contains(opt.parts, p.name) {
			continue
		}
		table, err := p.run(b)
		if table != nil {
			table.Print(os.Stdout)
			report.Tables = append(report.Tables, table)
		}
		if err != nil {
			say("cannot finish %s: %v", p.name, err)
			failed = errors.Join(failed, fmt.Errorf("cannot finish %s: %w", p.name, err))
			if errors.Is(err, errStopped) {
				break
			}
		}
	}
	return errors.Join(failed, report.Write(opt.out))
}

func parse() (options, error) {
	var opt options
	var which string
	flag.StringVar(&opt.holdfast, "holdfast", "", "the binary to measure; without one, keepalived alone is measured")
	flag.StringVar(&which, "parts", "crash,bfd,handover,lateness,cost", "what to measure; there is spurious, too")
	flag.IntVar(&opt.trials, "trials", 20, "trials of each crash; a quarter of it of each handover")
	flag.DurationVar(&opt.lateness, "lateness-for", 30*time.Second, "how long to watch adverts, for each case")
	flag.DurationVar(&opt.cost, "cost-for", 10*time.Second, "how long to count CPU time, for each case")
	flag.DurationVar(&opt.spurious, "spurious-for", 10*time.Minute, "how long to watch for what nothing caused")
	flag.StringVar(&opt.out, "out", filepath.Join("bench", "results", "failover.json"), "where the JSON goes")
	flag.Parse()
	opt.parts = strings.Split(which, ",")
	for _, p := range opt.parts {
		if !slices.ContainsFunc(parts(), func(known part) bool { return known.name == p }) {
			return opt, fmt.Errorf("cannot measure %q: the parts are crash, bfd, handover, lateness, cost, spurious", p)
		}
	}
	if opt.trials < 1 {
		return opt, errors.New("cannot measure without trials")
	}
	if opt.holdfast != "" {
		path, err := filepath.Abs(opt.holdfast)
		if err != nil {
			return opt, err
		}
		opt.holdfast = path
	}
	return opt, nil
}

// contender is one daemon with one way to configure it.
type contender struct {
	name   string
	kind   peer.Kind
	global []string
	mac    peer.MAC
	vrrp   []string // further lines of its virtual router
}

var (
	keepalived = contender{name: "keepalived", kind: peer.Keepalived}
	// keepalivedRT is keepalived at its best. By default it asks the kernel
	// to kill it once it has run for 10 ms in the real-time class without
	// sleeping, which a busy machine's accounting makes happen.
	keepalivedRT        = contender{name: "keepalived, rt 50", kind: peer.Keepalived, global: []string{"vrrp_rt_priority 50", "vrrp_rlimit_rttime 500000"}}
	keepalivedRTDefault = contender{name: "keepalived, rt 50, own rlimit", kind: peer.Keepalived, global: []string{"vrrp_rt_priority 50"}}
	holdfast            = contender{name: "holdfast", kind: peer.Holdfast}
)

// contenders leaves holdfast out where there is no binary.
func (b *bench) contenders(all ...contender) []contender {
	return slices.DeleteFunc(all, func(c contender) bool { return c.kind == peer.Holdfast && b.holdfast == "" })
}

// pause waits, or returns errStopped.
func (b *bench) pause(d time.Duration) error {
	select {
	case <-b.stopped:
		return errStopped
	case <-time.After(d):
		return nil
	}
}

// say tells how far the run is.
func say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%s  %s\n", time.Now().Format(time.TimeOnly), fmt.Sprintf(format, args...))
}
