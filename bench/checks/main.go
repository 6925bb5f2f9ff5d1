// Checks measures what a look costs: 5,000 checks a second, of TCP connections
// and of HTTP, made by holdfast's runner and probes and by HAProxy's, one
// after the other in the same run. Each of them has one processor for itself,
// and the server that is looked at has another.
//
//	go run ./bench/checks
//	go run ./bench/checks -rounds 9 -time 10s
//
// What is compared is the processor time of the whole process for each look. keepalived's checkers are not here: they end at once on
// a kernel without IPVS ("Can't initialize ipvs").
//
// It needs root and haproxy, works in a network namespace of its own, and
// leaves nothing behind.
package main

import (
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/holdfast-net/holdfast/bench/measure"
)

func main() {
	rounds := flag.Int("rounds", 5, "how often each is measured")
	each := flag.Duration("time", 5*time.Second, "how long one measurement takes")
	number := flag.Int("checks", 5000, "how many checks, each of them once a second")
	out := flag.String("out", "bench/results/checks.json", "where the figures go as JSON")
	as := flag.String("as", "", "what this process is: set by itself")
	target := flag.String("target", "", "of -as check: where the server is")
	flag.Parse()
	var err error
	switch *as {
	case "":
		err = inNamespace()
	case "stage":
		err = compare(*rounds, *each, *number, *out)
	case "server":
		err = serve()
	case "check":
		err = checkAll(flag.Arg(0), *target, *number)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "checks:", err)
		os.Exit(1)
	}
}

// compare measures all checkers at all workloads.
func compare(rounds int, each time.Duration, number int, out string) error {
	server, err := startServer()
	if err != nil {
		return err
	}
	defer server.stop()
	r := newReport(number)
	for _, w := range workloads {
		figures := map[string][]sample{}
		for i := range rounds {
			for j := range checkers {
				c := checkers[(i+j)%len(checkers)] // another one begins in every round
				s, err := server.watch(c, w, number, each)
				if err != nil {
					return fmt.Errorf("%s, %s: %w", w, c.name, err)
				}
				figures[c.name] = append(figures[c.name], s)
			}
		}
		r.add(w, figures)
	}
	r.print(os.Stdout)
	return measure.Write(out, r)
}
