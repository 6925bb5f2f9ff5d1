package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-net/holdfast/internal/lab"
	"github.com/holdfast-net/holdfast/interop/wire"
)

// crash cuts the holder's link and asks the client for how long nobody
// answered.
//
// Between the last advert and the cut lies a chance time of up to one
// interval, which the outage is shorter by. Left to chance it would hide what
// is to be compared, so each trial has its own phase, and every contender
// gets the same phases.
func crash(b *bench) (*Table, error) {
	t := &Table{
		Part: "crash", Title: fmt.Sprintf("client outage when the holder's link is cut, %d trials", b.trials), Baseline: keepalived.name,
		Columns: []Column{{"median", "ms"}, {"max", "ms"}, {"beyond the protocol's", "ms"}},
	}
	for _, interval := range []time.Duration{10 * time.Millisecond, 100 * time.Millisecond, time.Second} {
		who := b.contenders(keepalived, holdfast)
		outages, beyond := make([][]float64, len(who)), make([][]float64, len(who))
		for trial := range b.trials {
			phase := time.Duration((float64(trial) + 0.5) / float64(b.trials) * float64(interval))
			for i, c := range who {
				outage, err := b.crashOnce(c, interval, func(cl *cluster) error { return b.afterAdvert(cl, interval, phase) })
				if err != nil {
					return t, fmt.Errorf("%s at %v: %w", c.name, interval, err)
				}
				outages[i] = append(outages[i], ms(outage))
				// RFC 9568 §6.1: Active_Down_Interval of the backup.
				down := 3*interval + time.Duration(256-int(priorities[1]))*interval/256
				beyond[i] = append(beyond[i], ms(outage-(down-phase)))
			}
		}
		for i, c := range who {
			t.add(&Line{Case: interval.String(), Who: c.name, Values: []float64{
				median(outages[i]), quantile(outages[i], 1), median(beyond[i]),
			}})
			say("crash at %v, %s: median %.1f ms", interval, c.name, median(outages[i]))
		}
	}
	return t, nil
}

// crashOnce cuts the holder's link when ready returns.
func (b *bench) crashOnce(who contender, interval time.Duration, ready func(*cluster) error) (outage time.Duration, err error) {
	c, err := b.newCluster()
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	for i := range c.hosts {
		if err := c.start(i, who, interval); err != nil {
			return 0, err
		}
	}
	if err := c.settled(0, interval); err != nil {
		return 0, err
	}
	client, err := c.probe(lab.MinProbeInterval, 250*time.Millisecond)
	if err != nil {
		return 0, err
	}
	defer client.Stop()
	if err := b.pause(100 * time.Millisecond); err != nil {
		return 0, err
	}

	if err := ready(c); err != nil {
		return 0, err
	}
	cut := time.Now()
	if err := c.hosts[0].Cut(lab.Carrier); err != nil {
		return 0, err
	}
	// The client is heard again, and stays so.
	deadline := cut.Add(6*interval + 5*time.Second)
	for {
		if err := b.pause(20 * time.Millisecond); err != nil {
			return 0, err
		}
		now := time.Now()
		r := client.Report(cut.Add(-50*time.Millisecond), now)
		if r.Answering() == c.hosts[1].Name() && r.Spans[len(r.Spans)-1].Probes > 100 {
			client.Settle() // before that, a lost probe is one that may still be answered
			return client.Report(cut.Add(-50*time.Millisecond), now).Longest(), nil
		}
		if now.After(deadline) {
			return 0, fmt.Errorf("nobody took over within %v\n%s", now.Sub(cut), c.nodes[1].Log())
		}
	}
}

// afterAdvert returns at the given time after an advert of the holder.
func (b *bench) afterAdvert(c *cluster, interval, phase time.Duration) error {
	capture, err := wire.Start(c.lan.Switch(), c.hosts[0].Name(), wire.VRRPOnly())
	if err != nil {
		return err
	}
	defer capture.Close()
	before := len(capture.Frames())
	deadline := time.Now().Add(5*interval + time.Second)
	for {
		if frames := capture.Frames(); len(frames) > before {
			if left := time.Until(frames[len(frames)-1].At.Add(phase)); left > -time.Millisecond {
				time.Sleep(left)
				return nil
			}
			before = len(frames) // seen too late: the next one
		}
		if time.Now().After(deadline) {
			return errors.New("the holder sends no adverts")
		}
		time.Sleep(100 * time.Microsecond)
	}
}
