package hands

import (
	"fmt"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/linux/address"
	"github.com/holdfast-net/holdfast/internal/linux/gate"
	"github.com/holdfast-net/holdfast/internal/linux/macvlan"
	"github.com/holdfast-net/holdfast/internal/linux/rtnl"
)

// Leftovers tells what of ours is in this network namespace, a line for each
// thing, and touches nothing. Where busy, a daemon works here and it is that
// one's.
func Leftovers(dir string) (found []string, busy bool, err error) {
	_, busy = has(turnName)
	conn, err := rtnl.Dial()
	if err != nil {
		return nil, busy, err
	}
	defer conn.Close()
	nl, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return nil, busy, fmt.Errorf("cannot open rtnetlink: %w", err)
	}
	defer nl.Close()
	present, err := address.List(conn, 0)
	if err != nil {
		return nil, busy, err
	}
	for _, e := range present {
		if e.Ours() {
			found = append(found, fmt.Sprintf("address %s on interface %d", e.Prefix, e.Index))
		}
	}
	macvlans, err := macvlan.List(nl)
	if err != nil {
		return found, busy, err
	}
	for _, l := range macvlans {
		found = append(found, "interface "+l.Name)
	}
	of, err := gate.Leftovers(dir)
	return append(found, of...), busy, err
}
