package bpf

import (
	"bytes"
	"net/netip"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf/link"
	"github.com/vishvananda/netlink"

	"github.com/holdfast-net/holdfast/internal/balance"
	"github.com/holdfast-net/holdfast/internal/engine"
)

// Every way of forwarding with the program in the driver, over a restart.
func TestConnectionsThroughXDP(t *testing.T) {
	for _, f := range families {
		for _, way := range []struct {
			name    string
			forward balance.Forward
			port    uint16 // of backends
		}{{"nat", balance.NAT, 8080}, {"full-nat", balance.FullNAT, 8080}, {"dsr", balance.DSR, 80}, {"tunnel", balance.Tunnel, 80}} {
			t.Run(f.name+" "+way.name, func(t *testing.T) {
				l := newLab(t, 2)
				if way.port == 80 {
					l.serveDirectly(f)
				} else {
					l.serve(f)
				}
				plan := f.plan(2, func(p *balance.Plan) {
					p.Service.Forward, p.Service.Encapsulation = way.forward, balance.GUE
					for i := range p.Targets {
						p.Targets[i].Addr = netip.AddrPortFrom(f.backends[i], way.port)
					}
				})
				if way.forward == balance.Tunnel {
					l.unwrap(f)
				}
				c := l.native()
				c.Dir, c.Interfaces, c.Flows, c.HalfOpen = l.dir, []string{"eth0"}, 1024, 1024
				p, err := Open(c)
				must(t, err)
				must(t, p.Apply([]*balance.Plan{plan}))
				inUse(t, p, XDP)
				conn, _, saw, err := l.visit(netip.AddrPortFrom(f.vip, 80))
				if err != nil {
					d, _ := p.Drops("web")
					t.Fatalf("%v (dropped: %v)", err, d)
				}
				defer conn.Close()
				if want := map[bool]netip.Addr{false: f.client, true: f.source}[way.forward == balance.FullNAT]; saw.Addr() != want {
					t.Errorf("the backend saw %s, want %s", saw.Addr(), want)
				}
				must(t, echo(conn, 1<<20))
				must(t, p.Close(true))
				must(t, echo(conn, 1<<20))
				p = l.open(c)
				must(t, p.Apply([]*balance.Plan{plan}))
				inUse(t, p, XDP)
				must(t, echo(conn, 1<<20))
				u, err := p.Usage("web")
				must(t, err)
				if n := u[1].PacketsIn + u[2].PacketsIn; u[1].BytesIn+u[2].BytesIn < 3<<20 || n < 2000 {
					t.Errorf("counted %+v", u)
				}
			})
		}
	}
}

// The hold ends with nobody there to say so: XDP is before the gate, and stops
// as it does.
func TestXDPStopsWithTheHold(t *testing.T) {
	f := families[0]
	l := newLab(t, 1)
	l.serve(f)
	c := l.native()
	p := l.open(c)
	must(t, p.Apply([]*balance.Plan{f.plan(1, nil)}))
	inUse(t, p, XDP)
	conn, _, _, err := l.visit(netip.AddrPortFrom(f.vip, 80))
	must(t, err)
	defer conn.Close()
	must(t, echo(conn, 100000))
	g, slots := l.gate(0) // the same one
	until := g.Now() + engine.Instant(300*time.Millisecond)
	g.Set(slots[0], engine.Hold{Announced: until, Served: until})
	must(t, conn.SetDeadline(time.Now().Add(30*time.Second)))
	var last engine.Instant
	buf := make([]byte, 1)
	for g.Now() < until+engine.Instant(100*time.Millisecond) {
		must(t, conn.SetReadDeadline(time.Now().Add(100*time.Millisecond)))
		if _, err := conn.Write(buf); err != nil {
			break
		}
		if _, err := conn.Read(buf); err != nil {
			break
		}
		last = g.Now()
	}
	if late := time.Duration(last - until); late > 20*time.Millisecond {
		t.Errorf("the last answer came %v after the hold was over", late)
	}
	if last == 0 {
		t.Error("there was no answer during the hold")
	}
	before, err := p.Usage("web")
	must(t, err)
	refused := g.Counters(slots[0]).PacketIn
	// TCP tries again and again; all of it reaches the gate, nothing a backend.
	waitFor(t, "the gate drops what the client repeats", func() bool { return g.Counters(slots[0]).PacketIn > refused })
	after, err := p.Usage("web")
	must(t, err)
	if before[1].PacketsIn != after[1].PacketsIn {
		t.Errorf("%d packets went on after the hold was over", after[1].PacketsIn-before[1].PacketsIn)
	}
	until = g.Now() + engine.Instant(time.Hour)
	g.Set(slots[0], engine.Hold{Announced: until, Served: until})
	must(t, conn.SetDeadline(time.Now().Add(30*time.Second)))
	if _, err := conn.Read(buf); err != nil {
		t.Errorf("the connection did not go on with the hold: %v", err)
	}
}

// Whoever has the only place keeps it, and is named.
func TestXDPGivesWay(t *testing.T) {
	f := families[0]
	l := newLab(t, 1)
	l.serve(f)
	foreign := l.passing()
	eth0, err := netlink.LinkByName("eth0")
	must(t, err)
	there, err := link.AttachXDP(link.XDPOptions{Program: foreign, Interface: eth0.Attrs().Index, Flags: link.XDPDriverMode})
	must(t, err)
	defer there.Close()
	p := l.open(l.native())
	must(t, p.Apply([]*balance.Plan{f.plan(1, nil)}))
	if h := p.Hooks(); len(h) != 1 || h[0].Hook != TC || !strings.Contains(h[0].Why, "foreign") {
		t.Errorf("the hooks are %+v, want tc because of the program foreign", h)
	}
	conn, _, _, err := l.visit(netip.AddrPortFrom(f.vip, 80))
	must(t, err)
	conn.Close()
}

// Auto never takes a veth, and nothing takes XDP without a gate to ask.
func TestXDPIsNotTakenBlindly(t *testing.T) {
	f := families[0]
	l := newLab(t, 1)
	c := l.native()
	for _, tt := range []struct {
		hook Hook
		gate bool
		why  string
	}{{Auto, true, "veth"}, {XDP, false, "gate"}, {TC, true, "configuration"}} {
		c := Config{Hook: tt.hook, Gate: c.Gate}
		if !tt.gate {
			c.Gate = nil
		}
		p := l.open(c)
		must(t, p.Apply([]*balance.Plan{f.plan(1, nil)}))
		if h := p.Hooks(); len(h) != 1 || h[0].Hook != TC || !strings.Contains(h[0].Why, tt.why) {
			t.Errorf("%s: the hooks are %+v, want tc because of the %s", tt.hook, h, tt.why)
		}
	}
	out, err := exec.Command("ip", "link", "show", "eth0").CombinedOutput()
	must(t, err)
	if bytes.Contains(out, []byte("xdp")) {
		t.Errorf("there is a program: %s", out)
	}
}
