package group

import (
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/vrrp"
)

// The whole of a handover: silence, priority 0, serving until the successor
// was heard and for a grace beyond, and only then are the addresses off.
func TestHandover_LeavesInOrder(t *testing.T) {
	b := holder(t, web())
	b.do(Handover("b"),
		"web ipv4: hold serving 2.7s", "web ipv6: hold serving 2.7s", "web ipv4: advert 0", "web ipv6: advert 0",
		`web ipv4: tell "b" to take over`, `web ipv6: tell "b" to take over`,
		"web: active -> backup: handover by an operator to b")
	b.now = b.now.Add(30 * time.Millisecond) // nothing is said before the kernel is silent
	b.carried()
	b.hearOn(0, lower, 50) // one family is not the successor yet
	b.hearOn(1, lower, 50,
		"result true: 192.0.2.9 is active, 32ms after this node let go",
		"web: notice HF2003: successor heard: 192.0.2.9 is active, 32ms after this node let go")
	b.wait(leaveGrace - time.Nanosecond)
	b.wait(time.Nanosecond,
		"web ipv4: hold closed", "web ipv6: hold closed", "web ipv4: remove", "web ipv6: remove")
	b.carried()
	b.in(waiting)
}

// The chosen successor may have a lower priority. It is not preempted for as
// long as it is there, and is when it is gone.
func TestHandover_DoesNotPreemptTheSuccessor(t *testing.T) {
	gone := func(b *bench) *bench {
		b.feed(Handover("b"))
		b.reply(nil)
		b.adverts(lower, 50)
		b.hear(lower, 50, "result true: 192.0.2.9 is active, 1ms after this node let go",
			"web: notice HF2003: successor heard: 192.0.2.9 is active, 1ms after this node let go")
		for range 10 {
			b.pass(time.Second)
			b.reply(nil)
			b.hear(lower, 50)
		}
		b.in(waiting)
		if !b.View().Suspended {
			t.Error("the view does not say that preemption is off")
		}
		return b
	}
	t.Run("it fails", func(t *testing.T) {
		b := gone(holder(t, single()))
		b.wait(4*time.Second,
			"web ipv4: hold claiming 3s", "web ipv4: ask who else has it", "web ipv4: advert 100", "web ipv4: install")
		b.carried()
		b.listened(
			"web ipv4: hold holding 3s", "web ipv4: advert 100", "web: backup -> active: no advert heard within 3.609375s",
			"web ipv4: announce")
		if b.View().Suspended {
			t.Error("preemption is still off")
		}
	})
	t.Run("another node takes its place", func(t *testing.T) {
		b := gone(holder(t, single()))
		for range 6 {
			b.hear(lower-1, 40)
			b.pass(900 * time.Millisecond)
		}
		b.in(claiming)
		b.carried()
		b.listened(
			"web ipv4: hold holding 3s", "web ipv4: advert 100",
			"web: backup -> active: preempted 192.0.2.8: its priority 40 is below 100", "web ipv4: announce")
	})
	t.Run("an owner", func(t *testing.T) {
		// It would preempt whatever the mode (RFC 9568 §6.1).
		b := gone(holder(t, single(priority(vrrp.OwnerPriority))))
		if p := b.Router(0).Priority(); p != vrrp.OwnerPriority-1 {
			t.Errorf("priority is %d", p)
		}
	})
}

// Nobody takes over: the node takes its addresses back, and says why.
func TestHandover_IsCalledOffWhenNobodyComes(t *testing.T) {
	for _, ev := range []Event{Handover(""), Handover("b"), MaintenanceOn()} {
		b := holder(t, single())
		b.feed(ev)
		b.reply(nil)
		b.in(leaving)
		b.wait(time.Second + leaveSlack - time.Nanosecond)
		b.wait(time.Nanosecond, "web ipv4: hold claiming 3s", "web ipv4: advert 100")
		b.carried()
		b.listened(
			"result false: no node took over within 1.25s: still held here", "web ipv4: hold holding 3s",
			"web ipv4: advert 100", "web: backup -> active: no node took over within 1.25s: still held here",
			"web ipv4: announce")
		if b.View().Maintenance {
			t.Error("a node that holds is not in maintenance")
		}
		b.wait(10*time.Millisecond, "web ipv4: announce")
	}
}

// The successor comes when the addresses were being taken back.
func TestHandover_SuccessorComesLate(t *testing.T) {
	b := holder(t, single())
	b.feed(Handover("b"))
	b.reply(nil)
	b.wait(time.Second+leaveSlack, "web ipv4: hold claiming 3s", "web ipv4: advert 100")
	b.hear(higher, 150,
		"result true: 192.0.2.20 is active, 1.251s after this node let go",
		"web: notice HF2003: successor heard: 192.0.2.20 is active, 1.251s after this node let go",
		"web ipv4: hold closed", "web ipv4: remove")
	b.carried()
	b.in(waiting)
}

// A successor heard for a part of the addresses gets time for the rest; then
// the stronger one has all.
func TestHandover_SuccessorTakesAPart(t *testing.T) {
	partly := func(from byte, prio uint8) *bench {
		b := holder(t, web())
		b.feed(Handover("b"))
		b.reply(nil)
		for range 3 {
			b.pass(time.Second)
			b.feed(Received(0, b.packet(0, from, prio, nil)))
			b.in(leaving)
		}
		return b
	}
	b := partly(lower, 50)
	b.compare("another 300ms", b.pass(300*time.Millisecond), []string{
		"web ipv4: hold claiming 3s", "web ipv6: hold claiming 3s", "web ipv4: advert 100",
		"result false: no node took over within 3.25s: still held here", "web ipv4: hold holding 3s",
		"web ipv6: hold holding 3s", "web ipv4: advert 100", "web ipv6: advert 100",
		"web: backup -> active: no node took over within 3.25s: still held here", "web ipv4: announce",
		"web ipv6: announce", "web ipv4: announce", "web ipv6: announce", "web ipv4: announce", "web ipv6: announce",
	})
	b.in(holding)
	b = partly(lower, 150)
	b.pass(300 * time.Millisecond)
	b.in(waiting)
	b.compare("carried", b.reply(nil), nil)
}

// Only a holder can hand over, every command is answered, and in order.
func TestCommands_AreAnsweredInOrder(t *testing.T) {
	b := holder(t, single())
	b.do(Handover("b"),
		"web ipv4: hold serving 2.7s", "web ipv4: advert 0", `web ipv4: tell "b" to take over`,
		"web: active -> backup: handover by an operator to b")
	b.do(Handover("c"))
	b.do(MaintenanceOn())
	b.do(MaintenanceOff())
	b.reply(nil)
	b.hear(higher, 150,
		"result true: 192.0.2.20 is active, 1ms after this node let go",
		"result false: this node is leaving already",
		"result true: 192.0.2.20 is active, 1ms after this node let go",
		"result true: this node leaves and then stands by as backup",
		"web: notice HF2003: successor heard: 192.0.2.20 is active, 1ms after this node let go")
	b.do(Handover(""), "result false: this node is backup: only the holder can hand over")
}

// Maintenance on the holder is a handover to the best; afterwards the node
// takes no part until it is switched off.
func TestMaintenance(t *testing.T) {
	b := holder(t, single())
	b.do(MaintenanceOn(),
		"web ipv4: hold serving 2.7s", "web ipv4: advert 0", "web ipv4: tell the next to take over",
		"web: active -> backup: maintenance by an operator")
	b.carried()
	b.hear(lower, 50,
		"result true: 192.0.2.9 is active, 1ms after this node let go",
		"web: notice HF2003: successor heard: 192.0.2.9 is active, 1ms after this node let go")
	b.wait(leaveGrace,
		"web ipv4: hold closed", "web ipv4: remove", "web: backup -> init: maintenance by an operator")
	b.carried()
	b.wait(time.Minute)
	b.do(Take("b"))
	b.in(resting)
	b.do(MaintenanceOff(), "result true: nothing was held here", "web: init -> backup: started as backup: listening for an active node")
	b.wait(4*time.Second,
		"web ipv4: hold claiming 3s", "web ipv4: ask who else has it", "web ipv4: advert 100", "web ipv4: install")
}

// Forced, the addresses go even where nobody takes them.
func TestMaintenance_Forced(t *testing.T) {
	b := holder(t, single())
	b.feed(MaintenanceForced())
	b.reply(nil)
	b.wait(time.Second+leaveSlack,
		"web ipv4: hold closed", "web ipv4: remove",
		"result true: nobody took over: the addresses are held by no node",
		"web: backup -> init: maintenance by an operator")
	b.carried()
}

// A clean stop loses nothing, and ends when the kernel has let go.
func TestStop(t *testing.T) {
	b := holder(t, web())
	b.do(Stop("the daemon was told to stop"),
		"web ipv4: hold serving 2.7s", "web ipv6: hold serving 2.7s", "web ipv4: advert 0", "web ipv6: advert 0",
		"web ipv4: tell the next to take over", "web ipv6: tell the next to take over",
		"web: active -> backup: the daemon was told to stop")
	b.carried()
	b.hear(higher, 50, "web: notice HF2003: successor heard: 192.0.2.20 is active, 1ms after this node let go")
	b.wait(leaveGrace,
		"web ipv4: hold closed", "web ipv6: hold closed", "web ipv4: remove", "web ipv6: remove",
		"web: backup -> init: the daemon was told to stop")
	b.carried("stopped")
	b.do(Start())
	b.do(Tick())
}

// A stop takes no longer than any backup may take.
func TestStop_DoesNotWaitForEver(t *testing.T) {
	b := holder(t, single())
	b.feed(Stop("told to stop"))
	b.reply(nil)
	b.wait(time.Second+leaveSlack,
		"web ipv4: hold closed", "web ipv4: remove", "web: backup -> init: told to stop")
	b.carried("stopped")
}

// What waits for an answer is answered before the end.
func TestStop_AnswersTheOperator(t *testing.T) {
	b := holder(t, single())
	b.feed(Handover("b"))
	b.feed(Stop("told to stop"))
	b.reply(nil)
	b.wait(time.Second+leaveSlack,
		"web ipv4: hold closed", "web ipv4: remove",
		"result false: no node took over, and this node could not stay: told to stop",
		"web: backup -> init: told to stop")
	b.carried("stopped")
	b.do(MaintenanceOff(), "result true: nothing was held here")
}

// Version 2 counts in seconds (RFC 3768 §6.1): the patience is a second even
// where the Skew_Time is less.
func TestLeave_WaitsForVersion2(t *testing.T) {
	b := holder(t, single(routers(func(c *vrrp.Config) { c.Version, c.Interval = 2, 3*time.Second })))
	b.feed(Stop("told to stop"))
	b.reply(nil)
	b.wait(3*time.Second + leaveSlack - time.Nanosecond)
	b.in(leaving)
}

// The other side of a handover: the named node claims at once, though the
// holder's adverts say that it has no cause.
func TestTake_ClaimsAtOnce(t *testing.T) {
	b := backup(t, web())
	b.pass(3100 * time.Millisecond) // it has heard everybody by now
	b.hear(higher, 150)
	b.do(Take("c"), "web ipv4: install", "web ipv6: install")
	b.hear(higher, 0) // a while after the message
	b.carried(
		"web ipv4: hold claiming 3s", "web ipv6: hold claiming 3s", "web ipv4: advert 100")
	b.listened(
		"web ipv4: hold holding 3s", "web ipv6: hold holding 3s", "web ipv4: advert 100", "web ipv6: advert 100",
		"web: backup -> active: handover from c", "web ipv4: announce", "web ipv6: announce")
}

// A node that has just left, and still serves the last packets, can be called
// back.
func TestTake_CallsTheLeaverBack(t *testing.T) {
	b := holder(t, single())
	b.feed(Handover("b"))
	b.reply(nil)
	b.do(Take("b")) // of nobody who holds
	b.adverts(lower, 50)
	b.hear(lower, 50, "result true: 192.0.2.9 is active, 1ms after this node let go",
		"web: notice HF2003: successor heard: 192.0.2.9 is active, 1ms after this node let go")
	b.do(Take("b"), "web ipv4: hold claiming 3s", "web ipv4: advert 100")
	b.hear(lower, 0, "web ipv4: advert 100")
	b.carried()
	b.listened(
		"web ipv4: hold holding 3s", "web ipv4: advert 100", "web: backup -> active: handover from b",
		"web ipv4: announce")
}

// One that was called back, and whose claim came to nothing, is a backup like
// any other: it preempts whom it would have preempted before.
func TestTake_CalledBackInVain(t *testing.T) {
	b := holder(t, single())
	b.feed(Asked("b", 200))
	b.reply(nil)
	b.adverts(higher, 200)
	b.hear(higher, 200, "web: notice HF2003: successor heard: 192.0.2.20 is active, 1ms after this node let go")
	b.feed(Take("b"))
	b.reply(nil)
	b.feed(Lapsed(0, time.Millisecond))
	b.in(waiting)
	for range 4 {
		b.kinAdverts(lower, 50)
		b.pass(900 * time.Millisecond)
	}
	b.kinAdverts(lower, 50)
	b.wait(900*time.Millisecond, "web ipv4: ask the holder with 100")
}

// To end a leave may bring the routers' time forward, to before now: an owner
// has its priority again and waits shorter. They are woken in the same tick.
func TestLeave_LeavesNothingDue(t *testing.T) {
	b := holder(t, single(priority(vrrp.OwnerPriority), routers(func(c *vrrp.Config) { c.Interval = 60 * time.Millisecond })))
	b.feed(MaintenanceOn())
	b.reply(nil)
	b.now = b.now.Add(time.Millisecond)
	b.adverts(lower, 50)
	b.feed(MaintenanceOff())
	over := b.now.Add(leaveGrace)
	b.now = over.Add(-180300 * time.Microsecond) // below 3 intervals + 2/256, above 3 + 1/256
	b.adverts(lower, 50)
	b.now = over
	b.feed(Tick())
	b.in(claiming) // the successor is silent for as long as that
	if d := b.Deadline(); !d.After(b.now) {
		t.Errorf("the deadline is %s in the past", b.now.Sub(d))
	}
}

// A named node that is not fit does not claim.
func TestTake_NeedsAFitNode(t *testing.T) {
	b := backup(t, single(uses(Use{"service", 0})))
	b.feed(Failed("service", "refused"))
	b.do(Take("c"))
	b.do(Passed("service"), "web: fault -> backup: started as backup: listening for an active node")
	b.in(waiting)
}

// All others let the named one be, whatever its priority, but only for as long
// as it may take.
func TestSuspend_HoldsTheOthersBack(t *testing.T) {
	t.Run("it comes", func(t *testing.T) {
		b := backup(t, single())
		b.hear(higher, 150)
		b.do(Suspend("b"))
		b.hear(higher, 0)
		b.hear(lower, 10)
		for range 10 {
			b.wait(time.Second)
			b.hear(lower, 10)
		}
		b.in(waiting)
	})
	t.Run("it does not come", func(t *testing.T) {
		b := backup(t, single())
		b.hear(higher, 150)
		b.do(Suspend("b"))
		b.hear(higher, 0)
		b.wait(time.Second + 2*leaveSlack - 2*time.Millisecond) // the skew time is over long before
		b.in(waiting)
		b.wait(time.Millisecond, "web ipv4: install")
	})
	t.Run("the leaving one stays", func(t *testing.T) {
		b := backup(t, single())
		b.hear(lower, 50)
		b.do(Suspend("b"))
		b.hear(lower, 0)
		b.pass(time.Second)
		b.hear(lower, 50)
		if b.View().Suspended {
			t.Error("preemption is still off")
		}
	})
}
