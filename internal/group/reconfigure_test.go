package group

import (
	"net/netip"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/hold"
	"github.com/holdfast-net/holdfast/vrrp"
)

// Changing the list of addresses keeps the state, installs the new list, says
// so in an advert at once, and announces.
func TestReconfigure_AddressList(t *testing.T) {
	b := holder(t, web())
	more := web()
	more.Routers[0].Addresses = append(more.Routers[0].Addresses, netip.MustParseAddr("192.0.2.200"))
	b.pass(300 * time.Millisecond)
	b.reconfigure([]Config{more},
		"web ipv4: advert 100", // it counts 2 addresses; IPv6 did not change
		"web ipv4: install", "web ipv6: install", "web ipv4: hold holding 3s",
		"web ipv6: hold holding 3s", "web ipv4: announce", "web ipv6: announce")
	b.in(holding)
	if n := len(b.Router(0).Config().Addresses); n != 2 {
		t.Errorf("the router has %d addresses", n)
	}
	b.carried()

	// And no advert is late: at most an interval after the one before.
	last := map[int]time.Time{0: b.now, 1: b.now}
	for range 3000 {
		for _, a := range b.pass(time.Millisecond) {
			if a.Kind == ActionSend {
				if gap := b.now.Sub(last[a.Router]); gap > time.Second {
					t.Errorf("router %d was silent for %s", a.Router, gap)
				}
				last[a.Router] = b.now
			}
		}
	}
}

// The kernel refuses the new list: that is a fault like any other.
func TestReconfigure_RefusedByTheKernel(t *testing.T) {
	b := holder(t, single())
	more := single(routers(func(c *vrrp.Config) { c.Addresses = append(c.Addresses, netip.MustParseAddr("192.0.2.200")) }))
	b.reconfigure([]Config{more},
		"web ipv4: advert 100", "web ipv4: install", "web ipv4: hold holding 3s", "web ipv4: announce")
	b.refused(
		"web: address HF2001: cannot install addresses: device is busy", "web ipv4: hold serving 2.7s",
		"web ipv4: advert 0", "web ipv4: tell the next to take over",
		"web: active -> backup: the kernel refused the addresses: device is busy")
}

// Another list in the middle of a claim: the claim waits for it.
func TestReconfigure_WhileClaiming(t *testing.T) {
	b := claimer(t, single())
	more := single(routers(func(c *vrrp.Config) { c.Addresses = append(c.Addresses, netip.MustParseAddr("192.0.2.200")) }))
	b.reconfigure([]Config{more}, "web ipv4: install")
	b.do(Done(0, Install, nil))
	b.wait(time.Second, "web ipv4: advert 100")
	b.in(claiming)
	b.do(Done(0, Install, nil))
	b.listened(
		"web ipv4: hold holding 3s", "web ipv4: advert 100", "web: backup -> active: no advert heard within 3.609375s",
		"web ipv4: announce")
}

func TestReconfigure_Priority(t *testing.T) {
	b := holder(t, web(uses(Use{"disk", 30})))
	b.feed(Failed("disk", "full"))
	b.reconfigure([]Config{web(priority(150), uses(Use{"disk", 30}))},
		"web ipv4: advert 120", "web ipv6: advert 120", "web ipv4: install", "web ipv6: install",
		"web ipv4: hold holding 3s", "web ipv6: hold holding 3s", "web ipv4: announce", "web ipv6: announce")
}

// A check that is used no longer is forgotten; one that becomes a veto counts
// as one at once.
func TestReconfigure_Checks(t *testing.T) {
	b := holder(t, single(uses(Use{"disk", 30}, Use{"cpu", 20})))
	b.feed(Failed("disk", "full"))
	b.feed(Failed("cpu", "hot"))
	b.reconfigure([]Config{single(uses(Use{"cpu", 20}))},
		"web ipv4: advert 80", "web ipv4: install", "web ipv4: hold holding 3s", "web ipv4: announce")
	b.reconfigure([]Config{single(uses(Use{"cpu", 20}, Use{"disk", 30}))},
		"web ipv4: install", "web ipv4: hold holding 3s", "web ipv4: announce")
	b.reconfigure([]Config{single(uses(Use{"cpu", 0}))},
		"web ipv4: advert 100", "web ipv4: install", "web ipv4: hold holding 3s", "web ipv4: hold serving 2.7s",
		"web ipv4: advert 0", "web ipv4: tell the next to take over", "web: active -> backup: check cpu failed: hot")
}

// Preempt mode is changed, unless a handover suspended it: then later.
func TestReconfigure_Preempt(t *testing.T) {
	b := backup(t, single(routers(noPreempt)))
	b.hear(lower, 50)
	b.reconfigure([]Config{single()})
	b.hear(lower, 50)
	b.wait(4*time.Second,
		"web ipv4: ask the holder with 100", "web ipv4: hold claiming 3s", "web ipv4: ask who else has it",
		"web ipv4: advert 100", "web ipv4: install")

	b = backup(t, single())
	b.hear(higher, 150)
	b.feed(Suspend("c"))
	b.hear(higher, 0)
	b.hear(lower, 50)
	b.reconfigure([]Config{single(priority(101))})
	for range 5 {
		b.wait(time.Second)
		b.hear(lower, 50)
	}
}

// A set that is reconfigured does not disturb its phase, whatever it is.
func TestReconfigure_KeepsThePhase(t *testing.T) {
	g := func() Config { return web(uses(Use{Check: "service"}, Use{Check: "disk", Weight: 40})) }
	for p, b := range situations(t) {
		b.reply(nil)
		before := b.phase
		b.reconfigure([]Config{g()}, b.story(b.again())...)
		if b.phase != before {
			t.Errorf("%s became %s", phase(p), b.phase)
		}
	}
}

// again is what a set does that gets the configuration it has.
func (b *bench) again() []Action {
	installs := []Action{
		{Kind: ActionOrder, Router: 0, Op: Install},
		{Kind: ActionOrder, Router: 1, Op: Install},
	}
	switch b.phase {
	case claiming:
		return installs
	case holding:
		return append(installs,
			Action{Kind: ActionHold, Router: 0, Level: hold.Holding, For: hold.Term(time.Second, 3)},
			Action{Kind: ActionHold, Router: 1, Level: hold.Holding, For: hold.Term(time.Second, 3)},
			Action{Kind: ActionAnnounce, Router: 0},
			Action{Kind: ActionAnnounce, Router: 1})
	}
	return nil
}

// What cannot be changed in place is refused, and nothing has changed.
func TestReconfigure_Refuses(t *testing.T) {
	cases := []struct {
		groups []Config
		want   string
	}{
		{[]Config{web()}, "cannot change set in place: it has other groups"},
		{[]Config{web(), web()}, "cannot change set in place: it has other groups"},
		{[]Config{dns(), web()}, "cannot change set in place: group dns is not web"},
		{[]Config{web(routers(func(c *vrrp.Config) { c.VRID = 9 })), dns()}, "cannot change group web in place: its virtual router changed"},
		{[]Config{web(), dns(routers(func(c *vrrp.Config) { c.Version = 2 }))}, "cannot change group dns in place: its virtual router changed"},
		{nil, "cannot make set: it has no groups"},
	}
	b := holder(t, web(), dns())
	for _, c := range cases {
		out, err := b.Reconfigure(b.now, c.groups, nil)
		if err == nil || err.Error() != c.want {
			t.Errorf("got %v, want %s", err, c.want)
		}
		if len(out) > 0 || b.phase != holding || b.groups[0].Name != "web" {
			t.Errorf("the set has changed: %v", b.story(out))
		}
	}
}
