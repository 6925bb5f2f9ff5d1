package hands

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/internal/linux/address"
	"github.com/holdfast-net/holdfast/internal/linux/neighbour"
	"github.com/holdfast-net/holdfast/internal/linux/rtnl"
)

// An IPv6 address takes a fraction of a millisecond to come alive where nothing
// else changes the network, more where the kernel's lock for that is fought
// over, and much more where its worker threads hardly get a processor.
const (
	glance   = 100 * time.Millisecond // then it is worth asking what is wrong
	patience = 3 * time.Second
)

// verify returns when the new IPv6 addresses answer, or will not: the first
// advert and the neighbour advertisements must not tell of an address whose
// packets the kernel would still throw away.
func (h *hand) verify(results []engine.Result, added []step) {
	var keys []address.Key
	var of []int
	for _, s := range added {
		res := &results[s.result]
		r := h.routers[idOf(res.Op)]
		if r == nil || !s.prefix.Addr().Is6() || s.remove {
			continue
		}
		if _, on := r.held[s.prefix]; on {
			keys, of = append(keys, address.Key{Index: r.index, Addr: s.prefix.Addr()}), append(of, s.result)
		}
	}
	if len(keys) == 0 {
		return
	}
	dead, err := h.await(keys, glance)
	if err == nil && dead != nil {
		if err = h.replace(results, added, keys, dead); err == nil {
			dead, err = h.await(keys, patience)
		}
	}
	if err == nil && dead == nil {
		return
	}
	entries, lookErr := address.Lookup(h.conn, keys)
	if err = errors.Join(err, lookErr); err != nil {
		fail(results, err)
		return
	}
	for i, e := range entries {
		if !dead[i] {
			continue
		}
		why := "the kernel has not begun to take packets for it"
		switch {
		case e.Duplicate():
			why = "the kernel found another node with it"
		case e.Tentative():
			why = "the kernel still looks for another node with it"
		}
		res := &results[of[i]]
		res.Err = errors.Join(res.Err, fmt.Errorf("%s does not answer: %s", keys[i].Addr, why))
	}
}

// replace takes off dead addresses that the kernel looks for other nodes with,
// or found one, and puts ours in their place: somebody may have added one
// before us in the ordinary way, and who is found is the node that we take over
// from. It leaves alone what only needs time.
func (h *hand) replace(results []engine.Result, added []step, keys []address.Key, dead map[int]bool) error {
	entries, err := address.Lookup(h.conn, keys)
	if err != nil {
		return err
	}
	var reqs []rtnl.Request
	for _, s := range added {
		r := h.routers[idOf(results[s.result].Op)]
		if r == nil || s.remove || !s.prefix.IsValid() {
			continue
		}
		i := slices.Index(keys, address.Key{Index: r.index, Addr: s.prefix.Addr()})
		if i < 0 || !dead[i] || entries[i].Flags&unix.IFA_F_NODAD != 0 || !entries[i].Tentative() && !entries[i].Duplicate() {
			continue
		}
		reqs = append(reqs, address.Remove(r.index, s.prefix), address.Add(r.index, s.prefix, r.held[s.prefix].route))
		results[s.result].Notes = append(results[s.result].Notes,
			fmt.Sprintf("%s was there already and did not answer: put it on anew", s.prefix))
	}
	h.send(reqs) // whether that helped is seen when it is awaited
	return nil
}

// await waits until all addresses are live. It returns the ones that are not
// when the time is over, by their place in keys, and nil where all are.
func (h *hand) await(keys []address.Key, within time.Duration) (dead map[int]bool, err error) {
	pause := 20 * time.Microsecond
	for end := time.Now().Add(within); ; nap(pause) {
		live, err := address.Live(h.conn, keys)
		if err != nil {
			return nil, err
		}
		dead = nil
		for i, yes := range live {
			if !yes {
				if dead == nil {
					dead = map[int]bool{}
				}
				dead[i] = true
			}
		}
		if dead == nil || time.Now().After(end) {
			return dead, nil
		}
		pause = min(2*pause, time.Millisecond)
	}
}

// inVain is how long the kernel must have asked for a neighbour before it is
// better to ask anew.
const inVain = 100 * time.Millisecond

// unstick lets the node answer at once to whom it could not reach a moment ago:
// the cable was out, and its address comes with the cable.
func (h *hand) unstick() {
	if now := time.Now(); h.conn != nil && h.parent != 0 && now.Sub(h.unstuck) > inVain {
		h.unstuck = now
		h.complain(neighbour.Unstick(h.conn, h.parent, inVain))
	}
}

// nap sleeps on this thread, which is the worker's own. The runtime's own
// timers would make a millisecond of it.
func nap(d time.Duration) {
	ts := unix.NsecToTimespec(int64(d))
	_ = unix.Nanosleep(&ts, nil) // woken early, we look early
}
