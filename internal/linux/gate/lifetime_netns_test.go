package gate

import (
	"net/netip"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/internal/linux/address"
	"github.com/holdfast-net/holdfast/internal/linux/rtnl"
)

// TestLifetime lets addresses live for as long as they are held, and no longer
// than the line guarantees.
func TestLifetime(t *testing.T) {
	l := newLab(t, mode{"lifetime", Lifetime, false})
	l.open()
	l.guard()
	link, err := netlink.LinkByName(nodeIf)
	must(t, err)
	conn, err := rtnl.Dial()
	must(t, err)
	defer conn.Close()
	vips := []netip.Prefix{netip.PrefixFrom(vip4, 24), netip.PrefixFrom(vip6, 64)}
	var reqs []rtnl.Request
	for _, p := range vips {
		reqs = append(reqs, address.Add(link.Attrs().Index, p, address.WithRoute))
	}
	must(t, conn.Do(reqs))
	on := func() (n int) {
		list, err := address.List(conn, link.Attrs().Index)
		must(t, err)
		for _, e := range list {
			if e.Ours() {
				n++
			}
		}
		return n
	}
	hold := func() engine.Instant {
		end := l.gate.Now() + engine.Instant(1200*time.Millisecond)
		l.set(engine.Hold{Announced: end, Served: end})
		return end
	}
	end := hold()
	for until := l.gate.Now() + engine.Instant(2*time.Second); l.gate.Now() < until; time.Sleep(50 * time.Millisecond) {
		if n := on(); n != len(vips) {
			if l.gate.Now() < end {
				t.Fatalf("%d addresses are on while held, want %d", n, len(vips))
			}
			t.Skip("the machine was too busy to renew the hold")
		}
		end = hold()
	}
	eventually(t, "the addresses are off", func() bool { return on() == 0 })
	late := time.Duration(l.gate.Now() - end)
	t.Logf("the last address went %v after the end", late)
	if late > l.gate.Line().Guarantee+punctual {
		t.Errorf("closed %v late, want at most %v", late, l.gate.Line().Guarantee)
	}
}
