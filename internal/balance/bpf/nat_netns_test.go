package bpf

import (
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/balance"
)

// Every way of translating, hook and family, with offloads as the kernel has
// them.
func TestConnectionsGoInTurn(t *testing.T) {
	for _, clsact := range []bool{false, true} {
		for _, f := range families {
			for name, forward := range map[string]balance.Forward{"nat": balance.NAT, "full-nat": balance.FullNAT} {
				t.Run(fmt.Sprint(f.name, " ", name, " clsact=", clsact), func(t *testing.T) {
					l := newLab(t, 2)
					l.serve(f)
					p := l.open(Config{Clsact: clsact})
					must(t, p.Apply([]*balance.Plan{f.plan(2, func(p *balance.Plan) { p.Service.Forward = forward })}))
					vip := netip.AddrPortFrom(f.vip, 80)
					served := map[int]int{}
					for range 6 {
						c, who, saw, err := l.visit(vip)
						must(t, err)
						served[who]++
						want := f.client
						if forward == balance.FullNAT {
							want = f.source
						}
						if saw.Addr() != want {
							t.Errorf("the backend saw %s, want %s", saw.Addr(), want)
						}
						must(t, echo(c, 4<<20))
						must(t, c.Close())
					}
					if served[0] != 3 || served[1] != 3 {
						t.Errorf("served %v, want 3 each", served)
					}
					u, err := p.Usage("web")
					must(t, err)
					if u[1].New != 3 || u[2].New != 3 || u[1].PacketsIn == 0 || u[1].BytesOut < 3*4<<20 {
						t.Errorf("counted %+v", u)
					}
					waitFor(t, "all flows closed", func() bool {
						u, err := p.Usage("web")
						must(t, err)
						return u[0].Flows == 0 && u[1].Flows == 0 && u[2].Flows == 0
					})
				})
			}
		}
	}
}

func waitFor(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

func TestDatagramsGoToOneBackend(t *testing.T) {
	for _, f := range families {
		t.Run(f.name, func(t *testing.T) {
			l := newLab(t, 2)
			l.serve(f)
			p := l.open(Config{})
			must(t, p.Apply([]*balance.Plan{f.plan(2, func(p *balance.Plan) { p.Service.Listen[0].Proto = balance.UDP })}))
			var c net.Conn
			must(t, l.client.Do(func() (err error) {
				c, err = net.Dial("udp", netip.AddrPortFrom(f.vip, 80).String())
				return err
			}))
			defer c.Close()
			who := -1
			for i, size := range []int{10, 1000, 10, 4000, 9000} { // the last two in fragments
				must(t, c.SetDeadline(time.Now().Add(20*time.Second)))
				_, err := c.Write(make([]byte, size))
				must(t, err)
				buf := make([]byte, 65536)
				n, err := c.Read(buf)
				if err != nil {
					d, _ := p.Drops("web")
					t.Fatalf("%d bytes: %v (dropped: %v)", size, err, d)
				}
				if n != size+1 || i > 0 && int(buf[0]) != who {
					t.Errorf("%d bytes from %d, want %d from %d", n, buf[0], size+1, who)
				}
				who = int(buf[0])
			}
			u, err := p.Usage("web")
			must(t, err)
			if u[0].Flows != 1 || u[0].Dropped != 0 {
				t.Errorf("counted %+v, want one flow", u[0])
			}
		})
	}
}

// Connections that have ended are remembered for a while. There may be more of
// them than ports.
func TestFullNATTakesPortsOfConnectionsThatHaveEnded(t *testing.T) {
	l := newLab(t, 1)
	f := families[0]
	l.serve(f)
	p := l.open(Config{Ports: [2]uint16{20000, 20003}})
	must(t, p.Apply([]*balance.Plan{f.plan(1, func(p *balance.Plan) { p.Service.Forward = balance.FullNAT })}))
	for i := range 12 {
		c, _, _, err := l.visit(netip.AddrPortFrom(f.vip, 80))
		if err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
		must(t, echo(c, 1000))
		c.Close()
	}
	open := 0
	for range 4 {
		c, _, _, err := l.visit(netip.AddrPortFrom(f.vip, 80))
		must(t, err)
		defer c.Close()
		must(t, echo(c, 1000))
		open++
	}
	if u, err := p.Usage("web"); err != nil || u[1].Flows != uint64(open) {
		t.Errorf("%d flows, want %d (%v)", u[1].Flows, open, err)
	}
}
