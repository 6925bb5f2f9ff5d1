package hands

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/internal/linux/address"
	"github.com/holdfast-net/holdfast/internal/linux/filter"
	"github.com/holdfast-net/holdfast/internal/linux/probe"
	"github.com/holdfast-net/holdfast/internal/linux/rtnl"
	"github.com/holdfast-net/holdfast/vrrp"
)

// hand is what one worker knows about its interface, and the sockets it works
// with. It belongs to the worker's goroutine.
type hand struct {
	ifname  string
	hands   *Hands
	conn    *rtnl.Conn
	nl      *netlink.Handle
	parent  int // index of the interface; 0 until something was prepared
	routers map[routerID]*router
	guards  map[routerID]guard // also of routers whose interface is gone
	retired map[routerID]bool  // discarded, but for a macvlan: the guard stays as long
	brought map[subnet]int     // how many of our addresses bring the route of a subnet
	chores  map[int]chore      // by the index of a macvlan

	unstuck time.Time // when neighbours were last looked after

	askToMend func()       // makes the worker call mend, from any goroutine
	watching  probe.Target // what is checked in the background
	probed    routerID     // whose address that is
}

// subnet is one subnet as reached through one interface.
type subnet struct {
	index  int
	prefix netip.Prefix
}

// routerID is a virtual router on the interface.
type routerID struct {
	family vrrp.Family
	vrid   uint8
}

func idOf(op engine.Op) routerID { return routerID{op.Family, op.VRID} }

// router is what we have done for one virtual router.
type router struct {
	op      engine.Op // the latest about it
	index   int       // of the interface that carries its addresses
	virtual bool      // that is a macvlan of ours
	mac     [6]byte
	why     string
	own     []netip.Addr // of an owner: the addresses that the machine has anyway
	held    map[netip.Prefix]held
}

// held is one address that is on the interface for a router.
type held struct {
	route  address.Route
	before bool // it was there before us, and stays
}

func newHand(ifname string, h *Hands, askToMend func()) *hand {
	return &hand{ifname: ifname, hands: h, askToMend: askToMend, routers: map[routerID]*router{}, guards: map[routerID]guard{}, retired: map[routerID]bool{}, brought: map[subnet]int{}, chores: map[int]chore{}}
}

// open opens the sockets, once.
func (h *hand) open() error {
	if h.conn != nil {
		return nil
	}
	conn, err := rtnl.Dial()
	if err != nil {
		return err
	}
	nl, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		conn.Close()
		return fmt.Errorf("cannot open rtnetlink: %w", err)
	}
	h.conn, h.nl = conn, nl
	return nil
}

func (h *hand) close() {
	if h.conn != nil {
		h.conn.Close()
		h.nl.Close()
	}
}

// do carries out orders of one kind for different routers.
func (h *hand) do(ops []engine.Op) []engine.Result {
	results := make([]engine.Result, len(ops))
	for i, op := range ops {
		results[i].Op = op
	}
	if err := h.open(); err != nil {
		fail(results, err)
	} else {
		switch ops[0].Kind {
		case engine.OpPrepare:
			h.prepare(results)
		case engine.OpInstall:
			h.install(results)
		case engine.OpRemove:
			h.remove(results)
		case engine.OpDiscard:
			h.discard(results)
		default:
			fail(results, errors.New("there is no such order"))
		}
	}
	for i := range results {
		if r := &results[i]; r.Err != nil {
			r.Err = fmt.Errorf("cannot %s addresses on %s: %w", verb(r.Op.Kind), h.ifname, r.Err)
		}
	}
	return results
}

func fail(results []engine.Result, err error) {
	for i := range results {
		results[i].Err = errors.Join(results[i].Err, err)
	}
}

// send carries out requests, each of which belongs to one of the results.
func (h *hand) send(reqs []rtnl.Request) {
	if err := h.conn.Do(reqs); err != nil {
		// The answers are out of step with the requests: start afresh.
		h.close()
		h.conn = nil
	}
}

// user is what the router is called among the users of the filter.
func (h *hand) user(id routerID) string {
	return fmt.Sprintf("%s/%d/%d", h.ifname, id.family, id.vrid)
}

// closed are the addresses of the latest order, where the node must not accept
// packets for them.
func (r *router) closed() []filter.Key {
	if !r.op.Drop {
		return nil
	}
	list := make([]filter.Key, 0, len(r.op.Addresses))
	for _, p := range r.op.Addresses {
		list = append(list, filter.Key{Addr: p.Addr(), Index: r.index})
	}
	return list
}

// hold notes that an address is on.
func (h *hand) hold(r *router, p netip.Prefix, on held) {
	h.let(r, p)
	r.held[p] = on
	if on.route == address.WithRoute {
		h.brought[subnet{r.index, p.Masked()}]++
	}
}

// let notes that an address is off.
func (h *hand) let(r *router, p netip.Prefix) {
	if on, ok := r.held[p]; ok && on.route == address.WithRoute {
		h.brought[subnet{r.index, p.Masked()}]--
	}
	delete(r.held, p)
}
