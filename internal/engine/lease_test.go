package engine

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/lease"
)

// register is a store made of values. It answers after a millisecond.
type register struct {
	mu       sync.Mutex
	found    lease.Found
	revision int
	silent   bool
	watchers []func(lease.Event)
	asked    []string // what was swapped in, in words
}

func newRegister() *register { return &register{found: lease.Found{Revision: lease.Absent}} }

// registerFor is a node's way to it.
type registerFor struct {
	*register
	node string
}

func (r registerFor) Instance() string { return "process of " + r.node }
func (r registerFor) Place() string    { return "" }

func (r registerFor) Open(_ config.Store, _ string, tell func(lease.Event)) (LeaseClerk, error) {
	return registerClerk{r.register, tell}, nil
}

type registerClerk struct {
	*register
	tell func(lease.Event)
}

func (c registerClerk) Close() {}

func (c registerClerk) Ask(q lease.Query) {
	time.AfterFunc(time.Millisecond, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.silent {
			return
		}
		a := lease.Answer{Kind: q.Kind, Serial: q.Serial}
		switch {
		case q.Kind == lease.Watch:
			c.watchers = append(c.watchers, c.tell)
			c.tell(lease.Changed(c.found))
			return
		case q.Kind == lease.Swap && (q.If.Revision == c.found.Revision || q.If.After != nil && *q.If.After == c.found.Record):
			c.revision++
			c.found = lease.Found{Revision: lease.Revision(fmt.Sprint(c.revision)), Record: q.Record}
			c.asked = append(c.asked, fmt.Sprintf("%s/%d", q.Record.Holder, q.Record.Epoch))
			a.OK = true
			for _, tell := range c.watchers {
				tell(lease.Changed(c.found))
			}
		}
		a.Found = c.found
		c.tell(lease.Answered(a))
	})
}

func (r *register) fall(silent bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.silent = silent
}

func (r *register) holder() lease.Record {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.found.Record
}

// leased is a configuration with one group in a register.
func leased(priority int) *config.Config {
	return &config.Config{Groups: []config.Group{{
		Name: "db", Interface: "eth0", Addresses: []netip.Prefix{netip.MustParsePrefix("192.0.2.100/24")},
		Lease: &config.Lease{TTL: time.Second, Priority: priority, Preempt: true},
		Guard: config.Guard{Kind: config.GuardStrict},
	}}}
}

// tenants are two nodes with one lease; a holds.
func tenants(t *testing.T) (*testLAN, *register, *testNode, *testNode) {
	t.Helper()
	l, r := &testLAN{}, newRegister()
	a := l.node(t, "a", "192.0.2.1", "fe80::1")
	b := l.node(t, "b", "192.0.2.2", "fe80::2")
	a.engine.opt.Leases, b.engine.opt.Leases = registerFor{r, "a"}, registerFor{r, "b"}
	a.start(t, leased(200))
	time.Sleep(3 * time.Second)
	b.start(t, leased(100))
	time.Sleep(3 * time.Second)
	if !a.answers("192.0.2.100") || b.answers("192.0.2.100") {
		t.Fatalf("a holds: %t, b: %t; %q %q", a.answers("192.0.2.100"), b.answers("192.0.2.100"), a.story(), b.story())
	}
	return l, r, a, b
}

// The node that has the lease answers, and nothing of VRRP is on the wire.
func TestLease_Holds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _, a, b := tenants(t)
		time.Sleep(time.Minute)
		if !a.answers("192.0.2.100") {
			t.Error("the holder does not answer any more")
		}
		l.mu.Lock()
		for _, o := range l.sent {
			if o.Kind != Frame {
				t.Errorf("%d is sent to %s", o.Kind, o.Dst)
			}
		}
		l.mu.Unlock()
		b.stop(t)
		a.stop(t)
	})
}

// A store that is gone ends the hold in time, and the lease is taken up when
// it is back.
func TestLease_EndsWithoutItsStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, r, a, b := tenants(t)
		r.fall(true)
		time.Sleep(time.Second)
		if a.answers("192.0.2.100") {
			t.Error("the holder answers for longer than its lease")
		}
		time.Sleep(time.Minute)
		if a.answers("192.0.2.100") || b.answers("192.0.2.100") {
			t.Error("somebody answers without a store")
		}
		r.fall(false)
		time.Sleep(10 * time.Second)
		if !a.answers("192.0.2.100") {
			t.Errorf("a does not answer again: %q", a.story())
		}
		b.stop(t)
		a.stop(t)
	})
}

// The holder's process stands still: the other one follows when the lease is
// over, and not before.
func TestLease_FollowsAFrozenHolder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, _, a, b := tenants(t)
		thaw := a.freeze()
		for until := time.Now().Add(1500 * time.Millisecond); time.Now().Before(until); time.Sleep(time.Millisecond) {
			if a.answers("192.0.2.100") && b.answers("192.0.2.100") {
				t.Fatal("both answer")
			}
		}
		if !b.answers("192.0.2.100") {
			t.Errorf("b does not follow: %q", b.story())
		}
		thaw()
		// a is preferred, and gets it back by asking.
		time.Sleep(time.Minute)
		if !a.answers("192.0.2.100") || b.answers("192.0.2.100") {
			t.Errorf("a holds: %t, b: %t; %q %q", a.answers("192.0.2.100"), b.answers("192.0.2.100"), a.story(), b.story())
		}
		b.stop(t)
		a.stop(t)
	})
}

// A handover by an operator takes a moment, and the one with the higher
// priority does not ask it back.
func TestLease_HandsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, r, a, b := tenants(t)
		if res, err := a.engine.Handover(t.Context(), "db", "b"); err != nil || !res.OK || !strings.Contains(res.Text, "b has the lease") {
			t.Errorf("the answer is %+v, %v", res, err)
		}
		time.Sleep(20 * time.Millisecond)
		if !b.answers("192.0.2.100") || a.answers("192.0.2.100") {
			t.Errorf("a holds: %t, b: %t", a.answers("192.0.2.100"), b.answers("192.0.2.100"))
		}
		time.Sleep(time.Minute)
		if got := r.holder(); got.Holder != "b" || !got.Chosen {
			t.Errorf("the record is %+v", got)
		}
		// A node that is stopped gives its lease back.
		stopped := time.Now()
		b.stop(t)
		for !a.answers("192.0.2.100") {
			if time.Since(stopped) > 2*time.Second {
				t.Fatal("nobody follows who stopped")
			}
			time.Sleep(time.Millisecond)
		}
		a.stop(t)
	})
}

// A lease whose store cannot be used is not held. That is said once, and shown;
// as soon as the store can be used, by a certificate that is there at last say,
// the node takes part.
func TestLease_NeedsAStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, r := &testLAN{}, &register{found: lease.Found{Revision: lease.Absent}}
		a := l.node(t, "a", "192.0.2.1", "fe80::1")
		stores := &lateStores{registerFor: registerFor{r, "a"}}
		a.engine.opt.Leases = stores
		a.start(t, leased(100))
		time.Sleep(10 * time.Minute)
		if a.answers("192.0.2.100") {
			t.Error("it holds")
		}
		if asked := stores.asked.Load(); asked < 10 || asked > 20 {
			t.Errorf("the store was opened %d times in ten minutes", asked)
		}
		said := 0
		a.mu.Lock()
		for _, r := range a.records {
			if r.Code == "HF2141" && r.Group == "db" {
				said++
			}
		}
		a.mu.Unlock()
		if said != 1 {
			t.Errorf("it is said %d times", said)
		}
		snap, err := a.engine.Snapshot(t.Context())
		if err != nil || !strings.Contains(snap.Units[0].Apart, "no certificate") {
			t.Errorf("it is not shown: %+v, %v", snap, err)
		}
		stores.there.Store(true)
		time.Sleep(openLast + 5*time.Second)
		if !a.answers("192.0.2.100") {
			t.Errorf("it does not hold: %q", a.story())
		}
		if snap, err := a.engine.Snapshot(t.Context()); err != nil || snap.Units[0].Apart != "" || snap.Units[0].Lease == nil {
			t.Errorf("shown: %+v, %v", snap, err)
		}
		a.stop(t)
	})
}

// lateStores cannot be used at first.
type lateStores struct {
	registerFor
	there atomic.Bool
	asked atomic.Int32
}

func (s *lateStores) Open(of config.Store, id string, tell func(lease.Event)) (LeaseClerk, error) {
	s.asked.Add(1)
	if !s.there.Load() {
		return nil, errors.New("cannot use the store of leases: there is no certificate")
	}
	return s.registerFor.Open(of, id, tell)
}

// A node is heard by the lease that it renews, and not any more when it does not.
func TestLease_ItsHolderIsHeard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, r, a, b := tenants(t)
		h, err := b.engine.Heard(t.Context(), "a")
		if err != nil || !h.Known || time.Since(h.At) > time.Second {
			t.Errorf("the holder: %+v %s ago, %v", h, time.Since(h.At), err)
		}
		if h, err := a.engine.Heard(t.Context(), "b"); err != nil || h.Known {
			t.Errorf("one that holds nothing, and says nothing: %+v, %v", h, err)
		}
		r.fall(true)
		time.Sleep(time.Minute)
		if h, err := b.engine.Heard(t.Context(), "a"); err != nil || !h.Known || time.Since(h.At) < time.Minute {
			t.Errorf("without the store: %+v %s ago, %v", h, time.Since(h.At), err)
		}
		a.stop(t)
		b.stop(t)
	})
}
