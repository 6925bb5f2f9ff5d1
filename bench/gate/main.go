// Gate measures what the gate costs: the same traffic through an interface
// without it, with it on the path of a held address, with it beside the path of
// another address, and with a program that does nothing in its place: less than
// that no gate can cost. The runs alternate, and medians are compared, so what
// the machine does besides hits all four alike.
//
//	tcp     iperf3: gigabits
//	udp 64  frames of 64 bytes, sent as fast as the kernel takes them: packets
//
// to the node and from it, for each second of processor time spent on them: on
// a machine with enough to do that is what throughput comes down to, and it is
// the same when others keep the processors busy. And nanoseconds per run of
// the programs, as the kernel counts them (kernel.bpf_stats_enabled).
//
//	go run ./bench/gate
//	go run ./bench/gate -rounds 15 -time 2s
//
// It needs root and iperf3, works in two network namespaces of its own, and
// leaves nothing behind.
package main

import (
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-net/holdfast/bench/measure"
)

func main() {
	rounds := flag.Int("rounds", 21, "how often each of the four is run")
	each := flag.Duration("time", time.Second, "how long one run of iperf3 takes; of frames of 64 bytes, a fifth")
	only := flag.String("only", "", "only the workloads whose names begin with this")
	out := flag.String("out", "bench/results/gate.json", "where the figures go as JSON")
	flag.Parse()
	if err := run(*rounds, *each, *only, *out); err != nil {
		fmt.Fprintln(os.Stderr, "gate:", err)
		os.Exit(1)
	}
}

func run(rounds int, each time.Duration, only, out string) (err error) {
	workloads := slices.DeleteFunc(slices.Clone(workloads), func(w workload) bool { return !strings.HasPrefix(w.name, only) })
	l, err := newLink()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.close()) }()
	r := newReport(l.line)
	for _, w := range workloads {
		figures := map[way][]float64{}
		for i := range rounds {
			// Another one begins in every round.
			for j := range ways {
				how := ways[(i+j)%len(ways)]
				v, err := l.measure(w, how, each)
				if err != nil {
					return fmt.Errorf("%s, %s: %w", w.name, how, err)
				}
				figures[how] = append(figures[how], v)
			}
		}
		r.add(w, figures)
	}
	for _, how := range []way{held, beside} {
		for _, w := range workloads {
			if err := r.addRuns(l, w, how, each); err != nil {
				return err
			}
		}
	}
	r.print(os.Stdout)
	return measure.Write(out, r)
}

// way is how the traffic meets the gate.
type way string

const (
	without way = "without"
	held    way = "held"   // to and from an address that the gate guards
	beside  way = "beside" // through the same interface, another address
	hook    way = "hook"   // a program that does nothing, at the same places
)

var ways = []way{without, held, beside, hook}

// workload is one kind of traffic.
type workload struct {
	name, unit string
	run        func(l *link, to netip.Addr, each time.Duration) (float64, error)
}

var workloads = []workload{
	{"tcp in", "Gbit/s", (*link).tcpIn},
	{"tcp out", "Gbit/s", (*link).tcpOut},
	{"udp 64 in", "packets/s", (*link).udpIn},
	{"udp 64 out", "packets/s", (*link).udpOut},
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return (v[len(v)/2] + v[(len(v)-1)/2]) / 2
}
