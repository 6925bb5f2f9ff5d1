package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os/exec"
	"strconv"
	"time"
)

func (l *link) tcpIn(to netip.Addr, each time.Duration) (float64, error) { return l.iperf3(to, each) }

func (l *link) tcpOut(to netip.Addr, each time.Duration) (float64, error) {
	return l.iperf3(to, each, "-R")
}

// iperf3 runs it once, as the client, and returns gigabits for each second of
// processor time of both ends.
func (l *link) iperf3(to netip.Addr, each time.Duration, more ...string) (float64, error) {
	ctx, cancel := context.WithTimeout(context.Background(), each+time.Minute)
	defer cancel()
	args := append([]string{"-c", to.String(), "-p", port, "-J", "-t", strconv.Itoa(max(int(each.Seconds()), 1))}, more...)
	cmd := exec.CommandContext(ctx, "iperf3", args...)
	var out []byte
	err := l.client.Do(func() (err error) {
		out, err = cmd.Output() // started by this thread, so in this namespace
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("iperf3: %w: %s", err, out)
	}
	var r struct {
		Error string
		End   struct {
			SumReceived struct {
				BitsPerSecond float64 `json:"bits_per_second"`
			} `json:"sum_received"`
			CPU struct {
				Host   float64 `json:"host_total"`
				Remote float64 `json:"remote_total"`
			} `json:"cpu_utilization_percent"`
		}
	}
	if err := json.Unmarshal(out, &r); err != nil {
		return 0, fmt.Errorf("cannot read what iperf3 says: %w", err)
	}
	cpu := (r.End.CPU.Host + r.End.CPU.Remote) / 100
	if r.Error != "" || cpu == 0 {
		return 0, errors.New("iperf3: " + r.Error)
	}
	return r.End.SumReceived.BitsPerSecond / 1e9 / cpu, nil
}
