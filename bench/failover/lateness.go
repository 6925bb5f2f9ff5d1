package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/holdfast-net/holdfast/interop/wire"
)

// latenessInterval is between adverts; the shortest that VRRPv3 knows.
const latenessInterval = 10 * time.Millisecond

// loads is the number of busy loops for each CPU.
var loads = []struct {
	name   string
	perCPU int
}{{"idle", 0}, {"3 busy loops a core", 3}}

// latenessRounds is into how many turns the contenders' time is divided, so
// that none has the machine's one bad moment for itself.
const latenessRounds = 3

// lateness looks at the adverts of an active node on the wire, by the
// kernel's time stamps. An advert is late by what passed since the one before
// beyond the interval: that is what a backup's timer sees.
func lateness(b *bench) (*Table, error) {
	t := &Table{
		Part: "lateness", Title: fmt.Sprintf("advert lateness at %v, %v each", latenessInterval, b.options.lateness),
		Baseline: keepalivedRT.name,
		Columns:  []Column{{"p50", "ms"}, {"p99", "ms"}, {"p99.9", "ms"}, {"max", "ms"}},
	}
	for _, load := range loads {
		who := b.contenders(keepalived, keepalivedRTDefault, keepalivedRT, holdfast)
		late, deaths := make([][]float64, len(who)), make([]int, len(who))
		for range latenessRounds {
			for i, c := range who {
				l, died, err := b.latenessOnce(c, load.perCPU, b.options.lateness/latenessRounds)
				if err != nil {
					return t, fmt.Errorf("%s, %s: %w", c.name, load.name, err)
				}
				late[i] = append(late[i], l...)
				deaths[i] += died
			}
		}
		for i, c := range who {
			note := fmt.Sprintf("%d adverts", len(late[i]))
			if deaths[i] > 0 {
				note += fmt.Sprintf(", killed %d times by its rlimit_rttime", deaths[i])
			}
			t.add(&Line{
				Case: load.name, Who: c.name,
				Values: []float64{quantile(late[i], 0.5), quantile(late[i], 0.99), quantile(late[i], 0.999), quantile(late[i], 1)},
				Note:   note,
			})
		}
		say("lateness, %s done", load.name)
	}
	return t, nil
}

func (b *bench) latenessOnce(who contender, perCPU int, watch time.Duration) (late []float64, deaths int, err error) {
	c, err := b.newCluster()
	if err != nil {
		return nil, 0, err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	for i := range c.hosts {
		if err := c.start(i, who, latenessInterval); err != nil {
			return nil, 0, err
		}
	}
	if err := c.settled(0, latenessInterval); err != nil {
		return nil, 0, err
	}
	// The announcements at the start are over before it counts.
	if err := b.pause(time.Second); err != nil {
		return nil, 0, err
	}
	busy, err := startLoops(perCPU)
	if err != nil {
		return nil, 0, err
	}
	defer func() { err = errors.Join(err, busy.stop()) }()
	if err := b.pause(200 * time.Millisecond); err != nil {
		return nil, 0, err
	}
	capture, err := wire.Start(c.lan.Switch(), c.hosts[0].Name(), wire.VRRPOnly())
	if err != nil {
		return nil, 0, err
	}
	defer capture.Close()
	if err := b.pause(watch); err != nil {
		return nil, 0, err
	}
	if lost, err := capture.Lost(); err != nil || lost > 0 {
		return nil, 0, errors.Join(err, fmt.Errorf("the capture lost %d frames", lost))
	}
	late, err = gaps(wire.Adverts(capture.Frames()), c)
	return late, strings.Count(c.nodes[0].Log(), " died: Respawning"), err
}

// gaps is by how much each advert of the first node came late.
func gaps(adverts []wire.Advert, c *cluster) ([]float64, error) {
	var late []float64
	var last time.Time
	for _, a := range adverts {
		if a.Src != addressA.Addr() {
			continue // a backup that lost patience under load: its own failure shows in the gaps
		}
		if !last.IsZero() {
			late = append(late, max(0, ms(a.At.Sub(last)-latenessInterval)))
		}
		last = a.At
	}
	if len(late) == 0 {
		return nil, fmt.Errorf("no adverts from %s\n%s", c.hosts[0].Name(), c.nodes[0].Log())
	}
	return late, nil
}
