package bpf

import (
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/holdfast-net/holdfast/internal/balance"
)

// The backends answer clients themselves, so only half of the packets come by.
func TestBackendsAnswerDirectly(t *testing.T) {
	for _, f := range families {
		for _, way := range []struct {
			name          string
			forward       balance.Forward
			encapsulation balance.Encapsulation
			by            family // of the backends' addresses
		}{
			{"dsr", balance.DSR, 0, f},
			{"ipip over IPv4", balance.Tunnel, balance.IPIP, families[0]},
			{"ipip over IPv6", balance.Tunnel, balance.IPIP, families[1]},
			{"gue over IPv4", balance.Tunnel, balance.GUE, families[0]},
			{"gue over IPv6", balance.Tunnel, balance.GUE, families[1]},
		} {
			t.Run(f.name+" "+way.name, func(t *testing.T) {
				l := newLab(t, 2)
				l.serveDirectly(f)
				p := l.open(Config{})
				must(t, p.Apply([]*balance.Plan{f.plan(2, func(p *balance.Plan) {
					p.Service.Forward, p.Service.Encapsulation = way.forward, way.encapsulation
					for i := range p.Targets {
						p.Targets[i].Addr = netip.AddrPortFrom(way.by.backends[i], 80)
					}
				})}))
				if way.forward == balance.Tunnel {
					l.unwrap(f)
				}
				served := map[int]int{}
				for range 4 {
					c, who, saw, err := l.visit(netip.AddrPortFrom(f.vip, 80))
					if err != nil {
						d, _ := p.Drops("web")
						t.Fatalf("%v (dropped: %v)", err, d)
					}
					served[who]++
					if saw.Addr() != f.client {
						t.Errorf("the backend saw %s, want %s", saw.Addr(), f.client)
					}
					must(t, echo(c, 2<<20))
					must(t, c.Close())
				}
				if served[0] != 2 || served[1] != 2 {
					t.Errorf("served %v, want 2 each", served)
				}
				u, err := p.Usage("web")
				must(t, err)
				if u[1].New != 2 || u[2].New != 2 || u[1].Made != 2 || u[2].Made != 2 || u[1].BytesIn < 4<<20 || u[1].PacketsOut != 0 {
					t.Errorf("counted %+v", u)
				}
			})
		}
	}
}

// unwrap has every backend take packets out of tunnels.
func (l *lab) unwrap(f family) {
	l.Helper()
	for i, b := range l.backends {
		u := Unwrapping{Dir: filepath.Join(l.dir, "backend"+strconv.Itoa(i)), Interfaces: []string{"eth0"}, Addresses: []netip.Addr{f.vip}}
		must(l, os.Mkdir(u.Dir, 0o700))
		must(l, b.Do(u.Start))
		l.Cleanup(func() {
			if err := b.Do(u.Stop); err != nil {
				l.Error(err)
			}
		})
	}
}
