// Balance measures what it costs to be in the middle: connections a second and
// bytes a second through holdfast's proxy and HAProxy, and to the server
// itself, one after the other in the same run, on three namespaces and two
// cables: client, balancer, server.
//
//	go run ./bench/balance
//	go run ./bench/balance -rounds 9 -time 5s
//
// On a machine with few processors client and server are most of the work, so
// what the one in the middle takes is also given as processor time of its
// process, for a connection and for a gigabyte.
//
// It needs root and haproxy, and leaves nothing behind.
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
	each := flag.Duration("time", 3*time.Second, "how long one measurement takes")
	out := flag.String("out", "bench/results/balance.json", "where the figures go as JSON")
	as := flag.String("as", "", "what this process is: set by itself")
	flag.Parse()
	var err error
	switch *as {
	case "":
		err = compare(*rounds, *each, *out)
	case "server":
		err = serve()
	case "client":
		err = load(flag.Arg(0), flag.Arg(1), *each)
	case "proxy":
		err = proxyHere()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "balance:", err)
		os.Exit(1)
	}
}

// compare measures everybody at every workload.
func compare(rounds int, each time.Duration, out string) error {
	s, err := newStage()
	if err != nil {
		return err
	}
	defer s.close()
	r := newReport()
	for _, w := range workloads {
		figures := map[string][]sample{}
		for i := range rounds {
			for j := range contenders {
				c := contenders[(i+j)%len(contenders)] // another one begins in every round
				f, err := s.run(c, w, each)
				if err != nil {
					return fmt.Errorf("%s, %s: %w", w, c.name, err)
				}
				figures[c.name] = append(figures[c.name], f)
			}
		}
		r.add(w, figures)
	}
	r.print(os.Stdout)
	return measure.Write(out, r)
}
