package demo

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/lab"
)

// How a step is watched. All of it grows with the interval of the adverts.
const (
	before   = 300 * time.Millisecond // shown before the action
	after    = 900 * time.Millisecond // shown after it, and three takeovers more
	tick     = 50 * time.Millisecond  // between two looks
	patience = 10 * time.Second       // for things to settle
)

// window is how much of the time after an action is shown.
func (s *stage) window() time.Duration { return after + 6*s.opt.Interval }

// calm is for how long nothing may change before a step counts as over:
// longer than any takeover that is on its way.
func (s *stage) calm() time.Duration { return 200*time.Millisecond + 4*s.opt.Interval }

// elect starts all daemons and waits until one holds for good.
func (s *stage) elect(ctx context.Context, r *Result) ([]NodeState, error) {
	begun := time.Now()
	for _, n := range s.nodes {
		if err := n.start(s.opt.Executable); err != nil {
			return nil, err
		}
	}
	states, err := s.settle(ctx, begun.Add(patience+20*s.opt.Interval))
	r.Elected, r.ElectedAfter = holder(states), round(time.Since(begun))
	return states, err
}

// settle waits until the node with the highest priority holds and all others
// follow it. Another one may hold for a moment, if its daemon was faster.
func (s *stage) settle(ctx context.Context, deadline time.Time) ([]NodeState, error) {
	first := s.nodes[0].Name
	for {
		states := s.states(ctx)
		alien := func(n NodeState) bool { return n.Node != first && n.State != backup }
		if holder(states) == first && !slices.ContainsFunc(states, alien) {
			return states, nil
		}
		if err := s.wait(ctx, deadline, first+" to hold and the others to follow", states); err != nil {
			return nil, err
		}
	}
}

// wait waits one tick, unless there is nothing left to wait for.
func (s *stage) wait(ctx context.Context, deadline time.Time, what string, states []NodeState) error {
	if err := s.died(ctx); err != nil {
		return err
	}
	if time.Now().After(deadline) {
		return fmt.Errorf("cannot wait any longer for %s: the nodes are %s", what, describe(states))
	}
	select {
	case <-ctx.Done():
		return errStopped
	case <-time.After(tick):
		return nil
	}
}

// probe starts the client.
func (s *stage) probe(steps int) error {
	longest := before + s.window() + s.calm() + patience + 20*s.opt.Interval
	var err error
	s.prober, err = lab.StartProber(lab.ProbeConfig{
		From:     s.client,
		To:       netip.AddrPortFrom(vip4.Addr(), echoPort),
		Interval: probeInterval,
		For:      time.Duration(steps) * longest,
	})
	return err
}

// step begins the description of what a move will have been.
func (m move) step(states []NodeState, window time.Duration) Step {
	return Step{
		Name: m.name, Title: m.title, Action: m.action, Command: m.command, Node: m.node.Name,
		Before: holder(states), States: states, Promise: m.promise, Claims: []Claim{},
		Timeline: Timeline{From: api.Duration(-before), To: api.Duration(window)},
	}
}

// perform does one move and notes in step what becomes of it. It calls look
// with every news.
func (s *stage) perform(ctx context.Context, m move, step *Step, look func(*Step)) error {
	if err := s.pause(ctx, before); err != nil {
		return err
	}
	zero := time.Now()
	done := make(chan error, 1)
	go func() { done <- m.do(ctx) }()
	if err := s.watch(ctx, m, zero, done, step, look); err != nil {
		return err
	}
	if m.ask == askWhoHas {
		if err := s.whoHas(ctx, step); err != nil {
			return err
		}
		// What the question changed in the switch has to show.
		if err := s.pause(ctx, 2*s.opt.Interval+100*time.Millisecond); err != nil {
			return err
		}
	}
	end := time.Now()
	s.prober.Settle()
	step.Timeline.To = max(step.Timeline.To, round(end.Sub(zero)))
	step.fill(s.prober.Report(zero.Add(-before), end), zero)
	step.Kept = m.promise.kept(step.Lost, time.Duration(step.Outage)) && (m.to == "" || m.to == step.After)
	if m.ask == askWhoHas {
		step.Stale = step.Timeline.stale(step.Node)
		step.Kept = step.Kept && step.Stale == 0 && len(step.claimants()) < 2
	}
	return nil
}

// watch looks on until the move is done, the time that is shown has passed
// and nothing has changed for a while.
func (s *stage) watch(ctx context.Context, m move, zero time.Time, done <-chan error, step *Step, look func(*Step)) error {
	deadline := zero.Add(s.window() + patience + 20*s.opt.Interval)
	var last string
	var since time.Time // when it was last different
	finished := false
	for {
		select {
		case err := <-done:
			if err != nil {
				return fmt.Errorf("cannot go on after step %q: %w", m.name, err)
			}
			finished = true
			done = nil
		default:
		}
		step.States = s.states(ctx)
		now := time.Now()
		if d := describe(step.States); d != last {
			last, since = d, now
		}
		step.fill(s.prober.Report(zero.Add(-before), now), zero)
		look(step)

		step.After = holder(step.States)
		ended := slices.Contains(m.ends, stateOf(m.node.Name, step.States))
		if finished && ended && step.After != "" && now.Sub(zero) >= s.window() && now.Sub(since) >= s.calm() {
			return nil
		}
		if err := s.wait(ctx, deadline, "one holder after step "+m.name, step.States); err != nil {
			return err
		}
	}
}

// whoHas asks what a new client would ask, and asks again while only one node
// has answered: on a busy machine an answer can take longer than this waits.
func (s *stage) whoHas(ctx context.Context, step *Step) error {
	for range 5 {
		answers, err := s.lan.WhoHas(s.client, vip4.Addr(), 100*time.Millisecond)
		if err != nil {
			return err
		}
		for _, a := range answers {
			if c := (Claim{Node: a.Host, MAC: a.MAC.String()}); !slices.Contains(step.Claims, c) {
				step.Claims = append(step.Claims, c)
			}
		}
		if len(step.claimants()) > 1 {
			break
		}
		if ctx.Err() != nil {
			return errStopped
		}
	}
	slices.SortFunc(step.Claims, func(a, b Claim) int { return strings.Compare(a.Node, b.Node) })
	return nil
}

func (s *stage) pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return errStopped
	case <-time.After(d):
		return s.died(ctx)
	}
}

// fill takes over what the client noticed.
func (step *Step) fill(r *lab.Report, zero time.Time) {
	step.Sent, step.Lost, step.Late, step.Outage = r.Sent, r.Lost, r.Late, round(r.Longest())
	step.Answered = r.By
	step.MACs = []string{}
	for _, n := range r.MACs {
		step.MACs = append(step.MACs, n.MAC.String())
	}
	step.Timeline.Spans = []Span{}
	for _, s := range r.Spans {
		step.Timeline.Spans = append(step.Timeline.Spans, Span{
			Node: s.Node, Probes: s.Probes,
			From: round(s.From.Sub(zero)), To: round(s.To.Sub(zero)),
		})
	}
}

// describe lists what the daemons say.
func describe(states []NodeState) string {
	text := ""
	for i, s := range states {
		if i > 0 {
			text += ", "
		}
		text += s.Node + " " + s.State
	}
	return text
}
