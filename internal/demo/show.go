package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
)

var errStopped = errors.New("cannot finish the demo: it was stopped")

// show is the demo itself, in the copy that may build a lab.
func show(ctx context.Context, opt Options, dir string) (err error) {
	s, err := build(opt, dir)
	if err != nil {
		return err
	}
	defer func() {
		if cause := s.close(); cause != nil {
			err = errors.Join(err, fmt.Errorf("cannot take the lab down: %w", cause))
		}
	}()
	var v view = &screen{out: opt.Out, style: styleFor(opt.Out, os.Getenv)}
	if opt.JSON {
		v = document{out: opt.Out}
	}
	if err := s.run(ctx, v); err != nil {
		return err
	}
	if !opt.Keep {
		return nil
	}
	return s.keep(ctx)
}

// run goes through the script.
func (s *stage) run(ctx context.Context, v view) error {
	r := s.result()
	states, err := s.elect(ctx, r)
	if err != nil {
		return err
	}
	v.opening(r)
	script := s.script()
	if err := s.probe(len(script)); err != nil {
		return err
	}
	for i, write := range script {
		step, err := s.step(ctx, i+1, write, states, v)
		if err != nil {
			return err
		}
		states = step.States
		r.add(step)
	}
	return v.closing(r)
}

// step does one move; states is how the nodes are before it.
func (s *stage) step(ctx context.Context, number int, write scene, states []NodeState, v view) (Step, error) {
	m, err := write(states)
	if err != nil {
		return Step{}, fmt.Errorf("cannot begin step %d with the nodes as they are (%s): %w", number, describe(states), err)
	}
	step := m.step(states, s.window())
	v.begin(number, &step)
	if err := s.perform(ctx, m, &step, v.look); err != nil {
		return step, err
	}
	v.end(&step)
	return step, nil
}

// result begins the document.
func (s *stage) result() *Result {
	r := &Result{
		Schema:        Schema,
		Version:       s.opt.Version,
		Started:       time.Now(),
		Address:       vip4.Addr().String(),
		Interval:      api.Duration(s.opt.Interval),
		ProbeInterval: api.Duration(probeInterval),
		Client:        address4(clientNumber).String(),
		Config:        s.nodes[0].file(s.opt.Interval),
		OK:            true,
	}
	for _, n := range s.nodes {
		r.Nodes = append(r.Nodes, n.Node)
	}
	return r
}

func (r *Result) add(step Step) {
	r.Steps = append(r.Steps, step)
	r.Sent += step.Sent
	r.Lost += step.Lost
	r.OK = r.OK && step.Kept
}
