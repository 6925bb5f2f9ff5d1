package group

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/hold"
	"github.com/holdfast-net/holdfast/vrrp"
)

// A set that hears nobody says so first, by its leading router, as RFC 9568
// §6.4.2 has it, so that other backups stay what they are; it becomes the holder, and announces, when
// the addresses are there.
func TestSet_ClaimsAloudWhereNobodyServes(t *testing.T) {
	b := place(t, web())
	b.do(Start(), "web: init -> fault: interface not seen yet")
	b.do(LinkUp(0, addr(vrrp.IPv4, self)))
	b.do(LinkUp(1, addr(vrrp.IPv6, self)), "web: fault -> backup: started as backup: listening for an active node")
	b.due(3*time.Second + 609375*time.Microsecond) // RFC 9568 §6.1: 3 intervals and (256-100)/256 of one
	b.wait(b.Deadline().Sub(b.now),
		"web ipv4: hold claiming 3s", "web ipv6: hold claiming 3s", "web ipv4: ask who else has it",
		"web ipv6: ask who else has it", "web ipv4: advert 100", "web ipv4: install", "web ipv6: install")
	b.wait(time.Second, "web ipv4: advert 100") // a slow kernel
	b.in(claiming)
	b.carried()
	b.listened(
		"web ipv4: hold holding 3s", "web ipv6: hold holding 3s", "web ipv4: advert 100", "web ipv6: advert 100",
		"web: backup -> active: no advert heard within 3.609375s", "web ipv4: announce", "web ipv6: announce")
}

// The addresses answer for all families and groups, or for none: one router
// that hears an Active keeps the whole set from claiming.
func TestSet_WaitsForItsLastRouter(t *testing.T) {
	b := backup(t, web(), dns())
	b.wait(3 * time.Second)
	b.hearOn(2, higher, 150) // dns
	b.wait(4*time.Second,
		"web ipv4: hold claiming 3s", "web ipv6: hold claiming 3s", "dns ipv4: hold claiming 3s",
		"web ipv4: ask who else has it", "web ipv6: ask who else has it", "dns ipv4: ask who else has it",
		"web ipv4: advert 100", "web ipv4: install", "web ipv6: install", "dns ipv4: install")
	b.carried()
	b.listened(
		"web ipv4: hold holding 3s", "web ipv6: hold holding 3s", "dns ipv4: hold holding 3s", "web ipv4: advert 100",
		"web ipv6: advert 100", "dns ipv4: advert 100", "web: backup -> active: no advert heard within 3.609375s",
		"dns: backup -> active: no advert heard within 3.609375s", "web ipv4: announce", "web ipv6: announce",
		"dns ipv4: announce")
}

// A set that stays half tells it once, as soon as any of its routers would
// have claimed.
func TestSet_TellsThatItIsHalf(t *testing.T) {
	b := backup(t, web())
	var got []Action
	for range 30 {
		got = append(got, b.pass(time.Second)...)
		got = append(got, b.feed(Received(0, b.packet(0, higher, 150, nil)))...)
	}
	b.compare("thirty seconds of IPv4 only", got, []string{
		"web: notice HF2021: no active node is heard for ipv6 of group web, but 192.0.2.20 is active " +
			"for ipv4 of group web: this node waits, as it takes all addresses or none",
	})
}

// An advert that arrives while the kernel still works calls the claim off.
func TestClaim_IsCalledOff(t *testing.T) {
	closed := []string{
		"web ipv4: hold closed", "web ipv6: hold closed", "web ipv4: remove", "web ipv6: remove",
		"web ipv4: say that it yields", "web ipv6: say that it yields",
	}
	for i, said := range [][]string{nil, {"web ipv4: advert 0"}} { // what was said, and heard by nobody better, is taken back
		b := claimer(t, web())
		b.hearOn(i, higher, 150, slices.Concat(said, closed)...)
		b.in(waiting)
		b.carried()
	}
	b := claimer(t, web())
	b.hear(lower, 50, "web ipv4: advert 100") // this one has to give way
	b.in(claiming)
}

// Two sets of equal priority claim at the same time, and their IPv4 addresses are
// in another order than their IPv6 ones. One of them goes on, not none.
func TestClaim_OfTwoEqualSets(t *testing.T) {
	b := claimer(t, web())
	b.hearOn(0, lower, 100, "web: notice HF2019: 192.0.2.9 has the same priority 100: the higher address wins; set different priorities",
		"web ipv4: advert 100")
	b.in(claiming)
	b = claimer(t, web())
	b.hearOn(0, higher, 100,
		"web: notice HF2019: 192.0.2.20 has the same priority 100: the higher address wins; set different priorities",
		"web ipv4: hold closed", "web ipv6: hold closed", "web ipv4: remove", "web ipv6: remove",
		"web ipv4: say that it yields", "web ipv6: say that it yields")
	b.in(waiting)
}

// Why a node became active is told in words.
func TestClaim_GivesItsReason(t *testing.T) {
	cases := []struct {
		name string
		do   func(*bench)
		want string
	}{
		{"silence", func(b *bench) {}, "no advert heard within 3.609375s"},
		{"preempting another vendor's", func(b *bench) {
			for range 6 {
				b.hear(lower, 50)
				b.pass(900 * time.Millisecond)
			}
		}, "preempted 192.0.2.9: its priority 50 is below 100"},
		{"priority 0", func(b *bench) {
			b.pass(3100 * time.Millisecond)
			b.hear(higher, 150)
			b.hear(higher, 0)
		}, "192.0.2.20 said that it leaves (priority 0)"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := backup(t, single())
			c.do(b)
			for b.phase == waiting && b.now.Sub(b.began) < 10*time.Second {
				b.pass(time.Millisecond)
			}
			b.reply(nil)
			b.pass(5 * time.Millisecond)
			b.in(holding)
			if got := b.View().Reason; got != c.want {
				t.Errorf("the reason is %q, want %q", got, c.want)
			}
		})
	}
}

// After a priority 0 the wait is the Skew_Time (RFC 9568 §6.4.2).
func TestPriorityZero_ShortensTheWait(t *testing.T) {
	b := backup(t, web())
	b.hear(higher, 150)
	b.hear(higher, 0)
	b.wait(609*time.Millisecond - time.Nanosecond)
	b.wait(time.Millisecond, "web ipv4: install", "web ipv6: install")
}

// An owner (priority 255) would be Active at once (RFC 9568 §6.4.1). It
// listens first, for as long as another node's hold may last. No check makes
// it less than an owner.
func TestOwner_ListensFirst(t *testing.T) {
	b := place(t, single(priority(vrrp.OwnerPriority), uses(Use{"disk", 200})))
	b.feed(LinkUp(0, addr(vrrp.IPv4, self)))
	b.feed(Failed("disk", "full"))
	b.do(Start(), "web: init -> backup: started as backup: listening for an active node")
	b.due(hold.Patience(time.Second, 3))
	b.wait(hold.Patience(time.Second, 3) - time.Nanosecond)
	b.wait(time.Nanosecond,
		"web ipv4: hold claiming 3s", "web ipv4: ask who else has it", "web ipv4: advert 255", "web ipv4: install")
	b.carried()
	b.listened(
		"web ipv4: hold holding 3s", "web ipv4: advert 255",
		"web: backup -> active: started as the owner of the addresses", "web ipv4: announce")
	b.in(holding)
	b.hear(higher, 254,
		"web ipv4: advert 255",
		"web: notice HF2017: 192.0.2.20 was active too, with priority 254: answered with an advert, addresses announced again",
		"web: conflict HF2030: 192.0.2.151 is used by the node 192.0.2.20, too: announced again, and watched")
	b.in(holding)
}

// Started beside a holder it asks for what it owns, like any other.
func TestOwner_AsksForItsAddresses(t *testing.T) {
	b := started(t, single(priority(vrrp.OwnerPriority)))
	for range 3 {
		b.kinAdverts(lower, 100)
		b.pass(time.Second)
	}
	b.kinAdverts(lower, 100)
	b.wait(100*time.Millisecond, "web ipv4: ask the holder with 255")
	b.in(waiting)
}

// Two owners are a mistake, which is named, and resolves by address (erratum
// 8298).
func TestOwner_GivesWayToAnotherOwner(t *testing.T) {
	b := holder(t, single(priority(vrrp.OwnerPriority)))
	b.hear(higher, vrrp.OwnerPriority,
		"web: notice HF2016: 192.0.2.20 claims to own the addresses (priority 255) as this node does: only one node can",
		"web ipv4: hold serving 400ms",
		"web: active -> backup: 192.0.2.20 is active with the same priority and a higher address",
		"web ipv4: say that it yields",
		"web: notice HF2003: successor heard: 192.0.2.20 is active, 0s after this node let go")
	b.in(leaving)
}

// RFC 9568 §6.4.2: without preempt, an Active of lower priority stays.
func TestNoPreempt_FollowsALowerPriority(t *testing.T) {
	b := backup(t, web(routers(noPreempt)))
	for range 10 {
		b.wait(time.Second)
		b.hear(lower, 50)
	}
	b.in(waiting)
}

// Two sets of equal priority became active at the same time, and their IPv4
// addresses are in another order than their IPv6 ones. The set whose leading
// router wins keeps all; the other one leaves with all.
func TestTie_IsDecidedByTheLeadingRouter(t *testing.T) {
	t.Run("which wins", func(t *testing.T) {
		b := holder(t, web())
		b.hearOn(0, lower, 100,
			"web: notice HF2019: 192.0.2.9 has the same priority 100: the higher address wins; set different priorities",
			"web ipv4: advert 100",
			"web: notice HF2017: 192.0.2.9 was active too, with priority 100: answered with an advert, addresses announced again",
			"web: conflict HF2030: 192.0.2.151 is used by the node 192.0.2.9, too: announced again, and watched",
			"web ipv4: announce", "web ipv6: announce")
		b.hearOn(1, higher, 100,
			"web: notice HF2019: fe80::14 has the same priority 100: the higher address wins; set different priorities",
			"web ipv6: hold serving 3.859s")
		b.in(holding)
		b.carried()
		b.pass(200 * time.Millisecond)
		// The other set has lost in IPv4 and leaves with all: priority 0.
		b.hearOn(1, higher, 0,
			"web ipv6: hold holding 3s", "web ipv6: advert 100", "web ipv4: announce", "web ipv6: announce")
		b.carried()
		b.in(holding)
	})
	t.Run("which loses", func(t *testing.T) {
		b := holder(t, web())
		b.hearOn(0, higher, 100,
			"web: notice HF2019: 192.0.2.20 has the same priority 100: the higher address wins; set different priorities",
			"web ipv4: hold serving 400ms", "web ipv6: hold serving 400ms", "web ipv6: advert 0",
			"web: active -> backup: 192.0.2.20 is active with the same priority and a higher address",
			"web ipv4: say that it yields", "web ipv6: say that it yields",
			"web: notice HF2003: successor heard: 192.0.2.20 is active, 0s after this node let go")
		b.in(leaving)
	})
	t.Run("unless the other one stays", func(t *testing.T) {
		// Its families are independent of each other: another vendor's.
		b := holder(t, web())
		b.hearOn(1, higher, 100,
			"web: notice HF2019: fe80::14 has the same priority 100: the higher address wins; set different priorities",
			"web ipv6: hold serving 3.859s")
		for range 3 {
			b.pass(time.Second)
			b.hearOn(1, higher, 100)
			b.in(holding)
		}
		b.pass(610 * time.Millisecond)
		b.in(leaving)
	})
}

// A higher priority is no tie: the whole set gives way at once, and goes on
// serving what still arrives.
func TestHigherPriority_TakesTheWholeSet(t *testing.T) {
	b := holder(t, web(), dns())
	b.hearOn(1, lower, 200,
		"web ipv4: hold serving 400ms", "web ipv6: hold serving 400ms", "dns ipv4: hold serving 400ms",
		"web ipv4: advert 0", "dns ipv4: advert 0",
		"web: active -> backup: fe80::9 is active with a higher priority (200, here 100)",
		"dns: active -> backup: fe80::9 is active with a higher priority (200, here 100)",
		"web ipv4: say that it yields", "web ipv6: say that it yields", "dns ipv4: say that it yields",
		"web: notice HF2003: successor heard: fe80::9 is active, 0s after this node let go")
	b.carried()
	b.wait(leaveGrace - time.Nanosecond)
	b.wait(time.Nanosecond,
		"web ipv4: hold closed", "web ipv6: hold closed", "dns ipv4: hold closed", "web ipv4: remove",
		"web ipv6: remove", "dns ipv4: remove")
	b.carried()
	b.in(waiting)
}

// A conflict makes the holder say again where the addresses are, and a
// conflict that goes on does not become a storm.
func TestConflict_IsAnnouncedAgain(t *testing.T) {
	b := holder(t, web())
	b.hearOn(0, lower, 50,
		"web ipv4: advert 100",
		"web: notice HF2017: 192.0.2.9 was active too, with priority 50: answered with an advert, addresses announced again",
		"web: conflict HF2030: 192.0.2.151 is used by the node 192.0.2.9, too: announced again, and watched",
		"web ipv4: announce", "web ipv6: announce")
	announced := 0
	for range 99 {
		b.now = b.now.Add(time.Millisecond / 2)
		for _, a := range append(b.feed(Received(0, b.packet(0, lower, 50, nil))), b.pass(time.Millisecond/2)...) {
			if a.Kind == ActionAnnounce && a.Router == 0 {
				announced++
			}
		}
	}
	if announced != 2 { // at 5 and 25 ms of the burst
		t.Errorf("announced %d times in 99ms of conflict", announced)
	}
}

// The announcements of a new holder: dense, then spread, then the refresh.
func TestAnnounce_Burst(t *testing.T) {
	cases := []struct {
		name string
		a    Announce
		want []time.Duration // in ms
	}{
		{"by default", Announce{}, []time.Duration{0, 5, 25, 100, 500, 1500, 3000}},
		{"twice", Announce{Repeat: 2}, []time.Duration{0, 5}},
		{"longer than the burst", Announce{Repeat: 9}, []time.Duration{0, 5, 25, 100, 500, 1500, 3000, 4000, 5000}},
		{"refreshed", Announce{Repeat: 1, Refresh: 2 * time.Second}, []time.Duration{0, 2000, 4000}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := claimer(t, single(func(g *Config) { g.Announce = c.a }))
			b.reply(nil)
			begun := b.now.Add(hold.Listen(time.Second))
			var got []time.Duration
			note := func(acts []Action) {
				for _, a := range acts {
					if a.Kind == ActionAnnounce {
						got = append(got, b.now.Sub(begun)/time.Millisecond)
					}
				}
			}
			for b.now.Sub(begun) < 5*time.Second+time.Millisecond {
				note(b.pass(time.Millisecond))
			}
			if fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("announced at %d ms, want %d", got, c.want)
			}
		})
	}
}

// A node that was busy makes up for the announcements it missed by one.
func TestAnnounce_MakesUpByOne(t *testing.T) {
	b := claimer(t, single())
	b.reply(nil)
	b.pass(hold.Listen(time.Second))
	b.now = b.now.Add(600 * time.Millisecond)
	b.do(Tick(), "web ipv4: ask who else has it", "web ipv4: announce")
	b.wait(2400*time.Millisecond,
		"web ipv4: advert 100", "web ipv4: ask who else has it", "web ipv4: announce", "web ipv4: advert 100",
		"web ipv4: advert 100", "web ipv4: announce")
}

func TestNew_Refuses(t *testing.T) {
	cases := []struct {
		groups []Config
		want   string
	}{
		{nil, "cannot make set: it has no groups"},
		{[]Config{{}}, "cannot make group: it has no name"},
		{[]Config{{Name: "web"}}, "cannot make group web: it has no addresses"},
		{
			[]Config{{Name: "web", Routers: []vrrp.Config{router(51, vrrp.IPv4), router(52, vrrp.IPv4)}}},
			"cannot make group web: two routers of family ipv4",
		},
		{[]Config{web(), dns(priority(99))}, "cannot make group dns: it moves together with web, so it needs the same priority (100, not 99)"},
		{[]Config{web(routers(func(c *vrrp.Config) { c.VRID = 0 }))}, "cannot make group web: cannot use virtual router configuration: virtual router id 0 is not in 1..255"},
	}
	for _, c := range cases {
		if _, err := New(c.groups); err == nil || err.Error() != c.want {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
	if _, err := New([]Config{web(), dns(priority(0))}); err != nil {
		t.Errorf("no priority is the default one: %v", err)
	}
}

// A holder whose process was stopped for longer than its peers wait goes, as a
// whole, when it hears who took over meanwhile, whatever its priority.
func TestStall_GivesWayToWhoTookOver(t *testing.T) {
	b := holder(t, web(routers(noPreempt)))
	b.now = b.now.Add(10 * time.Second)
	b.hearOn(1, lower, 50,
		"web ipv6: advert 1", "web ipv4: hold serving 400ms", "web ipv6: hold serving 400ms", "web ipv4: advert 0",
		"web: active -> backup: fe80::9 took over while this node was silent for longer than a peer waits",
		"web ipv4: say that it yields", "web ipv6: say that it yields",
		"web: notice HF2003: successor heard: fe80::9 is active, 0s after this node let go")
	b.carried()
	b.wait(leaveGrace,
		"web ipv4: hold closed", "web ipv6: hold closed", "web ipv4: remove", "web ipv6: remove")
	for range 10 {
		b.wait(time.Second)
		b.hear(lower, 50)
	}
	b.in(waiting)
}

// Where nobody did, it takes the addresses again after it has listened like
// any backup: its hold has ended, whether somebody took over or not.
func TestStall_OfALoneNode(t *testing.T) {
	b := holder(t, web())
	b.now = b.now.Add(time.Hour)
	b.do(Lapsed(0, time.Hour-3*time.Second),
		"web ipv4: hold closed", "web ipv6: hold closed", "web ipv4: remove", "web ipv6: remove",
		"web: notice HF2022: this node was late: its hold had ended 59m57s before it could be renewed",
		"web: active -> backup: this node was late: its hold had ended 59m57s before it could be renewed",
		"web ipv4: say that it yields", "web ipv6: say that it yields")
	b.in(waiting)
	b.carried()
	b.due(3*time.Second + 609375*time.Microsecond)
}
