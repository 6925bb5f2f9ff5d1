package filter

import (
	"net/netip"
	"testing"

	"github.com/google/nftables"
)

func TestWhere(t *testing.T) {
	for _, c := range []struct {
		addr, set string
		family    nftables.TableFamily
		want      string
		length    int
	}{
		{"192.0.2.10", quietSet, nftables.TableFamilyARP, "quiet", 4},
		{"192.0.2.10", closedSet, nftables.TableFamilyIPv4, "closed", 4},
		{"2001:db8::10", quietSet, nftables.TableFamilyIPv6, "quiet", 16},
		{"fe80::10", quietSet, nftables.TableFamilyIPv6, "quiet_link", 20},
		{"fe80::10", closedSet, nftables.TableFamilyIPv6, "closed_link", 20},
	} {
		id, key := where(Key{Addr: netip.MustParseAddr(c.addr), Index: 2}, c.set)
		if id.family != c.family || id.name != c.want || len(key) != c.length {
			t.Errorf("%s in %s: %v with a key of %d bytes, want %s of family %v with %d", c.addr, c.set, id, len(key), c.want, c.family, c.length)
		}
	}
}

func TestPlan(t *testing.T) {
	table := New()
	a := Key{Addr: netip.MustParseAddr("192.0.2.10"), Index: 2}
	b := Key{Addr: netip.MustParseAddr("fe80::10"), Index: 2}
	other := Key{Addr: b.Addr, Index: 3}
	table.keep(table.plan(quietSet, []Key{a, a, b}, nil))
	if n := len(table.state[quietSet]); n != 2 {
		t.Errorf("%d are quiet, want 2", n)
	}
	if d := table.plan(quietSet, []Key{{Addr: a.Addr, Index: 9}}, nil); len(d) != 0 {
		t.Errorf("the interface of a global address makes a difference: %v", d)
	}
	if d := table.plan(quietSet, []Key{other}, nil); len(d) != 1 {
		t.Errorf("the interface of a link-local address makes no difference: %v", d)
	}
	d := table.plan(quietSet, nil, []Key{a, other})
	if len(d) != 1 || d[0].key.Addr != a.Addr || d[0].put {
		t.Errorf("to let two speak of which one is quiet takes %v", d)
	}
	table.keep(d)
	table.undo(d)
	if n := len(table.state[quietSet]); n != 2 {
		t.Errorf("%d are quiet after an undo, want 2", n)
	}
}

func TestApplyWithoutAcquire(t *testing.T) {
	err := New().Apply(Change{Quiet: []Key{{Addr: netip.MustParseAddr("192.0.2.10")}}})
	if err == nil {
		t.Error("no error for a table that nobody acquired")
	}
}
