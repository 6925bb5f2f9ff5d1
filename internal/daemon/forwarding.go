package daemon

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/holdfast-net/holdfast/internal/balance"
	"github.com/holdfast-net/holdfast/internal/linux/rtnl"
	"github.com/holdfast-net/holdfast/internal/linux/sysctl"
)

// forwarding is the leave to forward that the plane in the kernel needs: the
// routing table is asked on behalf of lo, and answers where lo may forward. The
// interfaces stay as they are. A machine with net.ipv6.conf.eth0.forwarding
// would not hear router advertisements any more, and with that of IPv4 it would
// be a router for whoever asks; nothing arrives on lo that could be forwarded.
//
// What the settings were is remembered in a file, for the run after one that was
// killed, and put back when the plane goes.
type forwarding struct {
	memory *sysctl.Memory
	again  func(what string) // hears what somebody else has switched off. Nil: nobody
	lets   map[string]bool   // what this run has seen switched on
}

const loopback = 1 // the index that lo has in every network namespace

// The names under which the memory has the settings of lo.
const (
	lo4 = "lo"
	lo6 = "lo, IPv6"
)

func openForwarding(dir string) (*forwarding, error) {
	m, err := sysctl.Open(filepath.Join(dir, "forwarding.json"))
	if err != nil {
		return nil, err
	}
	return &forwarding{memory: m, lets: map[string]bool{}}, nil
}

// allow sees to it that the families of these services may be forwarded.
func (f *forwarding) allow(plans []*balance.Plan) error {
	four, six := false, false
	note := func(is4 bool) { four, six = four || is4, six || !is4 }
	for _, p := range plans {
		for _, l := range p.Service.Listen {
			note(l.Addr().Is4())
		}
		for _, t := range p.Targets { // a tunnel's may be of the other family
			note(t.Addr.Addr().Is4())
		}
	}
	var errs []error
	if four {
		errs = append(errs, f.allow4())
	}
	if six {
		errs = append(errs, f.allow6())
	}
	return errors.Join(errs...)
}

// switched notes that a setting is switched on, and tells of it where it was on
// before.
func (f *forwarding) switched(name, what string) {
	if f.lets[name] && f.again != nil {
		f.again(what)
	}
	f.lets[name] = true
}

func (f *forwarding) allow4() error {
	c, err := rtnl.Dial()
	if err != nil {
		return err
	}
	defer c.Close()
	now, err := sysctl.Get(c, loopback)
	if err != nil || now[sysctl.Forwarding] != 0 {
		f.lets[lo4] = f.lets[lo4] || err == nil
		return err
	}
	f.switched(lo4, "net.ipv4.conf.lo.forwarding")
	if err := f.memory.Keep(lo4, loopback, sysctl.Values{sysctl.Forwarding: 0}); err != nil {
		return err
	}
	return set4(c, 1)
}

func set4(c *rtnl.Conn, to uint32) error {
	reqs := []rtnl.Request{sysctl.Set(loopback, sysctl.Values{sysctl.Forwarding: to})}
	if err := errors.Join(c.Do(reqs), reqs[0].Err); err != nil {
		return fmt.Errorf("cannot set net.ipv4.conf.lo.forwarding=%d: %w", to, err)
	}
	return nil
}

func (f *forwarding) allow6() error {
	now, err := sysctl.ReadIPv6("lo", "forwarding")
	if err != nil || now != 0 {
		f.lets[lo6] = f.lets[lo6] || err == nil
		return err
	}
	f.switched(lo6, "net.ipv6.conf.lo.forwarding")
	if err := f.memory.Keep(lo6, loopback, sysctl.Values{sysctl.Forwarding: 0}); err != nil {
		return err
	}
	return sysctl.WriteIPv6("lo", "forwarding", 1)
}

// restore puts back what allow has changed, now or in an earlier run.
func (f *forwarding) restore() error {
	known := f.memory.Known()
	var errs []error
	if _, changed := known[lo4]; changed {
		c, err := rtnl.Dial()
		if err != nil {
			return err
		}
		defer c.Close()
		if err = set4(c, 0); err == nil {
			err = f.memory.Forget(lo4, sysctl.Forwarding)
		}
		errs = append(errs, err)
	}
	if _, changed := known[lo6]; changed {
		err := sysctl.WriteIPv6("lo", "forwarding", 0)
		if err == nil {
			err = f.memory.Forget(lo6, sysctl.Forwarding)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
