package bpf

import (
	"net/netip"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/balance"
)

// The program passes what it does not know. So an address is known from before
// its service is served until the flows of who had it have ended.
func TestKnown_StaysForAWhile(t *testing.T) {
	vip, backend, source := netip.MustParseAddr("192.0.2.10"), netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("192.0.2.9")
	plan := &balance.Plan{
		Service: &balance.Service{
			Listen: []balance.Endpoint{{AddrPort: netip.AddrPortFrom(vip, 80), Proto: balance.TCP}}, Translate: []netip.Addr{source},
		},
		Targets: []balance.Target{{ID: 1, Addr: netip.AddrPortFrom(backend, 80)}},
	}
	now := time.Unix(1000, 0)
	k := known{}
	is := func(at time.Time) [3]uint8 {
		table := k.table(at)
		return [3]uint8{table[placeOf(vip)], table[placeOf(backend)], table[placeOf(source)]}
	}
	if got := is(now); got != [3]uint8{} {
		t.Errorf("of nothing: %v", got)
	}
	k.learn([]*balance.Plan{plan}, now)
	if got := is(now); got != [3]uint8{served, serving, 0} {
		t.Errorf("with NAT: %v", got)
	}
	plan.Service.Forward = balance.FullNAT
	later := now.Add(knownAfter / 2)
	k.learn([]*balance.Plan{plan}, later)
	if got := is(later); got != [3]uint8{served, serving, translated} {
		t.Errorf("with full NAT, while flows of NAT may be left: %v", got)
	}
	later = now.Add(knownAfter + time.Second)
	if got := is(later); got != [3]uint8{served, 0, translated} {
		t.Errorf("when none is left: %v", got)
	}
}
