package group

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/vrrp"
)

// A veto takes the holder out in order: what still arrives is served.
func TestVeto_LeavesInOrder(t *testing.T) {
	b := holder(t, web(uses(Use{"service", 0})), dns())
	b.do(Failed("service", "refused"),
		"web ipv4: hold serving 2.7s", "web ipv6: hold serving 2.7s", "dns ipv4: hold serving 2.7s",
		"web ipv4: advert 0", "web ipv6: advert 0", "dns ipv4: advert 0", "web ipv4: tell the next to take over",
		"web ipv6: tell the next to take over", "dns ipv4: tell the next to take over",
		"web: active -> backup: check service failed: refused", "dns: active -> backup: check service failed: refused")
	b.carried()
	b.hear(lower, 50, "web: notice HF2003: successor heard: 192.0.2.9 is active, 1ms after this node let go")
	b.wait(leaveGrace,
		"web ipv4: hold closed", "web ipv6: hold closed", "dns ipv4: hold closed", "web ipv4: remove",
		"web ipv6: remove", "dns ipv4: remove", "web: backup -> fault: check service failed: refused",
		"dns: backup -> fault: check service failed: refused")
	b.carried()
	b.hear(lower, 0)
	b.wait(time.Minute)
	b.do(Passed("service"),
		"web: fault -> backup: started as backup: listening for an active node",
		"dns: fault -> backup: started as backup: listening for an active node")
}

// A node that is not fit does not hold, though nobody else does.
func TestVeto_LeavesTheAddressesToNobody(t *testing.T) {
	b := holder(t, single(uses(Use{"service", 0})))
	b.feed(Failed("service", "refused"))
	b.reply(nil)
	b.wait(time.Second+leaveSlack,
		"web ipv4: hold closed", "web ipv4: remove", "web: backup -> fault: check service failed: refused")
}

// The check passes again before anybody took over: the node stays.
func TestVeto_IsOverInTime(t *testing.T) {
	b := holder(t, single(uses(Use{"service", 0})))
	b.feed(Failed("service", "refused"))
	b.reply(nil)
	b.do(Passed("service"))
	b.wait(time.Second+leaveSlack, "web ipv4: hold claiming 3s", "web ipv4: advert 100")
	b.carried()
	b.listened(
		"web ipv4: hold holding 3s", "web ipv4: advert 100",
		"web: backup -> active: no node took over within 1.25s: still held here", "web ipv4: announce")
}

// A weight changes the priority of every router of the set, and the adverts
// say so at once.
func TestWeight_LowersThePriority(t *testing.T) {
	b := holder(t, web(uses(Use{"disk", 30})), dns(uses(Use{"disk", 5}, Use{"cpu", 20})))
	b.do(Failed("disk", "full"), "web ipv4: advert 65", "web ipv6: advert 65", "dns ipv4: advert 65")
	b.do(Failed("cpu", "hot"), "web ipv4: advert 45", "web ipv6: advert 45", "dns ipv4: advert 45")
	b.do(Failed("cpu", "hotter"))
	b.do(Passed("disk"), "web ipv4: advert 80", "web ipv6: advert 80", "dns ipv4: advert 80")
	b.do(Passed("cpu"), "web ipv4: advert 100", "web ipv6: advert 100", "dns ipv4: advert 100")
}

func TestEffectivePriority(t *testing.T) {
	cases := []struct {
		base uint8
		down int
		want uint8
	}{
		{100, 0, 100},
		{100, 40, 60},
		{100, 99, 1},
		{100, 100, 1},
		{100, 5000, 1},
		{200, -100, 254}, // a negative weight cannot make an owner
		{254, 1, 253},
		{255, 200, 255},
		{1, 1, 1},
	}
	for _, c := range cases {
		if got := effective(c.base, c.down); got != c.want {
			t.Errorf("%d less %d is %d, want %d", c.base, c.down, got, c.want)
		}
	}
}

// Every link of a set has to work. While one does, the set leaves in order by
// that one: its successor is named, and heard where it can be heard.
func TestLink_OneOfASetIsEnoughToFail(t *testing.T) {
	for i := range 3 {
		b := holder(t, web(), dns())
		b.do(LinkDown(i, "no carrier"),
			"web ipv4: hold serving 2.7s", "web ipv6: hold serving 2.7s", "dns ipv4: hold serving 2.7s",
			"web ipv4: advert 0", "web ipv6: advert 0", "dns ipv4: advert 0", "web ipv4: tell the next to take over",
			"web ipv6: tell the next to take over", "dns ipv4: tell the next to take over",
			"web: active -> backup: no carrier", "dns: active -> backup: no carrier")
		b.carried()
		live := slices.Delete([]int{0, 1, 2}, i, i+1)
		family := b.Router(live[0]).Config().Family
		b.hearOn(live[0], lower, 50)
		b.hearOn(live[1], lower, 50,
			fmt.Sprintf("web: notice HF2003: successor heard: %s is active, 2ms after this node let go", addr(family, lower)))
		b.wait(leaveGrace,
			"web ipv4: hold closed", "web ipv6: hold closed", "dns ipv4: hold closed", "web ipv4: remove",
			"web ipv6: remove", "dns ipv4: remove", "web: backup -> fault: no carrier", "dns: backup -> fault: no carrier")
		b.carried()
		b.wait(time.Minute)
		b.do(LinkUp(i, netip.Addr{}),
			"web: fault -> backup: started as backup: listening for an active node",
			"dns: fault -> backup: started as backup: listening for an active node")
	}
}

// Where no link is left there is nobody to serve: the addresses go at once.
func TestLink_TheLastOne(t *testing.T) {
	b := holder(t, web())
	b.feed(LinkDown(0, "no carrier"))
	b.do(LinkDown(1, "no carrier"),
		"web ipv4: hold closed", "web ipv6: hold closed", "web ipv4: remove", "web ipv6: remove",
		"web: backup -> fault: no carrier")
}

// A link that goes down during a leave ends it, and the operator is told.
func TestLink_DownWhileLeaving(t *testing.T) {
	b := holder(t, single())
	b.feed(Handover("b"))
	b.do(LinkDown(0, "no carrier"),
		"web ipv4: hold closed", "web ipv4: remove",
		"result false: no node took over, and this node could not stay: no carrier",
		"web: backup -> fault: no carrier")
}

// The primary address of an interface may change. Adverts go on, from the new
// one; an address of the wrong family is a fault with a reason.
func TestLink_AnotherSource(t *testing.T) {
	b := holder(t, single())
	b.do(LinkUp(0, addr(vrrp.IPv4, 77)))
	if got := b.Router(0).Config().Source; got != addr(vrrp.IPv4, 77) {
		t.Errorf("source is %s", got)
	}
	b.wait(time.Second, "web ipv4: advert 100", "web ipv4: ask who else has it")
	b.do(LinkUp(0, addr(vrrp.IPv6, 77)),
		"web ipv4: hold serving 2.7s", "web ipv4: advert 0", "web ipv4: tell the next to take over",
		"web: active -> backup: cannot use virtual router configuration: source fe80::4d is not an ipv4 address")
	b.carried()
}

// A list of peers with this node itself among them shows when its address is
// known, and a corrected file is enough to mend it.
func TestPeers_WithThisNodeAmongThem(t *testing.T) {
	mine := func(peers ...netip.Addr) Config {
		return single(routers(func(c *vrrp.Config) { c.Source, c.Peers = netip.IPv4Unspecified(), peers }))
	}
	b := place(t, mine(addr(vrrp.IPv4, higher), addr(vrrp.IPv4, self)))
	b.feed(Start())
	b.do(LinkUp(0, addr(vrrp.IPv4, self)))
	if got, want := b.View().Reason, "cannot use virtual router configuration: peer 192.0.2.10 is this node itself"; got != want {
		t.Errorf("reason is %q, want %q", got, want)
	}
	good := []Config{mine(addr(vrrp.IPv4, higher))}
	b.reconfigure(good, "web: fault -> backup: started as backup: listening for an active node")
	b.reconfigure([]Config{mine(addr(vrrp.IPv4, self))},
		"web: backup -> fault: cannot use virtual router configuration: peer 192.0.2.10 is this node itself")
	b.do(LinkUp(0, addr(vrrp.IPv4, self)))
	b.in(unfit)
	b.do(LinkUp(0, addr(vrrp.IPv4, 77)), "web: fault -> backup: started as backup: listening for an active node")
	b.reconfigure(good)
}

// What a person sees.
func TestView(t *testing.T) {
	b := holder(t, web(uses(Use{"disk", 30})))
	b.feed(Failed("disk", "full"))
	b.adverts(lower, 20)
	v := b.View()
	if v.State != Active || v.Leaving || v.Transitions != 2 || v.Reason != "no advert heard within 3.609375s" ||
		v.Down["disk"] != "full" || len(v.Routers) != 2 || v.Since.IsZero() {
		t.Errorf("got %+v", v)
	}
	r := v.Routers[1]
	if r.Config.Family != vrrp.IPv6 || r.State != vrrp.Active || r.Priority != 70 || len(r.Peers) != 1 || r.ActiveHeard {
		t.Errorf("got %+v", r)
	}
	v.Down["disk"] = "changed"
	if b.View().Down["disk"] != "full" {
		t.Error("the view shares memory with the set")
	}
	b.feed(Stop("told to stop"))
	b.reply(nil)
	if v := b.View(); v.State != Backup || !v.Leaving || v.Reason != "told to stop" {
		t.Errorf("got %+v", v)
	}
}
