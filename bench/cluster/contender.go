package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/holdfast-net/holdfast/internal/lab"
)

const echoPort = 7

var (
	vip           = netip.MustParsePrefix("192.0.2.10/24")
	addressClient = netip.MustParsePrefix("192.0.2.100/24")
	addressWatch  = netip.MustParsePrefix("192.0.2.101/24")
)

// contender is one way to keep an address on one of three machines.
type contender struct {
	name  string // in tables and on the command line
	what  string // how it is set
	worst time.Duration
	software
}

// software is what a contender's machines run.
type software interface {
	// begin starts it on a machine that was just booted.
	begin(*stage, *machine) error
	// form is called once, after all were begun for the first time.
	form(*stage) error
	// whole says what is not as it should be.
	whole(*stage) error
	// move asks the holder to let another machine have the address.
	move(s *stage, holder *machine) error
	// settle undoes what a move leaves.
	settle(*stage) error
	// daemon fits the one process that decides.
	daemon() func(args []string) bool
}

// stage is a contender on a LAN of its own: three machines, a client, and
// somebody who asks who has the address.
type stage struct {
	*contender
	lan      *lab.LAN
	machines []*machine
	client   *lab.Host
	watch    *lab.Host
	dir      string
	ctx      context.Context
	self     string // this program's file
	holdfast string // and that of holdfast
}

func (b *bench) newStage(c *contender) (_ *stage, err error) {
	s := &stage{contender: c, dir: filepath.Join(b.dir, c.name), ctx: b.ctx, self: b.self, holdfast: b.holdfast}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("cannot set up %s: %w", c.name, err), s.close())
		}
	}()
	// Programs that are not root have to get through.
	if err := os.Mkdir(s.dir, 0o755); err != nil {
		return nil, err
	}
	if s.lan, err = lab.New(); err != nil {
		return nil, err
	}
	for n := range byte(3) {
		m, err := newMachine(s.lan, n+1, s.dir)
		if err != nil {
			return nil, err
		}
		s.machines = append(s.machines, m)
	}
	for _, h := range []struct {
		host **lab.Host
		lab.HostConfig
	}{
		{&s.client, lab.HostConfig{Name: "client", MAC: net.HardwareAddr{2, 0, 0, 0, 0, 100}, Addresses: []netip.Prefix{addressClient}}},
		{&s.watch, lab.HostConfig{Name: "watch", MAC: net.HardwareAddr{2, 0, 0, 0, 0, 101}, Addresses: []netip.Prefix{addressWatch}}},
	} {
		if *h.host, err = s.lan.Add(h.HostConfig); err != nil {
			return nil, err
		}
	}
	for _, m := range s.machines {
		if err := s.begin(s, m); err != nil {
			return nil, err
		}
	}
	if err := s.form(s); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *stage) close() error {
	if s.lan == nil {
		return nil
	}
	return s.lan.Close()
}

// stopped says that a signal came.
func (s *stage) stopped() error {
	if s.ctx.Err() != nil {
		return errStopped
	}
	return nil
}

// machine is the one of that name.
func (s *stage) machine(name string) *machine {
	for _, m := range s.machines {
		if m.name == name {
			return m
		}
	}
	return nil
}

// heal boots what a fault has befallen, and waits until all is as before it.
func (s *stage) heal(fallen *machine) error {
	if fallen == nil {
		if err := s.settle(s); err != nil {
			return err
		}
	} else {
		if err := fallen.again(); err != nil {
			return err
		}
		if err := s.begin(s, fallen); err != nil {
			return err
		}
	}
	if err := until(3*time.Minute, func() error { return errors.Join(s.stopped(), s.whole(s)) }); err != nil {
		return fmt.Errorf("%s is not whole: %w", s.name, err)
	}
	return nil
}
