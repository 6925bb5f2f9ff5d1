package group

import (
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/hold"
	"github.com/holdfast-net/holdfast/vrrp"
)

// beside gives a set that waits beside a holdfast node of a lower priority, a
// moment before it would preempt it.
func beside(t *testing.T, groups ...Config) *bench {
	t.Helper()
	b := backup(t, groups...)
	for range 4 {
		b.kin(lower, 50)
		b.wait(900 * time.Millisecond)
	}
	b.kin(lower, 50)
	b.in(waiting)
	return b
}

// A holdfast node is asked for what it holds, and asked again: it is never
// preempted by force, however long it goes on.
func TestPlead_AsksAgainAndAgain(t *testing.T) {
	b := beside(t, web())
	b.wait(4 * time.Millisecond)
	for range 3 {
		b.wait(900*time.Millisecond, "web ipv4: ask the holder with 100")
		b.kin(lower, 50)
		b.wait(99 * time.Millisecond)
	}
	b.in(waiting)
	// It heard one of them, and leaves.
	b.feed(Next("b"))
	b.in(claiming)
}

// A holder that is asked and dies is missed as soon as if it had not been.
func TestPlead_NoticesADeath(t *testing.T) {
	b := beside(t, single())
	heard := b.now
	b.pass(heard.Add(3*time.Second + 609375*time.Microsecond - time.Nanosecond).Sub(b.now))
	b.in(waiting)
	b.wait(time.Nanosecond,
		"web ipv4: hold claiming 3s", "web ipv4: ask who else has it", "web ipv4: advert 100", "web ipv4: install")
	b.in(claiming)
}

// A node whose kind is not known is asked too, until it has advertised for so
// long that its messages would have come.
func TestPlead_ForcesAForeignNodeOnly(t *testing.T) {
	b := backup(t, single())
	b.now = b.now.Add(3600 * time.Millisecond)
	b.hear(lower, 50)
	b.wait(9*time.Millisecond, "web ipv4: ask the holder with 100")
	b.wait(50*time.Millisecond, "web ipv4: ask the holder with 100")
	b.wait(39 * time.Millisecond)
	b.hear(lower, 50) // for 99 ms: it may be one of ours yet
	b.wait(60*time.Millisecond,
		"web ipv4: ask the holder with 100", "web ipv4: ask the holder with 100")
	b.in(waiting)
	b.hear(lower, 50)
	b.wait(49*time.Millisecond, "web ipv4: install")
	b.in(claiming)
	b.carried()
	b.listened(
		"web ipv4: hold holding 3s", "web ipv4: advert 100",
		"web: backup -> active: preempted 192.0.2.9: its priority 50 is below 100", "web ipv4: announce")
	b.in(holding)
}

// It turns out to be a holdfast node in time.
func TestPlead_LearnsWhoItIs(t *testing.T) {
	b := backup(t, single())
	b.now = b.now.Add(3600 * time.Millisecond)
	b.hear(lower, 50)
	b.wait(9*time.Millisecond, "web ipv4: ask the holder with 100")
	b.kin(lower, 50)
	b.wait(49*time.Millisecond, "web ipv4: ask the holder with 100")
	for range 3 {
		b.wait(900 * time.Millisecond)
		b.kin(lower, 50)
		b.wait(100*time.Millisecond, "web ipv4: ask the holder with 100")
	}
	b.in(waiting)
}

// A holder hands over to who asks with a higher priority, and to nobody else.
func TestAsked(t *testing.T) {
	for _, prio := range []uint8{0, 1, 99, 100} {
		b := holder(t, single())
		b.do(Asked("b", prio))
		b.in(holding)
	}
	b := holder(t, single())
	b.do(Asked("b", 101),
		"web ipv4: hold serving 2.7s", "web ipv4: advert 0", "web ipv4: tell the next to take over b",
		"web: active -> backup: b has a higher priority and asked to take over")
	b.do(Asked("b", 101)) // a repetition, or another node: one is enough
	b.do(Asked("c", 254))
	b.kin(higher, 101,
		"web: notice HF2003: successor heard: 192.0.2.20 is active, 1ms after this node let go")
	b.in(leaving)

	for _, b := range situations(t) {
		if b.phase == holding {
			continue
		}
		b.do(Asked("b", 254))
	}
}

// Whoever asked and did not come is not waited for: the addresses stay.
func TestAsked_ByANodeThatDoesNotCome(t *testing.T) {
	b := holder(t, single())
	b.feed(Asked("b", 101))
	b.wait(time.Second+leaveSlack, "web ipv4: hold claiming 3s", "web ipv4: advert 100")
	b.listened(
		"web ipv4: hold holding 3s", "web ipv4: advert 100",
		"web: backup -> active: no node took over within 1.25s: still held here", "web ipv4: announce")
	b.in(holding)
}

// Another holdfast node that advertises may hold. A claim listens, and then
// waits until that one says that it yields.
func TestContender_BarsUntilItYields(t *testing.T) {
	b := claimer(t, web())
	b.reply(nil)
	b.kin(lower, 50, "web ipv4: advert 100")
	b.wait(time.Second, "web ipv4: advert 100")
	b.in(claiming)
	b.feed(Yielded(0, addr(vrrp.IPv4, lower)))
	b.wait(0)
	b.in(claiming) // it may hold the IPv6 address yet
	b.feed(Yielded(1, addr(vrrp.IPv6, lower)))
	b.wait(0,
		"web ipv4: hold holding 3s", "web ipv6: hold holding 3s", "web ipv4: advert 100", "web ipv6: advert 100",
		"web: backup -> active: no advert heard within 3.609375s", "web ipv4: announce", "web ipv6: announce")
	b.in(holding)
}

// Priority 0 says the same.
func TestContender_BarsUntilItLeaves(t *testing.T) {
	b := claimer(t, single())
	b.reply(nil)
	b.kin(lower, 50, "web ipv4: advert 100")
	b.wait(100 * time.Millisecond)
	b.kin(lower, 0, "web ipv4: advert 100")
	b.wait(0,
		"web ipv4: hold holding 3s", "web ipv4: advert 100", "web: backup -> active: no advert heard within 3.609375s",
		"web ipv4: announce")
	b.in(holding)
}

// A node that is silent holds no longer than its last advert allows.
func TestContender_BarsUntilItsHoldIsOver(t *testing.T) {
	b := claimer(t, single())
	b.reply(nil)
	b.kin(lower, 50, "web ipv4: advert 100")
	heard := b.now
	b.pass(hold.Patience(time.Second, 3) - time.Nanosecond)
	b.in(claiming)
	b.pass(time.Nanosecond)
	b.in(holding)
	if got, want := b.now.Sub(heard), hold.Patience(time.Second, 3); got != want {
		t.Errorf("opened after %s, want %s", got, want)
	}
}

// Each of several bars.
func TestContender_OneOfSeveral(t *testing.T) {
	b := claimer(t, single())
	b.reply(nil)
	b.kin(lower, 50, "web ipv4: advert 100")
	b.kin(lower-1, 40, "web ipv4: advert 100")
	b.wait(10 * time.Millisecond)
	b.yields(lower - 1)
	b.wait(10 * time.Millisecond)
	b.in(claiming)
	b.yields(lower)
	b.wait(0,
		"web ipv4: hold holding 3s", "web ipv4: advert 100", "web: backup -> active: no advert heard within 3.609375s",
		"web ipv4: announce")
	b.in(holding)
}

// So does one whose kind is not known yet; another vendor's does not, which
// lets go when it hears a better advert.
func TestContender_ForeignDoesNotBar(t *testing.T) {
	b := claimer(t, single())
	b.reply(nil)
	b.hear(lower, 50, "web ipv4: advert 100")
	b.wait(98 * time.Millisecond)
	b.hear(lower, 50, "web ipv4: advert 100")
	b.wait(900*time.Millisecond, "web ipv4: advert 100") // a tick: what comes now was sent after it
	b.in(claiming)
	b.hear(lower, 50, "web ipv4: advert 100")
	b.wait(0,
		"web ipv4: hold holding 3s", "web ipv4: advert 100", "web: backup -> active: no advert heard within 3.609375s",
		"web ipv4: announce")
	b.in(holding)
}

// A process that stood still hears at once what was sent in one moment long
// ago. That shows nothing about its sender.
func TestContender_IsNotForeignSinceThisNodeStoodStill(t *testing.T) {
	b := backup(t, single())
	b.pass(time.Second)
	b.hear(lower, 50)
	b.now = b.now.Add(5 * time.Second)
	b.hear(lower, 50)
	b.do(Tick(), "web ipv4: ask the holder with 100")
	b.in(waiting)
}

// One that speaks once and never again bars for the time of a hold.
func TestContender_OfUnknownKind(t *testing.T) {
	b := claimer(t, single())
	b.reply(nil)
	b.hear(lower, 50, "web ipv4: advert 100")
	b.pass(hold.Patience(time.Second, 3) - time.Nanosecond)
	b.in(claiming)
	b.pass(time.Nanosecond)
	b.in(holding)
}

// A claim that another one outbids yields, says so, and says so again to who
// goes on advertising, three times in all.
func TestOutbid_YieldsThreeTimes(t *testing.T) {
	b := claimer(t, single())
	b.reply(nil)
	b.kin(higher, 150,
		"web ipv4: hold closed", "web ipv4: remove", "web ipv4: say that it yields")
	b.in(waiting)
	for range 2 {
		b.pass(900 * time.Millisecond)
		b.kin(higher, 150, "web ipv4: say that it yields")
	}
	b.pass(900 * time.Millisecond)
	b.kin(higher, 150)
}

// A message of another family or of another vendor's node does not use them up.
func TestOutbid_ForeignNodesDoNotListen(t *testing.T) {
	b := claimer(t, single())
	b.reply(nil)
	b.hear(higher, 150,
		"web ipv4: hold closed", "web ipv4: remove", "web ipv4: say that it yields")
	b.hear(higher, 150)
	b.kin(higher, 150, "web ipv4: say that it yields")
	b.kin(higher, 150, "web ipv4: say that it yields")
	b.kin(higher, 150)
}

// Who claims again owes nothing any more.
func TestOutbid_ThenClaims(t *testing.T) {
	b := claimer(t, single())
	b.reply(nil)
	b.kin(higher, 150,
		"web ipv4: hold closed", "web ipv4: remove", "web ipv4: say that it yields")
	b.kin(higher, 0)
	b.pass(700 * time.Millisecond)
	b.reply(nil)
	b.pass(10 * time.Millisecond)
	b.in(holding)
	b.kin(lower, 50,
		"web ipv4: advert 100",
		"web: notice HF2017: 192.0.2.9 was active too, with priority 50: answered with an advert, addresses announced again",
		"web: conflict HF2030: 192.0.2.151 is used by the node 192.0.2.9, too: announced again, and watched")
}

// What forged senders can make a node remember is bounded, and bars for no
// longer than a hold.
func TestContender_IsBounded(t *testing.T) {
	b := claimer(t, single())
	b.reply(nil)
	for from := byte(0); from < 100; from++ {
		if from != self {
			b.feed(Received(0, b.packet(0, from, 10, nil)))
		}
	}
	if n := len(b.members[0].contenders); n != maxContenders {
		t.Errorf("%d are remembered", n)
	}
	b.pass(hold.Patience(time.Second, 3))
	b.in(holding)
}

// A forged advert with a bad checksum is no contender.
func TestContender_HasToBeValid(t *testing.T) {
	b := claimer(t, single())
	b.reply(nil)
	p := b.packet(0, lower, 50, nil)
	p.Payload[6] ^= 1
	b.feed(Received(0, p))
	b.listened(
		"web ipv4: hold holding 3s", "web ipv4: advert 100", "web: backup -> active: no advert heard within 3.609375s",
		"web ipv4: announce")
}

// A holder gives way to a holdfast node that goes on advertising against it,
// and so does not hear it. One that does so no more holds no more: whoever is
// alone keeps the addresses.
func TestUnheard_IsForgotten(t *testing.T) {
	b := holder(t, single())
	b.pass(3 * time.Second)
	begun := b.now
	b.kinAdverts(lower, 50)
	b.pass(time.Second)
	b.kinAdverts(lower, 50)
	b.in(holding) // its host may hear nothing at all
	b.feed(Reached(0, addr(vrrp.IPv4, lower)))
	b.in(holding) // and it may be somebody else, in its name
	for b.phase == holding && b.now.Before(begun.Add(secondSign+time.Second)) {
		b.pass(500 * time.Millisecond)
		b.kinAdverts(lower, 50)
		b.feed(Reached(0, addr(vrrp.IPv4, lower)))
	}
	b.in(leaving)
	b.pass(8 * time.Second)
	b.reply(nil)
	b.pass(8 * time.Second)
	b.in(holding)

	// Its host does not answer, or too late.
	b = holder(t, single())
	b.pass(3 * time.Second)
	asked := 0
	for range 20 {
		for _, a := range b.kinAdverts(lower, 50) {
			if a.Kind == ActionReach && a.Addr == addr(vrrp.IPv4, lower) {
				asked++
			}
		}
		b.pass(200 * time.Millisecond)
	}
	if asked == 0 {
		t.Error("its host was not asked")
	}
	b.pass(4 * time.Second)
	b.feed(Reached(0, addr(vrrp.IPv4, lower)))
	b.in(holding)

	// Twice, but not one soon after the other.
	b = holder(t, single())
	for range 3 {
		b.pass(4 * time.Second)
		b.kinAdverts(lower, 50)
		b.in(holding)
	}
}

// Whoever advertises in the name of a backup that is well has to keep that one
// from saying that it does not hold, which nobody can: the holder stays.
func TestUnheard_IsContradicted(t *testing.T) {
	b := holder(t, single())
	b.pass(3 * time.Second)
	for i := range 200 {
		b.kinAdverts(lower, 50)
		b.feed(Reached(0, addr(vrrp.IPv4, lower)))
		if i%10 == 9 {
			if !b.Doubts(0, addr(vrrp.IPv4, lower)) {
				t.Fatal("what it says of itself is not asked for")
			}
			b.feed(Rests(0, addr(vrrp.IPv4, lower)))
		}
		b.pass(150 * time.Millisecond)
		b.in(holding)
	}
}

// Where adverts are signed nobody else can have sent them.
func TestUnheard_Signed(t *testing.T) {
	for name, mode := range map[string]vrrp.HMACMode{"enforced": vrrp.Enforce, "on its way": vrrp.Permissive} {
		t.Run(name, func(t *testing.T) {
			b := holder(t, single())
			b.pass(3 * time.Second)
			b.kinAdverts(lower, 50)
			c := b.members[0].contender(addr(vrrp.IPv4, lower))
			if b.proven(0, c) {
				t.Error("one unsigned advert proves something")
			}
			cfg := single()
			cfg.Routers[0].HMAC = &vrrp.HMAC{Keys: map[uint8][]byte{1: make([]byte, 32)}, Active: 1, Mode: mode}
			signed := holder(t, cfg)
			if got := signed.proven(0, &contender{since: signed.now}); got != (mode == vrrp.Enforce) {
				t.Errorf("proven: %t", got)
			}
		})
	}
}
