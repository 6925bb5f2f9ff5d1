package group

import (
	"errors"
	"testing"
	"time"
)

// The kernel refuses: what was installed goes, the set says why, and tries
// again later and later.
func TestInstall_Refused(t *testing.T) {
	b := claimer(t, web())
	for i, pause := range []time.Duration{100, 200, 400, 800, 1600, 3200, 6400, 6400} {
		b.refused("web: address HF2001: cannot install addresses: device is busy")
		b.carried(
			"web ipv4: advert 0", "web ipv4: hold closed", "web ipv6: hold closed", "web ipv4: remove", "web ipv6: remove",
			"web: backup -> fault: the kernel refused the addresses: device is busy", "web ipv4: say that it yields",
			"web ipv6: say that it yields")
		b.carried()
		b.due(pause * time.Millisecond)
		b.wait(pause*time.Millisecond, "web: fault -> backup: started as backup: listening for an active node")
		b.wait(4*time.Second,
			"web ipv4: hold claiming 3s", "web ipv6: hold claiming 3s", "web ipv4: ask who else has it",
			"web ipv6: ask who else has it", "web ipv4: advert 100", "web ipv4: install", "web ipv6: install")
		if i == 2 && b.refusals != 3 {
			t.Fatalf("counted %d refusals", b.refusals)
		}
	}
	b.carried()
	b.listened(
		"web ipv4: hold holding 3s", "web ipv6: hold holding 3s", "web ipv4: advert 100", "web ipv6: advert 100",
		"web: backup -> active: no advert heard within 3.609375s", "web ipv4: announce", "web ipv6: announce")
	if b.refusals != 0 {
		t.Errorf("%d refusals are remembered after a success", b.refusals)
	}
}

// Somebody deletes an address: it is put back at once and announced again.
func TestLost_IsPutBack(t *testing.T) {
	b := holder(t, web())
	b.do(Lost(1, "fe80::97"),
		"web: address HF2002: fe80::97 was removed by someone else: put back and announced again",
		"web ipv6: install", "web ipv4: announce", "web ipv6: announce")
	b.carried()
	b.wait(10*time.Millisecond,
		"web ipv4: advert 100", "web ipv6: advert 100", "web ipv4: ask who else has it",
		"web ipv6: ask who else has it", "web ipv4: announce", "web ipv6: announce")
	b.in(holding)
}

// Somebody deletes one after another: each is put back, and the announcements
// do not become a storm.
func TestLost_AgainAndAgain(t *testing.T) {
	b := holder(t, single())
	announced := 0
	for range 50 {
		for _, a := range append(b.feed(Lost(0, "192.0.2.151")), b.pass(time.Millisecond)...) {
			if a.Kind == ActionAnnounce {
				announced++
			}
		}
	}
	if len(b.orders) != 50 || announced > 4 {
		t.Errorf("%d orders, %d announcements", len(b.orders), announced)
	}
}

// The kernel does not take it back: another node has to hold it.
func TestLost_CannotBePutBack(t *testing.T) {
	b := holder(t, single())
	b.feed(Lost(0, "192.0.2.151"))
	b.refused(
		"web: address HF2001: cannot install addresses: device is busy", "web ipv4: hold serving 2.7s",
		"web ipv4: advert 0", "web ipv4: tell the next to take over",
		"web: active -> backup: the kernel refused the addresses: device is busy")
	b.carried()
}

// A set that leaves still serves what arrives, and so needs its addresses; one
// that is gone from a set that has left is no loss.
func TestLost_WhileLeaving(t *testing.T) {
	b := holder(t, single())
	b.feed(Handover("b"))
	b.do(Lost(0, "192.0.2.151"),
		"web: address HF2002: 192.0.2.151 was removed by someone else: put back", "web ipv4: install")
	b.reply(nil)
	b.hear(lower, 50,
		"result true: 192.0.2.9 is active, 1ms after this node let go",
		"web: notice HF2003: successor heard: 192.0.2.9 is active, 1ms after this node let go")
	b.pass(leaveGrace)
	b.in(waiting)
	b.do(Lost(0, "192.0.2.151"))
}

// What will not come off is tried again, a little later each time, for as long
// as the set is there.
func TestRemove_Refused(t *testing.T) {
	b := claimer(t, single())
	b.reply(nil)
	b.feed(LinkDown(0, "no carrier"))
	for _, pause := range []time.Duration{100, 200, 400, 800, 1600, 1600} {
		b.refused("web: address HF2001: cannot remove addresses: device is busy")
		b.wait(pause*time.Millisecond - time.Nanosecond)
		b.wait(time.Nanosecond, "web ipv4: remove")
	}
	b.carried()
	b.wait(time.Minute)
}

// A stop waits for that, but not for ever.
func TestRemove_RefusedWhileStopping(t *testing.T) {
	b := holder(t, single())
	b.feed(Stop("told to stop"))
	b.reply(nil)
	b.wait(time.Second+leaveSlack,
		"web ipv4: hold closed", "web ipv4: remove", "web: backup -> init: told to stop")
	for range stopAttempts - 1 {
		b.refused("web: address HF2001: cannot remove addresses: device is busy")
		b.wait(2*time.Second, "web ipv4: remove")
	}
	b.refused("web: address HF2001: cannot remove addresses: device is busy", "stopped")
}

// Orders overtake each other: only the last answer counts.
func TestDone_OfAnOlderOrder(t *testing.T) {
	b := claimer(t, single())
	b.hear(higher, 150,
		"web ipv4: hold closed", "web ipv4: remove", "web ipv4: say that it yields")
	b.feed(Take("c")) // install again; two orders are open before it
	b.do(Done(0, Install, errors.New("interrupted")))
	b.in(claiming)
	b.do(Done(0, Remove, nil))
	b.in(claiming)
	b.do(Done(0, Install, nil), "web ipv4: hold claiming 3s", "web ipv4: advert 100")
	b.do(Done(0, Install, errors.New("nobody asked")))
	b.in(claiming)
}
