package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-net/holdfast/internal/lab"
	"github.com/holdfast-net/holdfast/interop/peer"
)

// pair is who is on the two nodes; the first is active at the start.
type pair [2]contender

// direction names who leaves and who follows.
func direction(from, to contender) string { return from.name + " → " + to.name }

// handover moves the address on purpose, in every way there is, under a
// client with 2,000 probes a second, and counts what is lost.
//
//	shutdown  the active daemon is stopped (SIGTERM)
//	return    it is started again and takes the address back (preempt)
//	handover  the command of that name, there and back; keepalived has none
func handover(b *bench) (*Table, error) {
	trials := max(1, b.trials/4)
	t := &Table{
		Part: "handover", Title: fmt.Sprintf("planned moves with 2,000 probes a second, %d trials", trials),
		Baseline: direction(keepalived, keepalived),
		Columns:  []Column{{"lost, median", ""}, {"lost, max", ""}, {"outage, median", "ms"}, {"outage, max", "ms"}},
	}
	pairs := []pair{{keepalived, keepalived}}
	if b.holdfast != "" {
		pairs = append(pairs, pair{holdfast, holdfast}, pair{holdfast, keepalived}, pair{keepalived, holdfast})
	}
	for _, interval := range []time.Duration{10 * time.Millisecond, time.Second} {
		moves := &tally{interval: interval}
		for range trials {
			for _, p := range pairs {
				if err := b.movesOnce(p, interval, moves); err != nil {
					return t, fmt.Errorf("%s and %s at %v: %w", p[0].name, p[1].name, interval, err)
				}
			}
		}
		moves.into(t)
		say("planned moves at %v done", interval)
	}
	return t, nil
}

// tally collects what each kind of move cost.
type tally struct {
	interval time.Duration
	order    []tallyKey
	lost     map[tallyKey][]float64
	outage   map[tallyKey][]float64
}

type tallyKey struct{ move, who string }

func (m *tally) note(move, who string, r *lab.Report) {
	k := tallyKey{move, who}
	if m.lost == nil {
		m.lost, m.outage = map[tallyKey][]float64{}, map[tallyKey][]float64{}
	}
	if _, known := m.lost[k]; !known {
		m.order = append(m.order, k)
	}
	m.lost[k] = append(m.lost[k], float64(r.Lost))
	m.outage[k] = append(m.outage[k], ms(r.Longest()))
}

func (m *tally) into(t *Table) {
	for _, move := range []string{"shutdown", "return", "handover", "handover back"} {
		for _, k := range m.order {
			if k.move == move {
				t.add(&Line{Case: m.interval.String() + " " + move, Who: k.who, Values: []float64{
					median(m.lost[k]), quantile(m.lost[k], 1), median(m.outage[k]), quantile(m.outage[k], 1),
				}})
			}
		}
	}
}

func (b *bench) movesOnce(p pair, interval time.Duration, moves *tally) (err error) {
	c, err := b.newCluster()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	for i := range c.hosts {
		if err := c.start(i, p[i], interval); err != nil {
			return err
		}
	}
	if err := c.settled(0, interval); err != nil {
		return err
	}
	client, err := c.probe(lab.MinProbeInterval, 250*time.Millisecond)
	if err != nil {
		return err
	}
	defer client.Stop()

	// Some time before each move, so that a loss in it cannot hide.
	const before = 100 * time.Millisecond
	move := func(name string, from, to int, do func() error) error {
		if err := b.pause(before); err != nil {
			return err
		}
		began := time.Now()
		if err := do(); err != nil {
			return err
		}
		if err := c.taken(client, to, began, interval); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		r := client.Report(began.Add(-before), time.Now())
		moves.note(name, direction(p[from], p[to]), r)
		return nil
	}
	if err := move("shutdown", 0, 1, func() error { return c.stop(0) }); err != nil {
		return err
	}
	if err := move("return", 1, 0, func() error { return c.start(0, p[0], interval) }); err != nil {
		return err
	}
	for i, name := range []string{"handover", "handover back"} {
		node, ok := c.nodes[i].(*peer.Node)
		if !ok {
			return nil
		}
		err := move(name, i, 1-i, func() error {
			_, err := node.Command("handover", groupName)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// taken waits until a host answers the client, and then for as long as
// anything that belongs to the move may still happen.
func (c *cluster) taken(client *lab.Prober, by int, began time.Time, interval time.Duration) error {
	deadline := began.Add(8*interval + 10*time.Second)
	for {
		now := time.Now()
		r := client.Report(began, now)
		if n := len(r.Spans); n > 0 && r.Answering() == c.hosts[by].Name() && now.Sub(r.Spans[n-1].From) > 2*interval+500*time.Millisecond {
			return nil
		}
		if now.After(deadline) {
			return fmt.Errorf("%s does not answer after %v", c.hosts[by].Name(), now.Sub(began))
		}
		if err := c.b.pause(20 * time.Millisecond); err != nil {
			return err
		}
	}
}
