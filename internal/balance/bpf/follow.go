package bpf

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/balance"
)

// follow has the program where links and routes lead by now, and knows the
// virtual MACs that there are: they have to be known before the first frame
// to one, which the host would answer with a reset.
func (p *Plane) follow() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.plans == nil {
		return nil // the first Apply does
	}
	return errors.Join(p.permit(p.plans), p.attach(p.plans), p.retrace())
}

// permit has the kernel forward. Who loads the settings of a machine once more, or
// says that it is no router, switches it off for lo, too.
func (p *Plane) permit(plans []*balance.Plan) error {
	if p.config.Allow == nil {
		return nil
	}
	return p.config.Allow(plans)
}

// retrace has tunnels begin at the address that this node has for packets to
// their backends by now.
func (p *Plane) retrace() error {
	var errs []error
	for _, s := range p.services {
		if s.plan == nil || s.plan.Service.Forward != balance.Tunnel {
			continue
		}
		for _, slot := range s.slots {
			t := p.slots.used[slot]
			from, err := sourceTo(t.addr().Addr())
			if err != nil {
				continue // the drops for want of a route say so
			}
			t.From = from
			errs = append(errs, p.slots.set(p.objs.HfTargets, slot, t))
		}
	}
	return errors.Join(errs...)
}

// moves tells that links, routes, or whether the kernel forwards have changed, once
// for any number of changes. It ends with the context.
func moves(ctx context.Context) (<-chan struct{}, error) {
	events, err := nl.Subscribe(
		unix.NETLINK_ROUTE, unix.RTNLGRP_LINK, unix.RTNLGRP_IPV4_ROUTE, unix.RTNLGRP_IPV6_ROUTE, unix.RTNLGRP_IPV4_NETCONF, unix.RTNLGRP_IPV6_NETCONF,
	)
	if err != nil {
		return nil, fmt.Errorf("cannot watch links and routes: %w", err)
	}
	context.AfterFunc(ctx, events.Close)
	moved := make(chan struct{}, 1)
	go func() {
		for ctx.Err() == nil {
			if _, _, err := events.Receive(); err != nil && !errors.Is(err, unix.ENOBUFS) {
				sleep(ctx, time.Second)
				continue
			}
			select {
			case moved <- struct{}{}:
			default:
			}
		}
	}()
	return moved, nil
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
