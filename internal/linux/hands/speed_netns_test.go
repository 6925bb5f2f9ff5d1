package hands

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/vrrp"
)

// TestSpeed prints how long the orders take. It asserts nothing about it: the
// machine may be busy with something else.
func TestSpeed(t *testing.T) {
	for _, family := range []vrrp.Family{vrrp.IPv4, vrrp.IPv6} {
		for _, mac := range []engine.MACMode{engine.MACPhysical, engine.MACVirtual} {
			kind := map[engine.MACMode]string{engine.MACPhysical: "physical", engine.MACVirtual: "virtual"}[mac]
			speed := func(t *testing.T, r *rig) {
				one := engine.Op{Interface: nodeIf, VRID: 1, Family: family, MAC: mac, Group: "one", Addresses: []netip.Prefix{vip(family, 10)}}
				cycle(t, r, "1 group with 1 address", []engine.Op{one}, 20)
				many := one
				many.Addresses = nil
				for i := range 255 {
					many.Addresses = append(many.Addresses, vip(family, 300+i))
				}
				cycle(t, r, "1 group with 255 addresses", []engine.Op{many}, 5)
				var groups []engine.Op
				for i := range 255 {
					op := one
					op.VRID, op.Addresses = uint8(i+1), []netip.Prefix{vip(family, 300+i)}
					groups = append(groups, op)
				}
				cycle(t, r, "255 groups with 1 address", groups, 3)
			}
			t.Run(fmt.Sprintf("IPv%d %s", family, kind), func(t *testing.T) {
				newLAN(t)
				speed(t, newRig(t))
			})
			t.Run(fmt.Sprintf("IPv%d %s without gate", family, kind), func(t *testing.T) {
				newLAN(t)
				speed(t, newRigWith(t, nil, Config{}))
			})
		}
	}
}

// vip is the n-th address of a wide subnet that is not the node's.
func vip(f vrrp.Family, n int) netip.Prefix {
	if f == vrrp.IPv6 {
		return netip.MustParsePrefix(fmt.Sprintf("2001:db8::%x/64", 0x1000+n))
	}
	return netip.MustParsePrefix(fmt.Sprintf("198.18.%d.%d/16", n/250, n%250+1))
}

// cycle carries out each kind of order for all the ops and prints the median.
func cycle(t *testing.T, r *rig, what string, ops []engine.Op, rounds int) {
	t.Helper()
	took := map[string][]time.Duration{}
	run := func(name string, kind engine.OpKind) {
		t.Helper()
		start := time.Now()
		for _, op := range ops {
			op.Kind = kind
			r.hands.Submit(op)
		}
		for range ops {
			if res := <-r.results; res.Err != nil {
				t.Fatal(res.Err)
			}
		}
		took[name] = append(took[name], time.Since(start))
	}
	for range rounds {
		run("prepare", engine.OpPrepare)
		run("install", engine.OpInstall)
		run("install again", engine.OpInstall)
		run("remove", engine.OpRemove)
		run("discard", engine.OpDiscard)
	}
	line := what + ":"
	for _, name := range []string{"prepare", "install", "install again", "remove", "discard"} {
		d := took[name]
		slices.Sort(d)
		line += fmt.Sprintf(" %s %.2fms", name, float64(d[len(d)/2].Microseconds())/1000)
	}
	t.Log(line)
}
