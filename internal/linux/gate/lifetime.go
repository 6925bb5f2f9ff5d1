package gate

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/internal/linux/address"
	"github.com/holdfast-net/holdfast/internal/linux/rtnl"
)

// lifetime is the third line of defence, where nftables is not allowed either:
// the kernel takes an address off when its valid lifetime is over. Lifetimes
// are whole seconds, so it lives for what is left of its hold and up to one
// second more, and the kernel may look a second late. There is one door only,
// Served: an address that is on also answers ARP.
type lifetime struct {
	notes

	mu    sync.Mutex
	conn  *rtnl.Conn
	addrs map[engine.Slot][]netip.Addr
}

var _ line = (*lifetime)(nil)

func openLifetime() (*lifetime, error) {
	conn, err := rtnl.Dial()
	if err != nil {
		return nil, err
	}
	l := &lifetime{conn: conn, addrs: map[engine.Slot][]netip.Addr{}}
	l.start(l.write)
	return l, nil
}

func (l *lifetime) about() Line {
	return Line{
		ID: Lifetime,
		Text: "the kernel takes an address off within seconds after its hold is over; until then it answers, " +
			"and one that was put on and never held stays",
		Guarantee: 2 * time.Second,
	}
}

func (l *lifetime) known() []guarded { return nil }

func (l *lifetime) guard(_ *guarded, now guarded) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.addrs[now.slot] = now.addrs
	return nil
}

func (l *lifetime) release(g guarded) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.addrs, g.slot)
	return nil
}

// write gives the addresses that are on the rest of their hold to live. One
// whose hold is over has its lifetime already.
func (l *lifetime) write() {
	l.mu.Lock()
	defer l.mu.Unlock()
	left := map[netip.Addr]time.Duration{}
	for s, addrs := range l.addrs {
		if !l.changed(s) {
			continue
		}
		for _, a := range addrs {
			left[a] = time.Duration(l.held(s).Served - now())
		}
	}
	if len(left) == 0 {
		return
	}
	present, err := address.List(l.conn, 0)
	if err != nil {
		return // what is on has a lifetime, and the next hold tries again
	}
	var reqs []rtnl.Request
	for _, e := range slices.Backward(present) {
		if t := left[e.Prefix.Addr()]; t > 0 && e.Ours() {
			reqs = append(reqs, address.Renew(e, t))
		}
	}
	_ = l.conn.Do(reqs)
}

// closeAll: only taking the addresses off closes them, which is for the Hands.
func (l *lifetime) closeAll() error { return errors.ErrUnsupported }

func (l *lifetime) counters(engine.Slot) Counters { return Counters{} }

func (l *lifetime) sightings(context.Context, func(Sighting)) error { return errors.ErrUnsupported }

func (l *lifetime) close() error {
	l.end()
	return l.conn.Close()
}
