package demo

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// move is one step of the show, once it is known to whom it will be done.
type move struct {
	name, title, action, command string

	node    *node
	promise Promise
	do      func(ctx context.Context) error
	ends    []string // states in which the node may be afterwards
	to      string   // who has to hold afterwards; "": whoever does
	ask     question // whether to ask by ARP afterwards
}

type question uint8

const (
	askNobody question = iota
	askWhoHas
)

// scene makes a move out of what the daemons say when its turn has come.
type scene func(states []NodeState) (move, error)

// script is the show.
func (s *stage) script() []scene {
	return []scene{
		s.handOver, s.kill, s.bringBack, s.freeze, s.thaw, s.unplug, s.plug, s.stop,
	}
}

var errNobody = errors.New("no node is left that could take over")

// roles finds the holder and the node that will take over from it.
func (s *stage) roles(states []NodeState) (holding, heir *node, err error) {
	if holding, err = s.node(holder(states)); err != nil {
		return nil, nil, err
	}
	if heir = s.heir(states); heir == nil {
		return nil, nil, errNobody
	}
	return holding, heir, nil
}

// in finds the first node that is in a state.
func (s *stage) in(state string, states []NodeState) (*node, error) {
	i := slices.IndexFunc(states, func(n NodeState) bool { return n.State == state })
	if i < 0 {
		return nil, fmt.Errorf("no node is %s", state)
	}
	return s.nodes[i], nil
}

func (s *stage) handOver(states []NodeState) (move, error) {
	from, to, err := s.roles(states)
	if err != nil {
		return move{}, err
	}
	return move{
		name: "handover", title: fmt.Sprintf("A planned handover, %s to %s", from.Name, to.Name), action: "handover",
		command: fmt.Sprintf("holdfast handover %s --to %s", group, to.Name),
		node:    from,
		promise: lossless("the leaving node serves until it hears its successor"),
		do:      func(ctx context.Context) error { return from.handover(ctx, to.Name) },
		// A machine so busy that the successor's adverts come too late gives
		// the address back: a promise that was not kept, and the show goes on.
		ends: []string{backup, active},
		to:   to.Name,
	}, nil
}

func (s *stage) kill(states []NodeState) (move, error) {
	n, heir, err := s.roles(states)
	if err != nil {
		return move{}, err
	}
	return move{
		name: "kill", title: fmt.Sprintf("The holder's machine dies: %s, all at once", n.Name), action: "power off",
		node:    n,
		promise: takeover(s.opt.Interval, heir.Priority),
		do: func(context.Context) error {
			n.expect(nil)
			_, err := n.host.Kill()
			return err
		},
		ends: []string{off},
	}, nil
}

func (s *stage) bringBack(states []NodeState) (move, error) {
	n, err := s.in(off, states)
	if err != nil {
		return move{}, err
	}
	return move{
		name: "return", title: fmt.Sprintf("%s boots and comes back", n.Name), action: "boot",
		node:    n,
		promise: lossless("a node that returns listens first"),
		do: func(context.Context) error {
			if err := n.host.Boot(); err != nil {
				return err
			}
			return n.start(s.opt.Executable)
		},
		ends: []string{backup, active},
	}, nil
}

func (s *stage) freeze(states []NodeState) (move, error) {
	n, heir, err := s.roles(states)
	if err != nil {
		return move{}, err
	}
	return move{
		name: "freeze", title: fmt.Sprintf("The holder's daemon freezes: %s, its kernel goes on", n.Name), action: "SIGSTOP",
		command: fmt.Sprintf("kill -STOP %d", n.running().PID()),
		node:    n,
		promise: expiry(s.opt.Interval, heir.Priority),
		do: func(context.Context) error {
			n.setFrozen(true)
			return n.running().Pause()
		},
		ends: []string{frozen},
		ask:  askWhoHas,
	}, nil
}

func (s *stage) thaw(states []NodeState) (move, error) {
	n, err := s.in(frozen, states)
	if err != nil {
		return move{}, err
	}
	return move{
		name: "thaw", title: fmt.Sprintf("%s thaws, and finds that time has passed", n.Name), action: "SIGCONT",
		command: fmt.Sprintf("kill -CONT %d", n.running().PID()),
		node:    n,
		promise: lossless("who gives way serves until it hears the other"),
		do: func(context.Context) error {
			defer n.setFrozen(false) // from now on it can be asked
			return n.running().Resume()
		},
		ends: []string{backup, active},
	}, nil
}
