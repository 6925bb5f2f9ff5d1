package proxy

import (
	"errors"
	"net/netip"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// A connection ends with the hold of its address: the next holder knows nothing
// of it, and resets it as soon as the client speaks. Its half here hears nothing
// of that, and its backend would keep a connection that nobody uses until the
// timeout of idle ones.

const (
	// farewell is for how long an address is away before its connections end: one
	// that comes back sooner finds its clients still trying.
	farewell = 10 * time.Second
	// lookEvery is how often is looked for addresses that have left.
	lookEvery = time.Second
)

// watchAddresses ends connections whose address has left this machine.
func (p *Plane) watchAddresses() {
	defer close(p.watched)
	away := map[netip.Addr]time.Time{}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-p.unwatch:
			return
		case now := <-tick.C:
			p.depart(now, isLocal, away)
		}
	}
}

// depart ends the connections of addresses that have not been this machine's for
// the time of a farewell. It keeps in away since when they are not.
func (p *Plane) depart(now time.Time, local func(netip.Addr) bool, away map[netip.Addr]time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	here := map[netip.Addr]bool{}
	for _, s := range p.services {
		for at := range s.at {
			if a := at.Addr(); s.flows.Load() > 0 && !here[a] {
				here[a] = local(a)
			}
		}
	}
	for a := range away {
		if is, asked := here[a]; is || !asked {
			delete(away, a)
		}
	}
	gone := map[netip.Addr]bool{}
	for a, is := range here {
		if is {
			continue
		}
		if since, known := away[a]; !known {
			away[a] = now
		} else if now.Sub(since) >= farewell {
			gone[a] = true
		}
	}
	if len(gone) > 0 {
		p.each(func(l *loop) { l.abortIf(func(c *conn) bool { return gone[c.to.Addr()] }) })
	}
}

// isLocal tells whether an address is this machine's, in doubt that it is.
func isLocal(a netip.Addr) bool {
	if a.IsLinkLocalUnicast() {
		return true // it would have to be asked for on its interface
	}
	routes, err := netlink.RouteGet(a.AsSlice())
	if err != nil {
		return !errors.Is(err, unix.ENETUNREACH) && !errors.Is(err, unix.EHOSTUNREACH)
	}
	for _, r := range routes {
		if r.Type == unix.RTN_LOCAL {
			return true
		}
	}
	return len(routes) == 0
}
