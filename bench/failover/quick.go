package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// fastest is each at its fastest: the shortest interval that VRRPv3 has, and
// BFD beside the adverts. Between two packets of BFD passes a random time
// (RFC 5880 §6.8.7), so the phase of the cut is left to chance there.
var fastest = []struct {
	contender
	interval time.Duration
}{
	{keepalived, 10 * time.Millisecond},
	{holdfast, 10 * time.Millisecond},
	{withBFD("5ms", 3), time.Second},
	{withBFD("3ms", 3), time.Second},
}

func withBFD(interval string, multiplier int) contender {
	c := holdfast
	c.name = fmt.Sprintf("holdfast, bfd %s x %d", interval, multiplier)
	c.vrrp = []string{fmt.Sprintf("bfd: {interval: %s, multiplier: %d}", interval, multiplier)}
	return c
}

// quick is crash with the fastest settings, in turns.
func quick(b *bench) (*Table, error) {
	t := &Table{
		Part: "bfd", Title: fmt.Sprintf("client outage when the holder's link is cut, each at its fastest, %d trials", b.trials),
		Baseline: keepalived.name,
		Columns:  []Column{{"median", "ms"}, {"p90", "ms"}, {"max", "ms"}},
	}
	outages := make([][]float64, len(fastest))
	for trial := range b.trials {
		for i, f := range fastest {
			if len(b.contenders(f.contender)) == 0 {
				continue
			}
			share := (float64(trial) + 0.5) / float64(b.trials)
			ready := func(c *cluster) error { return b.afterAdvert(c, f.interval, time.Duration(share*float64(f.interval))) }
			if len(f.vrrp) > 0 {
				ready = func(c *cluster) error { return b.atRandom(c) }
			}
			outage, err := b.crashOnce(f.contender, f.interval, ready)
			if err != nil {
				return t, fmt.Errorf("%s: %w", f.name, err)
			}
			outages[i] = append(outages[i], ms(outage))
		}
		say("bfd, trial %d of %d", trial+1, b.trials)
	}
	for i, f := range fastest {
		if len(outages[i]) > 0 {
			t.add(&Line{Case: "link cut", Who: f.name, Values: []float64{
				median(outages[i]), quantile(outages[i], 0.9), quantile(outages[i], 1),
			}, Note: fmt.Sprintf("adverts every %v", f.interval)})
		}
	}
	return t, nil
}

// atRandom returns at a time that has nothing to do with any packet's, once
// both nodes watch each other.
func (b *bench) atRandom(c *cluster) error {
	if err := b.watched(c); err != nil {
		return err
	}
	return b.pause(time.Second + rand.N(10*time.Millisecond))
}

// watched waits until the nodes' sessions of BFD are up.
func (b *bench) watched(c *cluster) error {
	deadline := time.Now().Add(30 * time.Second)
	for {
		up := 0
		for _, n := range c.nodes {
			if strings.Contains(n.Log(), " to=up ") {
				up++
			}
		}
		if up == len(c.nodes) {
			return nil
		}
		if time.Now().After(deadline) {
			return errors.New("the nodes do not watch each other by BFD")
		}
		if err := b.pause(50 * time.Millisecond); err != nil {
			return err
		}
	}
}
