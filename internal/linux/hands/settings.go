package hands

import (
	"errors"
	"fmt"
	"maps"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/internal/linux/rtnl"
	"github.com/holdfast-net/holdfast/internal/linux/sysctl"
	"github.com/holdfast-net/holdfast/vrrp"
)

// needs are the settings that the group's own interface must have, at least,
// for a router.
func (r *router) needs() sysctl.Values {
	if r.op.Family != 4 {
		return nil // IPv6 answers and asks on the interface of the address only
	}
	v := sysctl.Values{
		// Removing one address must not remove the others of its subnet.
		sysctl.PromoteSecondaries: 1,
		// Never ask with a VIP as the sender where the node has an address
		// of its own: whoever is asked would learn the MAC of the moment.
		sysctl.ARPAnnounce: 2,
	}
	if r.virtual {
		// The physical MAC must not answer for an address of the macvlan.
		v[sysctl.ARPIgnore] = 1
	}
	return v
}

// needs are the settings that all routers need together.
func (h *hand) needs() sysctl.Values {
	all := sysctl.Values{}
	for _, r := range h.routers {
		maps.Copy(all, r.needs()) // whoever needs one needs the same of it
	}
	return all
}

// adjust raises the settings of the interface to what is needed. A refusal is
// a note: the address works, only less well. So is a setting that we had
// raised before.
func (h *hand) adjust(needs sysctl.Values) (notes []string) {
	if len(needs) == 0 {
		return nil
	}
	now, err := sysctl.Get(h.conn, h.parent)
	if err != nil {
		return []string{err.Error()}
	}
	raised := h.hands.memory.Known()[h.ifname]
	raise, before := sysctl.Values{}, sysctl.Values{}
	for k, v := range needs {
		if now[k] >= v {
			continue
		}
		raise[k], before[k] = v, now[k]
		if _, again := raised.Values[k]; again && raised.Index == h.parent {
			notes = append(notes, fmt.Sprintf("net.ipv4.conf.%s.%s was changed to %d by somebody else: set to %d again", h.ifname, k, now[k], v))
		}
	}
	if len(raise) == 0 {
		return nil
	}
	if err := h.hands.memory.Keep(h.ifname, h.parent, before); err != nil {
		notes = append(notes, err.Error())
	}
	if err := h.set(raise); err != nil {
		notes = append(notes, fmt.Sprintf("cannot change the settings of %s: %v", h.ifname, err))
	}
	return notes
}

// relax puts back the settings that no router needs any more.
func (h *hand) relax() error {
	known, ok := h.hands.memory.Known()[h.ifname]
	if !ok {
		return nil
	}
	needed := h.needs()
	var keys []sysctl.Key
	for k := range known.Values {
		if _, still := needed[k]; !still {
			keys = append(keys, k)
		}
	}
	if len(keys) == 0 {
		return nil
	}
	var err error
	if known.Index == h.parent { // else the interface was re-created, with fresh settings
		if back := restorable(h.conn, known, keys); len(back) > 0 {
			err = h.set(back)
		}
	}
	if errors.Is(err, unix.ENODEV) {
		err = nil
	}
	return errors.Join(err, h.hands.memory.Forget(h.ifname, keys...))
}

// restorable gives the original values of the keys, without those that
// somebody has changed since: what they set is what they want.
func restorable(c *rtnl.Conn, o sysctl.Original, keys []sysctl.Key) sysctl.Values {
	now, err := sysctl.Get(c, o.Index)
	if err != nil {
		return nil
	}
	ours := (&router{op: engine.Op{Family: vrrp.IPv4}, virtual: true}).needs()
	back := sysctl.Values{}
	for _, k := range keys {
		if now[k] == ours[k] {
			back[k] = o.Values[k]
		}
	}
	return back
}

func (h *hand) set(v sysctl.Values) error {
	reqs := []rtnl.Request{sysctl.Set(h.parent, v)}
	h.send(reqs)
	return reqs[0].Err
}
