package main

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// spurious watches two nodes for what nothing caused, while every processor
// has three busy loops: sessions of BFD that go down, and groups that change
// their state. The ratio is to nothing, as it should be zero.
func spurious(b *bench) (*Table, error) {
	t := &Table{
		Part: "spurious", Title: fmt.Sprintf("what nothing caused in %v with 3 busy loops a core", b.options.spurious),
		Columns: []Column{{"sessions lost", ""}, {"changes of state", ""}},
	}
	if b.holdfast == "" {
		return t, errors.New("no binary of holdfast was given")
	}
	who := withBFD("5ms", 3)
	lost, moved, err := b.spuriousOnce(who)
	if err != nil {
		return t, fmt.Errorf("%s: %w", who.name, err)
	}
	t.add(&Line{Case: "3 busy loops a core", Who: who.name, Values: []float64{float64(lost), float64(moved)}})
	return t, nil
}

func (b *bench) spuriousOnce(who contender) (lost, moved int, err error) {
	c, err := b.newCluster()
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	for i := range c.hosts {
		if err := c.start(i, who, time.Second); err != nil {
			return 0, 0, err
		}
	}
	if err := c.settled(0, time.Second); err != nil {
		return 0, 0, err
	}
	if err := b.watched(c); err != nil {
		return 0, 0, err
	}
	// Both have been up for a while before it counts.
	if err := b.pause(2 * time.Second); err != nil {
		return 0, 0, err
	}
	lostBefore, movedBefore := c.faults()
	busy, err := startLoops(3)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, busy.stop()) }()
	began := time.Now()
	for time.Since(began) < b.options.spurious {
		if err := b.pause(min(30*time.Second, b.options.spurious-time.Since(began))); err != nil {
			return 0, 0, err
		}
		lost, moved = c.faults()
		lost, moved = lost-lostBefore, moved-movedBefore
		say("spurious: after %v %d sessions lost, %d changes of state", time.Since(began).Round(time.Second), lost, moved)
	}
	if lost+moved > 0 {
		for _, n := range c.nodes {
			say("the log of a node:\n%s", tail(n.Log()))
		}
	}
	return lost, moved, c.settled(0, time.Second)
}

// faults counts the sessions that both nodes have lost, and the transitions of
// their groups, by what their logs say.
func (c *cluster) faults() (lost, moved int) {
	for _, n := range c.nodes {
		log := n.Log()
		for line := range strings.Lines(log) {
			switch {
			case strings.Contains(line, "msg=neighbour") && strings.Contains(line, " from=up "):
				lost++
			case strings.Contains(line, "msg=transition"):
				moved++
			}
		}
	}
	return lost, moved
}
