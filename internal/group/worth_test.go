package group

import (
	"net/netip"
	"testing"
	"time"
)

// A set that does not take part waits until every check has a result; one
// that does goes on.
func TestAwaited(t *testing.T) {
	b := place(t, single(uses(Use{"service", 0}, Use{"disk", 40})))
	for i := range b.members {
		b.feed(LinkUp(i, netip.Addr{}))
	}
	b.do(Awaited("service"))
	b.do(Awaited("disk"))
	b.do(Start())
	if why := b.View().Reason; why != "waiting for the first result of check service" {
		t.Errorf("the reason is %q", why)
	}
	b.do(Passed("service"))
	if v := b.View(); v.State != Init || !v.Awaited["disk"] || v.Awaited["service"] {
		t.Errorf("state %s, awaited %v", v.State, v.Awaited)
	}
	b.do(Passed("disk"), "web: init -> backup: started as backup: listening for an active node")
	b.do(Awaited("service"))
	b.do(Awaited("disk"))
}

// A set in fault does not rise because a check begins anew.
func TestAwaited_IsNoPass(t *testing.T) {
	b := holder(t, single(uses(Use{"service", 0})))
	b.feed(Failed("service", "refused"))
	b.reply(nil)
	b.wait(time.Second+leaveSlack,
		"web ipv4: hold closed", "web ipv4: remove", "web: backup -> fault: check service failed: refused")
	b.carried()
	b.do(Awaited("service"))
	b.wait(time.Minute)
	b.do(Passed("service"), "web: fault -> backup: started as backup: listening for an active node")
}

// What a check is worth counts while it passes, and where it is used by
// weight.
func TestWorth(t *testing.T) {
	b := holder(t, single(uses(Use{"load", 40}, Use{"veto", 0})))
	b.do(Passed("load").Being(Worth{Points: 20}), "web ipv4: advert 120")
	b.do(Passed("load").Being(Worth{Points: -253}), "web ipv4: advert 1")
	b.do(Passed("load").Being(Worth{Short: 25}), "web ipv4: advert 90")
	b.do(Passed("load").Being(Worth{Short: -156}), "web ipv4: advert 162")
	b.do(Failed("load", "refused"), "web ipv4: advert 60")
	b.do(Passed("load"), "web ipv4: advert 100")
	b.do(Passed("veto").Being(Worth{Points: 50}))
}
