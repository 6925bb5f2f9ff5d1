package main

import (
	"bufio"
	"errors"
	"fmt"
	"strings"
	"time"
)

// sample is one measurement.
type sample struct {
	// Rate is of connections, bytes, requests or packets a second, with all
	// CPUs for everybody.
	Rate float64 `json:"per_second,omitempty"`
	// PerCPU is how many of them a second of the balancer's CPU is enough for,
	// PacketsPerCPU how many packets that was on the clients' cable.
	PerCPU        float64 `json:"per_cpu_second,omitempty"`
	PacketsPerCPU float64 `json:"packets_per_cpu_second,omitempty"`
	// P50 and P99 of how long requests take.
	P50 time.Duration `json:"p50,omitempty"`
	P99 time.Duration `json:"p99,omitempty"`
	// Memory is of a million flows, in bytes.
	Memory float64 `json:"memory,omitempty"`
}

// settle is how long traffic runs before it counts for the CPU.
const settle = 200 * time.Millisecond

// measure gives one sample of a workload.
func (s *stage) measure(workload string, each time.Duration) (f sample, err error) {
	if workload == memory {
		return s.measureMemory()
	}
	if err := s.share(false); err != nil {
		return f, err
	}
	t, _, err := s.traffic(workload, each, false)
	if err != nil {
		return f, err
	}
	f.Rate, f.P50, f.P99 = t.Rate, t.P50, t.P99
	if workload == latency {
		return f, nil
	}
	s.rate = t.Rate
	if err := s.share(true); err != nil {
		return f, err
	}
	t, u, err := s.traffic(workload, each, true)
	if err != nil {
		return f, err
	}
	f.PerCPU = t.Rate * u.wall.Seconds() / u.busy.Seconds()
	f.PacketsPerCPU = float64(u.packets) / u.busy.Seconds()
	return f, nil
}

// used is what came of the balancer's CPU.
type used struct {
	wall, busy time.Duration
	packets    uint64
}

// traffic has a client make it, and looks at the balancer meanwhile.
func (s *stage) traffic(workload string, each time.Duration, apart bool) (t tried, u used, err error) {
	var args []string
	if workload == datagrams {
		args = s.floodArgs(each, apart)
	} else {
		args = []string{"-as", "client", "-time", each.String(), workload, s.contender.to.String()}
	}
	cmd, err := self(args...)
	if err != nil {
		return t, u, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return t, u, err
	}
	if err := s.client.Start(cmd); err != nil {
		return t, u, fmt.Errorf("cannot start the client: %w", err)
	}
	if apart {
		if err := pin(cmd.Process.Pid, endsCPU); err != nil {
			return t, u, err
		}
	}
	said := bufio.NewReader(out)
	if workload == datagrams {
		if _, err := said.ReadString('\n'); err != nil {
			return t, u, errors.Join(errors.New("the client does not begin"), cmd.Wait())
		}
	}
	time.Sleep(settle)
	u, err = s.watch(each - 2*settle)
	if workload == datagrams {
		t.Rate = float64(u.packets) / u.wall.Seconds()
		return t, u, errors.Join(err, cmd.Wait())
	}
	line, readErr := said.ReadString('\n')
	if err := errors.Join(err, cmd.Wait(), readErr); err != nil {
		return t, u, fmt.Errorf("the client failed: %w", err)
	}
	if err := decode(line, &t); err != nil {
		return t, u, err
	}
	if t.Rate == 0 {
		return t, u, errors.New("nothing came through")
	}
	return t, u, nil
}

// watch says for how long the balancer's CPU is busy in a while, and how many
// packets get through: both ways, on the cable of the clients, and of those that
// only go one way, on the one of the servers.
func (s *stage) watch(while time.Duration) (u used, err error) {
	in, out, err := s.packets(outer)
	if err != nil {
		return u, err
	}
	_, there, err := s.packets(inner)
	if err != nil {
		return u, err
	}
	before, err := unused(balancerCPU)
	if err != nil {
		return u, err
	}
	begun := time.Now()
	time.Sleep(while)
	after, err := unused(balancerCPU)
	if err != nil {
		return u, err
	}
	u.wall = time.Since(begun)
	u.busy = max(u.wall-(after-before), time.Millisecond)
	in2, out2, err := s.packets(outer)
	if err != nil {
		return u, err
	}
	_, there2, err := s.packets(inner)
	u.packets = in2 + out2 - in - out
	if out2-out < (in2-in)/100 {
		u.packets = there2 - there // datagrams, of which some may have been lost
	}
	return u, err
}

// floodArgs: what is handled by a process must leave it time to run: the
// generator gets what is left of the CPUs, and where it has one of its own, does
// not send more than came through before.
func (s *stage) floodArgs(each time.Duration, apart bool) []string {
	threads, rate := "2", "0"
	if apart {
		threads = "1"
		if s.contender.ends {
			rate = fmt.Sprint(s.rate * 0.8)
		}
	}
	return strings.Fields("-as flood -time " + each.String() + " " + s.contender.to.String() + " " + threads + " " + rate)
}
