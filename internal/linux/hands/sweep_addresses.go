package hands

import (
	"fmt"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/linux/rtnl"
)

// SweepAddresses does only the first part of Sweep: it is enough for nothing
// to answer here any more, and taking interfaces down takes the kernel tens
// of milliseconds.
func (t *Turn) SweepAddresses() (did []string, err error) {
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
	return sweepAddresses(nl, conn)
}
