// Balance measures what it costs to be in the middle, of one contender after
// the other in the same run: plain routing, nftables, nginx, HAProxy, and
// holdfast's proxy and its plane in the kernel. Each has three namespaces and
// two cables of its own: client, balancer, server (one, with three addresses).
//
//	go run ./bench/balance
//	go run ./bench/balance -rows bulk,requests -contenders haproxy,holdfast-nat -merge
//	go run ./bench/balance -page docs/compare-balance.md -rows none -merge
//
// It needs root, nft, haproxy and nginx with its stream module, and leaves
// nothing behind.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/holdfast-net/holdfast/bench/measure"
	"github.com/holdfast-net/holdfast/internal/balance"
	"github.com/holdfast-net/holdfast/internal/balance/bpf"
)

var rows = []string{bulk, connections, requests, latency, datagrams, memory, cost}

func main() {
	rounds := flag.Int("rounds", 5, "how often each is measured")
	each := flag.Duration("time", 2*time.Second, "how long one measurement takes")
	out := flag.String("out", "bench/results/balance.json", "where the figures go as JSON")
	merge := flag.Bool("merge", false, "keep the rows and contenders that are there already and are not measured")
	some := flag.String("rows", strings.Join(rows, ","), "what is measured")
	who := flag.String("contenders", "all", "who is measured")
	page := flag.String("page", "", "a page whose tables are brought up to date")
	as := flag.String("as", "", "what this process is: set by itself")
	flag.Parse()
	var err error
	switch *as {
	case "":
		err = compare(config{*rounds, *each, *out, *merge, strings.Split(*some, ","), strings.Split(*who, ","), *page})
	case "server":
		err = serve()
	case "client":
		err = load(flag.Arg(0), flag.Arg(1), *each)
	case "flood":
		err = floodHere(*each)
	case "handshakes":
		err = withNumber(flag.Arg(1), func(n int) error { return handshakes(flag.Arg(0), n) })
	case "steer":
		err = steer(flag.Arg(0))
	case "proxy":
		err = proxyHere()
	case "kernel":
		forward := balance.NAT
		if flag.Arg(1) == "full-nat" {
			forward = balance.FullNAT
		}
		var hook bpf.Hook
		if hook, err = bpf.ParseHook(flag.Arg(3)); err == nil {
			err = withNumber(flag.Arg(2), func(n int) error { return kernelHere(flag.Arg(0), forward, n, hook) })
		}
	case "card":
		err = likeCard()
	case "poll":
		err = poll()
	case "cost":
		err = costHere(flag.Arg(0), *rounds)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "balance:", err)
		os.Exit(1)
	}
}

func withNumber(s string, f func(int) error) error {
	n, err := strconv.Atoi(s)
	if err != nil {
		return err
	}
	return f(n)
}

func floodHere(each time.Duration) error {
	rate, err := strconv.ParseFloat(flag.Arg(2), 64)
	if err != nil {
		return err
	}
	return withNumber(flag.Arg(1), func(threads int) error { return flood(flag.Arg(0), each, threads, rate) })
}

type config struct {
	rounds           int
	each             time.Duration
	out              string
	merge            bool
	rows, contenders []string
	page             string
}

// compare measures what is wanted.
func compare(c config) error {
	r := newReport()
	if c.merge {
		if err := r.read(c.out); err != nil {
			return err
		}
	}
	var who []contender
	for _, one := range contenders {
		if slices.Contains(c.contenders, "all") || slices.Contains(c.contenders, one.name) {
			who = append(who, one)
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	stages := map[string]*stage{}
	defer func() {
		for _, s := range stages {
			s.close()
		}
	}()
	for _, w := range rows {
		if !slices.Contains(c.rows, w) {
			continue
		}
		figures := map[string][]sample{}
		var err error
		switch w {
		case cost:
			err = r.measureCost(c.rounds)
		case memory:
			err = memories(ctx, c, who, figures)
		default:
			err = side(ctx, c, who, stages, w, figures)
		}
		if err != nil {
			return err
		}
		r.add(w, figures)
		if err := measure.Write(c.out, r); err != nil {
			return err
		}
	}
	r.print(os.Stdout)
	if c.page != "" {
		return r.page(c.page)
	}
	return nil
}

// side measures contenders round by round, each on a stage that stays.
func side(ctx context.Context, c config, who []contender, stages map[string]*stage, workload string, figures map[string][]sample) error {
	for i := range c.rounds {
		for j := range who {
			one := who[(i+j)%len(who)] // another one begins in every round
			if err := ctx.Err(); err != nil {
				return err
			}
			if workload == datagrams && one.noDatagrams {
				continue
			}
			s := stages[one.name]
			if s == nil {
				var err error
				if s, err = newStage(one, 1<<18); err != nil {
					return fmt.Errorf("%s: %w", one.name, err)
				}
				stages[one.name] = s
			}
			f, err := s.measure(workload, c.each)
			if err != nil {
				return fmt.Errorf("%s, %s: %w", workload, one.name, err)
			}
			figures[one.name] = append(figures[one.name], f)
		}
	}
	return nil
}

// memories measures each on a fresh stage: what is kept for flows is not given
// back at once when they end.
func memories(ctx context.Context, c config, who []contender, figures map[string][]sample) error {
	for range c.rounds {
		for _, one := range who {
			if err := ctx.Err(); err != nil {
				return err
			}
			if one.start == nil {
				continue
			}
			s, err := newStage(one, handshakeFlows)
			if err != nil {
				return fmt.Errorf("%s: %w", one.name, err)
			}
			f, err := s.measureMemory()
			s.close()
			time.Sleep(5 * time.Second) // the kernel takes namespaces apart after they were closed
			if err != nil {
				return fmt.Errorf("%s, %s: %w", memory, one.name, err)
			}
			figures[one.name] = append(figures[one.name], f)
		}
	}
	return nil
}

// measureCost has the packets' cost measured where the balancer would be.
func (r *Report) measureCost(rounds int) (err error) {
	s, err := newStage(contenders[0], 0)
	if err != nil {
		return err
	}
	defer s.close()
	r.Packets = nil
	return errors.Join(do(s.balancer, &r.Packets, "cost", "-rounds", strconv.Itoa(rounds), s.dir))
}
