package bpf

import (
	"net/netip"
	"os"
	"testing"

	"github.com/holdfast-net/holdfast/internal/balance"
	"github.com/holdfast-net/holdfast/internal/balance/packets"
)

// again ends a plane as a process does that is killed, and opens the next one.
func (l *lab) again(p *Plane, c Config) *Plane {
	l.Helper()
	must(l, p.Close(true))
	return l.open(c)
}

// Who may connect is what the file says, also what it says since the process
// before this one: a source that was let in then is not let in now.
func TestAllowedSourcesAreForgottenByTheNextProcess(t *testing.T) {
	f := families[0]
	l := newLab(t, 1)
	c := Config{Dir: l.dir, Interfaces: []string{"eth0"}, Flows: 1024, HalfOpen: 1024}
	only := func(prefixes ...string) *balance.Plan {
		return f.plan(1, func(p *balance.Plan) {
			for _, s := range prefixes {
				p.Service.Allow = append(p.Service.Allow, netip.MustParsePrefix(s))
			}
		})
	}
	p, err := Open(c)
	must(t, err)
	must(t, p.Apply([]*balance.Plan{only("198.51.100.0/24", "10.0.0.0/8")}))
	p = l.again(p, c)
	must(t, p.Apply([]*balance.Plan{only("10.0.0.0/8")}))
	if (&pair{lab: l}).give(p, at(f.client, 1001), at(f.vip, 80), packets.TCP, packets.SYN) {
		t.Error("a client got in whom only the file of an earlier process allows")
	}
	// A service that is gone leaves none for the one that gets its number.
	p = l.again(p, c)
	must(t, p.Apply([]*balance.Plan{f.plan(1, func(p *balance.Plan) {
		p.Service.Name, p.Service.Listen[0].AddrPort = "other", at(f.vip, 81)
	})}))
	var k source
	var v uint32
	for it := p.objs.HfAllowed.Iterate(); it.Next(&k, &v); {
		t.Errorf("a permission is left: %+v", k)
	}
}

// A flow names its backend by a slot and a number, and no other backend ever has
// both: also not one that the next process adds.
func TestNumbersAreNotGivenAgainByTheNextProcess(t *testing.T) {
	f := families[0]
	l := newLab(t, 3)
	c := Config{Dir: l.dir, Interfaces: []string{"eth0"}, Flows: 1024, HalfOpen: 1024}
	p, err := Open(c)
	must(t, err)
	must(t, p.Apply([]*balance.Plan{f.plan(2, nil)}))
	before := p.slots.used[p.services["web"].slots[1]]
	must(t, p.Apply([]*balance.Plan{f.plan(1, nil)}))
	p = l.again(p, c)
	must(t, p.Apply([]*balance.Plan{f.plan(1, func(p *balance.Plan) {
		p.Targets = append(p.Targets, balance.Target{ID: 9, Addr: at(f.backends[2], 8080), Weight: 1})
	})}))
	if now := p.slots.used[p.services["web"].slots[1]]; now.ID <= before.ID {
		t.Errorf("the new backend has number %d, and one that was removed had %d", now.ID, before.ID)
	}
}

// A backend behind a tunnel that no way leads to is one that nothing reaches, and
// no reason to serve nobody. When there is a way, it is used.
func TestTunnelToABackendWithoutAWay(t *testing.T) {
	f := families[0]
	l := newLab(t, 2)
	far := netip.MustParseAddr("203.0.113.77")
	p := l.open(Config{})
	plan := f.plan(2, func(p *balance.Plan) {
		p.Service.Forward = balance.Tunnel
		p.Targets[1].Addr = at(far, 8080)
	})
	must(t, p.Apply([]*balance.Plan{plan}))
	must(t, p.warm())
	pr := &pair{lab: l}
	send := func(port uint16) bool { return pr.give(p, at(f.client, port), at(f.vip, 80), packets.TCP, packets.SYN) }
	if !send(1001) {
		t.Error("the backend that there is a way to got nothing")
	}
	if send(1002) {
		t.Error("a packet was sent where no way leads")
	}
	l.ip(nil, "route add %s via %s", far, f.backends[0])
	must(t, p.follow())
	send(1003)
	if !send(1004) {
		t.Error("there is a way, and it is not used")
	}
}

// A service that cannot be served is no trouble to others, nor to who looks after
// them; one that was served, and cannot be as a new plan says, goes on as it was:
// the host would reset its connections.
func TestServiceThatCannotBeServed(t *testing.T) {
	f := families[0]
	l := newLab(t, 2)
	p := l.open(Config{})
	web := f.plan(1, nil)
	must(t, p.Apply([]*balance.Plan{web}))
	pr := &pair{lab: l}
	for _, s := range []string{"net.ipv4.ip_forward", "net.ipv4.conf.lo.forwarding"} {
		was, err := os.ReadFile("/proc/sys/net/ipv4/conf/lo/forwarding")
		must(t, err)
		must(t, sysctl(s, "0"))
		t.Cleanup(func() { _ = sysctl("net.ipv4.ip_forward", string(was)) })
	}
	other := f.plan(1, func(p *balance.Plan) {
		p.Service.Name, p.Service.Listen[0].AddrPort = "other", at(f.vip, 81)
	})
	if err := p.Apply([]*balance.Plan{f.plan(2, nil), other}); err == nil {
		t.Error("nobody was told that nothing is forwarded")
	}
	must(t, sysctl("net.ipv4.ip_forward", "1"))
	crowd := f.plan(1, func(p *balance.Plan) {
		p.Service.Name, p.Service.Listen[0].AddrPort = "crowd", at(f.vip, 82)
		for i := range maxTargets {
			p.Targets = append(p.Targets, balance.Target{ID: uint32(i + 2), Addr: at(f.backends[1], uint16(i+1)), Weight: 1})
		}
	})
	if err := p.Apply([]*balance.Plan{f.plan(2, nil), crowd}); err == nil {
		t.Error("nobody was told that there are too many backends")
	}
	must(t, p.warm())
	if !pr.give(p, at(f.client, 1001), at(f.vip, 80), packets.TCP, packets.SYN) {
		t.Error("a service that was served is gone")
	}
}
