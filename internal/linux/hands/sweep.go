package hands

import (
	"errors"
	"fmt"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/linux/address"
	"github.com/holdfast-net/holdfast/internal/linux/filter"
	"github.com/holdfast-net/holdfast/internal/linux/gate"
	"github.com/holdfast-net/holdfast/internal/linux/macvlan"
	"github.com/holdfast-net/holdfast/internal/linux/rtnl"
	"github.com/holdfast-net/holdfast/internal/linux/sysctl"
)

// Sweep removes everything that a run which did not end in order left in the
// kernel: addresses first, then macvlans, the gate, the nftables tables, and
// settings that were changed. An address that cannot be removed stays behind
// the gate. It returns what it did, a line for each; on an error it
// has done what it could. The directory is that of [Config].
//
// It needs no configuration, so it also finds what the present one does not
// name. It refuses to work while Hands are open in this network namespace.
func Sweep(dir string) (did []string, err error) {
	turn, err := TakeTurn()
	if err != nil {
		return nil, err
	}
	defer turn.End()
	return turn.Sweep(dir)
}

// Sweep does so for who has the turn.
func (t *Turn) Sweep(dir string) (did []string, err error) {
	conn, err := rtnl.Dial()
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	nl, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("cannot open rtnetlink: %w", err)
	}
	defer nl.Close()

	var errs []error
	for _, part := range []func() ([]string, error){
		func() ([]string, error) { return sweepAddresses(nl, conn) },
		func() ([]string, error) { return sweepMacvlans(nl) },
		func() ([]string, error) {
			if errors.Join(errs...) != nil {
				return nil, nil
			}
			return gate.Sweep(dir)
		},
		func() ([]string, error) { return nil, filter.Clear() },
		func() ([]string, error) { return sweepSettings(conn, dir) },
	} {
		lines, err := part()
		did, errs = append(did, lines...), append(errs, err)
	}
	return did, errors.Join(errs...)
}

func sweepAddresses(nl *netlink.Handle, conn *rtnl.Conn) (did []string, err error) {
	present, err := address.List(conn, 0)
	if err != nil {
		return nil, err
	}
	present = slices.DeleteFunc(present, func(e address.Entry) bool { return !e.Ours() })
	slices.Reverse(present) // secondaries before their primary
	reqs := make([]rtnl.Request, len(present))
	for i, e := range present {
		reqs[i] = address.Remove(e.Index, e.Prefix)
	}
	errs := []error{conn.Do(reqs)}
	names := map[int]string{}
	for i, e := range present {
		if names[e.Index] == "" {
			names[e.Index] = fmt.Sprintf("interface %d", e.Index)
			if link, err := nl.LinkByIndex(e.Index); err == nil {
				names[e.Index] = link.Attrs().Name
			}
		}
		switch err := reqs[i].Err; {
		case err == nil:
			did = append(did, fmt.Sprintf("removed %s from %s", e.Prefix, names[e.Index]))
		case !gone(err):
			errs = append(errs, fmt.Errorf("cannot remove %s from %s: %w", e.Prefix, names[e.Index], err))
		}
	}
	return did, errors.Join(errs...)
}

func sweepMacvlans(nl *netlink.Handle) (did []string, err error) {
	found, err := macvlan.List(nl)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, l := range found {
		if err := macvlan.Delete(nl, l.Index); err != nil {
			errs = append(errs, err)
			continue
		}
		did = append(did, fmt.Sprintf("removed %s", l.Name))
	}
	return did, errors.Join(errs...)
}

func sweepSettings(conn *rtnl.Conn, dir string) (did []string, err error) {
	memory, err := sysctl.Open(memoryPath(dir))
	if err != nil {
		return nil, err
	}
	var errs []error
	for ifname, o := range memory.Known() {
		var keys []sysctl.Key
		for k := range o.Values {
			keys = append(keys, k)
		}
		if back := restorable(conn, o, keys); len(back) > 0 {
			reqs := []rtnl.Request{sysctl.Set(o.Index, back)}
			if err := errors.Join(conn.Do(reqs), reqs[0].Err); err != nil {
				errs = append(errs, fmt.Errorf("cannot restore the settings of %s: %w", ifname, err))
				continue
			}
			for _, k := range keys {
				if v, ok := back[k]; ok {
					did = append(did, fmt.Sprintf("set net.ipv4.conf.%s.%s back to %d", ifname, k, v))
				}
			}
		}
		errs = append(errs, memory.Forget(ifname, keys...))
	}
	slices.Sort(did)
	return did, errors.Join(errs...)
}
