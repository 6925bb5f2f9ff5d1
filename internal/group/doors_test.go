package group

import (
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/hold"
	"github.com/holdfast-net/holdfast/vrrp"
)

// A handover takes: the named node listens like any other before it opens.
func TestOpen_ListensAfterAHandover(t *testing.T) {
	b := backup(t, single())
	b.pass(3100 * time.Millisecond) // it has heard everybody by now
	b.kin(higher, 150)
	b.do(Take("c"), "web ipv4: install")
	b.yields(higher) // the message names this node and yields
	b.carried("web ipv4: hold claiming 3s", "web ipv4: advert 100")
	spoke := b.now
	b.listened(
		"web ipv4: hold holding 3s", "web ipv4: advert 100", "web: backup -> active: handover from c",
		"web ipv4: announce")
	if got, want := b.now.Sub(spoke), hold.Listen(time.Second); got != want {
		t.Errorf("it listened for %s, want %s", got, want)
	}
}

// What was heard before its first advert counts as well: the message that
// names this node came, the one by which the other yields got lost.
func TestOpen_WaitsForTheOneThatLeaves(t *testing.T) {
	b := backup(t, single())
	b.pass(3100 * time.Millisecond) // it has heard everybody by now
	b.kin(higher, 150)
	b.do(Take("c"), "web ipv4: install")
	b.carried("web ipv4: hold claiming 3s", "web ipv4: advert 100")
	b.wait(time.Second, "web ipv4: advert 100")
	b.in(claiming)
	b.kin(higher, 0, "web ipv4: advert 100")
	b.wait(0,
		"web ipv4: hold holding 3s", "web ipv4: advert 100", "web: backup -> active: handover from c",
		"web ipv4: announce")
}

// A node that has just started may have missed a holder that stands still now.
// The priority 0 of another one makes it claim, and not open: it may have been
// sent long after it was decided.
func TestOpen_OfANodeThatHasHeardNobody(t *testing.T) {
	b := backup(t, single())
	begun := b.now
	b.kin(higher, 0)
	b.pass(700 * time.Millisecond)
	b.reply(nil)
	b.pass(time.Second)
	b.in(claiming)
	b.pass(begun.Add(hold.Patience(time.Second, 3) - time.Nanosecond).Sub(b.now))
	b.in(claiming)
	b.pass(hold.Listen(time.Second) + time.Nanosecond)
	b.in(holding)

	// Nor does it help that it was heard to hold before.
	b = backup(t, single())
	begun = b.now
	b.kin(higher, 150)
	b.kin(higher, 0)
	b.pass(700 * time.Millisecond)
	b.reply(nil)
	b.pass(begun.Add(hold.Patience(time.Second, 3) - time.Nanosecond).Sub(b.now))
	b.in(claiming)
	b.pass(hold.Listen(time.Second) + time.Nanosecond)
	b.in(holding)
}

// Only a tick opens: before one, all has been heard that had arrived by then.
func TestOpen_OnATickOnly(t *testing.T) {
	b := claimer(t, single())
	b.reply(nil)
	b.now = b.now.Add(time.Second)
	b.do(Passed("service"))
	b.do(LinkUp(0, addr(vrrp.IPv4, self)))
	b.in(claiming)
	b.now = b.now.Add(-time.Millisecond)
	b.kin(higher, 150,
		"web ipv4: hold closed", "web ipv4: remove", "web ipv4: say that it yields")
	b.do(Tick())
	b.in(waiting)
}

// Nothing opens before the advert is on the wire, however long that takes.
func TestOpen_WaitsForTheWire(t *testing.T) {
	b := backup(t, single())
	b.now = b.Deadline()
	out := b.Step(b.now, Tick(), nil)
	b.compare("the claim", out, []string{
		"web ipv4: hold claiming 3s", "web ipv4: ask who else has it", "web ipv4: advert 100", "web ipv4: install",
	})
	b.collect(out)
	for _, o := range b.orders {
		b.Step(b.now, Done(o.Router, o.Op, nil), nil)
	}
	b.orders = nil
	b.now = b.now.Add(500 * time.Millisecond)
	b.compare("a tick", b.Step(b.now, Tick(), nil), nil)
	if d := b.Deadline(); d.Sub(b.now) != 500*time.Millisecond {
		t.Errorf("the deadline is in %s, want that of the next advert", d.Sub(b.now))
	}
	b.Step(b.now, Spoke(), nil)
	b.listened(
		"web ipv4: hold holding 3s", "web ipv4: advert 100", "web: backup -> active: no advert heard within 3.609375s",
		"web ipv4: announce")
	b.in(holding)
}

// Addresses come back in the same way to a node whose handover nobody took.
func TestOpen_ListensWhenItResumes(t *testing.T) {
	b := holder(t, single())
	b.feed(Handover("b"))
	b.wait(time.Second+leaveSlack, "web ipv4: hold claiming 3s", "web ipv4: advert 100")
	b.wait(hold.Listen(time.Second) - time.Nanosecond)
	b.in(claiming)
	b.wait(time.Nanosecond,
		"result false: no node took over within 1.25s: still held here", "web ipv4: hold holding 3s",
		"web ipv4: advert 100", "web: backup -> active: no node took over within 1.25s: still held here",
		"web ipv4: announce")
}

// Where the groups of a set have different intervals, the leading router
// speaks for all: what others concede to it is what all may rely on.
func TestClaim_OfDifferentIntervals(t *testing.T) {
	fast := dns(routers(func(c *vrrp.Config) { c.Interval = 100 * time.Millisecond }))
	b := backup(t, web(), fast)
	b.wait(b.Deadline().Sub(b.now)) // dns is first, and waits for web
	b.wait(4*time.Second,
		"web ipv4: hold claiming 3s", "web ipv6: hold claiming 3s", "dns ipv4: hold claiming 3s",
		"web ipv4: ask who else has it", "web ipv6: ask who else has it", "dns ipv4: ask who else has it",
		"web ipv4: advert 100", "web ipv4: install", "web ipv6: install", "dns ipv4: install")
	b.carried()
	b.listened(
		"web ipv4: hold holding 3s", "web ipv6: hold holding 3s", "dns ipv4: hold holding 300ms",
		"web ipv4: advert 100", "web ipv6: advert 100", "dns ipv4: advert 100",
		"web: backup -> active: no advert heard within 3.609375s",
		"dns: backup -> active: no advert heard within 3.609375s", "web ipv4: announce", "web ipv6: announce",
		"dns ipv4: announce")
}

// A hold that ended by itself: nothing is sent that a backup would act upon,
// and above all no priority 0.
func TestLapse_OfAHolder(t *testing.T) {
	b := holder(t, web())
	b.do(Lapsed(1, 20*time.Millisecond),
		"web ipv4: hold closed", "web ipv6: hold closed", "web ipv4: remove", "web ipv6: remove",
		"web: notice HF2022: this node was late: its hold had ended 20ms before it could be renewed",
		"web: active -> backup: this node was late: its hold had ended 20ms before it could be renewed",
		"web ipv4: say that it yields", "web ipv6: say that it yields")
	b.in(waiting)
	b.do(Lapsed(0, 20*time.Millisecond))
	b.carried()
	b.kin(lower, 50, "web ipv4: say that it yields", "web ipv6: say that it yields")
	b.kin(lower, 50, "web ipv4: say that it yields", "web ipv6: say that it yields")
	b.kin(lower, 50)
	b.due(3*time.Second + 609375*time.Microsecond - 3*time.Millisecond)
}

// A claim that was late is given up in the same way.
func TestLapse_OfAClaim(t *testing.T) {
	b := claimer(t, web())
	b.do(Lapsed(0, 20*time.Millisecond),
		"web ipv4: hold closed", "web ipv6: hold closed", "web ipv4: remove", "web ipv6: remove",
		"web ipv4: say that it yields", "web ipv6: say that it yields")
	b.in(waiting)
	b.due(3*time.Second + 609375*time.Microsecond)
	if got, want := b.View().Reason, "the claim was given up: it came 20ms too late"; got != want {
		t.Errorf("the reason is %q, want %q", got, want)
	}
}

// Operators get their answers all the same.
func TestLapse_AnswersTheOperator(t *testing.T) {
	b := holder(t, single())
	b.feed(Handover("b"))
	b.feed(MaintenanceOn())
	b.pass(time.Second + leaveSlack) // nobody came
	b.in(claiming)
	b.do(Lapsed(0, time.Second),
		"result false: no node took over, and this node could not stay: the claim was given up: it came 1s too late",
		"result true: nobody took over: the addresses are held by no node", "web ipv4: hold closed",
		"web ipv4: remove", "web ipv4: say that it yields", "web: backup -> init: maintenance by an operator")
	b.wait(0)
	b.in(resting)
}

// Nothing lapses that is closed, or only serves.
func TestLapse_OfNothing(t *testing.T) {
	for _, b := range situations(t) {
		if b.phase == claiming || b.phase == holding || b.phase == demoting {
			continue
		}
		before := b.phase
		b.do(Lapsed(0, time.Second))
		if b.phase != before {
			t.Errorf("%s became %s", before, b.phase)
		}
	}
}

// A router that may have missed who is active listens anew; a holder, whose
// hold tells by itself whether it was late, goes on.
func TestDeaf(t *testing.T) {
	b := backup(t, web())
	b.pass(3 * time.Second)
	b.do(Deaf(0))
	b.wait(3500 * time.Millisecond)
	b.in(waiting)

	b = claimer(t, web())
	b.do(Deaf(1),
		"web ipv4: hold closed", "web ipv6: hold closed", "web ipv4: remove", "web ipv6: remove",
		"web ipv4: say that it yields", "web ipv6: say that it yields")
	b.in(waiting)
	b.due(3*time.Second + 609375*time.Microsecond)

	b = backup(t, single())
	b.feed(Take("b"))
	b.do(Deaf(0), "web ipv4: remove")
	b.in(waiting)

	b = holder(t, web())
	b.do(Deaf(0))
	b.in(holding)
}

// On the last link nothing can be said or served any more.
func TestDrop_ClosesAtOnce(t *testing.T) {
	b := holder(t, single())
	b.do(LinkDown(0, "no carrier"),
		"web ipv4: hold closed", "web ipv4: advert 0", "web ipv4: remove", "web: active -> fault: no carrier")
	b.in(unfit)
}
