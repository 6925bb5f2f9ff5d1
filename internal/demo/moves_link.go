package demo

import (
	"context"
	"fmt"

	"github.com/holdfast-net/holdfast/internal/lab"
)

func (s *stage) unplug(states []NodeState) (move, error) {
	n, heir, err := s.roles(states)
	if err != nil {
		return move{}, err
	}
	return move{
		name: "unplug", title: fmt.Sprintf("Somebody pulls the holder's cable: %s", n.Name), action: "cable out",
		node:    n,
		promise: takeover(s.opt.Interval, heir.Priority),
		do:      func(context.Context) error { return n.host.Cut(lab.Carrier) },
		ends:    []string{fault},
	}, nil
}

func (s *stage) plug(states []NodeState) (move, error) {
	n, err := s.in(fault, states)
	if err != nil {
		return move{}, err
	}
	return move{
		name: "plug", title: fmt.Sprintf("The cable of %s is back in", n.Name), action: "cable in",
		node:    n,
		promise: lossless("who gives way serves until it hears the other"),
		do:      func(context.Context) error { return n.host.Restore() },
		ends:    []string{backup, active},
	}, nil
}

func (s *stage) stop(states []NodeState) (move, error) {
	n, _, err := s.roles(states)
	if err != nil {
		return move{}, err
	}
	return move{
		name: "stop", title: fmt.Sprintf("A clean shutdown of the holder: %s", n.Name), action: "SIGTERM",
		command: "systemctl stop holdfast",
		node:    n,
		promise: lossless("the leaving node serves until it hears its successor"),
		do: func(ctx context.Context) error {
			daemon := n.running()
			n.expect(nil)
			return daemon.Stop(ctx)
		},
		ends: []string{off},
	}, nil
}
