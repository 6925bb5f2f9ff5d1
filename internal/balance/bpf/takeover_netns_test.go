package bpf

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/balance"
	"github.com/holdfast-net/holdfast/internal/balance/packets"
	"github.com/holdfast-net/holdfast/internal/linux/netns"
)

// second is another balancer, on the same switch and with the same floating
// addresses. Nobody sends it anything before the traffic moves there.
func (l *lab) second(f family, c Config) (*netns.NS, *Plane) {
	l.Helper()
	ns := l.namespace()
	l.ip(l.sw, "link add second type veth peer name eth0 address 02:00:00:00:00:02")
	l.ip(l.sw, "link set eth0 netns /proc/%d/fd/%d", os.Getpid(), ns.Handle())
	l.ip(l.sw, "link set second master lan up")
	must(l, ns.Do(func() error { return sysctl("net.ipv4.ip_forward", "1") }))
	must(l, ns.Do(func() error { return sysctl("net.ipv6.conf.all.forwarding", "1") }))
	must(l, ns.Do(func() error { return sysctl("net.ipv4.conf.eth0.arp_ignore", "8") })) // the first one answers
	l.ip(ns, "link set eth0 up")
	for _, f := range families {
		nodad := ""
		if f.vip.Is6() {
			nodad = " nodad"
		}
		l.ip(ns, "addr add "+f.subnet+" dev eth0"+nodad, 2)
		l.ip(ns, "addr add "+f.clients+" dev eth0"+nodad, 2)
		l.ip(ns, "addr add %s dev lo"+nodad, f.vip)
		for i := range l.backends {
			l.ip(ns, "neigh replace %s lladdr 02:00:00:00:00:%02x dev eth0", f.backends[i], 0x11+i)
		}
		l.ip(ns, "neigh replace %s lladdr 02:00:00:00:00:07 dev eth0", f.client)
	}
	c.Dir, c.Interfaces, c.Flows, c.HalfOpen = filepath.Join(l.dir, "second"), []string{"eth0"}, 4096, 4096
	must(l, os.MkdirAll(c.Dir, 0o700))
	var p *Plane
	must(l, ns.Do(func() (err error) {
		p, err = Open(c)
		return err
	}))
	l.Cleanup(func() {
		if err := ns.Do(func() error { return p.Close(false) }); err != nil {
			l.Error(err)
		}
	})
	return ns, p
}

// move has clients and backends send to the MAC of one of the balancers.
func (l *lab) move(f family, balancer int) {
	l.Helper()
	mac := fmt.Sprintf("02:00:00:00:00:%02x", balancer)
	for _, ns := range append([]*netns.NS{l.client}, l.backends...) {
		for _, a := range []netip.Addr{f.balancer, f.source} {
			l.ip(ns, "neigh replace %s lladdr %s dev eth0 nud permanent", a, mac)
		}
	}
	gateway := fmt.Sprintf(f.clients, 1)
	l.ip(l.client, "neigh replace %s lladdr %s dev eth0 nud permanent", netip.MustParsePrefix(gateway).Addr(), mac)
}

// Connections go on at a balancer that was told of them, in every way of
// forwarding: none is reset, none is given to another backend. And back.
func TestConnectionsMoveToAnotherBalancer(t *testing.T) {
	for _, f := range families {
		for name, forward := range map[string]balance.Forward{"nat": balance.NAT, "full-nat": balance.FullNAT, "dsr": balance.DSR, "tunnel": balance.Tunnel} {
			t.Run(f.name+" "+name, func(t *testing.T) {
				l := newLab(t, 2)
				l.move(f, 1)
				direct := forward == balance.DSR || forward == balance.Tunnel
				plan := f.plan(2, func(p *balance.Plan) {
					p.Service.Forward = forward
					for i := range p.Targets {
						if direct {
							p.Targets[i].Addr = netip.AddrPortFrom(f.backends[i], 80)
						}
					}
				})
				first := l.open(Config{Ports: [2]uint16{20000, 29999}})
				ns, second := l.second(f, Config{Ports: [2]uint16{30000, 39999}})
				must(t, first.Apply([]*balance.Plan{plan}))
				// The other one has its backends in other slots.
				other := f.plan(2, func(p *balance.Plan) { p.Service.Name, p.Service.Listen[0].AddrPort = "other", at(f.vip, 81) })
				must(t, ns.Do(func() error { return second.Apply([]*balance.Plan{other, plan}) }))
				if direct {
					l.serveDirectly(f)
				} else {
					l.serve(f)
				}
				if forward == balance.Tunnel {
					l.unwrap(f)
				}
				for _, way := range [][2]*Plane{{first, second}, {second, first}} {
					stop, err := way[0].Watch(func(changes []balance.Change, lost bool) {
						if refused, err := way[1].Install(changes); refused > 0 || err != nil || lost {
							t.Errorf("%d refused (lost: %v): %v", refused, lost, err)
						}
					})
					must(t, err)
					defer stop()
				}
				var conns []net.Conn
				for range 4 {
					c, _, _, err := l.visit(at(f.vip, 80))
					must(t, err)
					defer c.Close()
					must(t, echo(c, 10000))
					conns = append(conns, c)
				}
				flows := func(p *Plane, want uint64) {
					t.Helper()
					waitFor(t, fmt.Sprint(want, " flows"), func() bool {
						u, err := p.Usage("web")
						must(t, err)
						return u[0].Flows == want
					})
				}
				flows(second, 4)
				for i, to := range []int{2, 1, 2} {
					l.move(f, to)
					for _, c := range conns {
						must(t, c.SetDeadline(time.Now().Add(30*time.Second)))
						if err := echo(c, 1<<20); err != nil {
							t.Fatalf("move %d: %v", i, err)
						}
					}
					must(t, conns[0].Close())
					conns = conns[1:]
					c, _, _, err := l.visit(at(f.vip, 80)) // and a new one
					must(t, err)
					defer c.Close()
					conns = append(conns, c)
					want := uint64(4)
					if direct { // nobody sees what backends say: not that they end, either
						want += uint64(i) + 1
					}
					flows(first, want)
					flows(second, want)
				}
				for _, p := range []*Plane{first, second} {
					d, err := p.Drops("web")
					must(t, err)
					delete(d, TooBig) // a tunnel's first packets are, and senders are told
					if len(d) > 0 {
						t.Errorf("dropped: %v", d)
					}
				}
			})
		}
	}
}

// Who takes over without having been told drops what it does not know, and
// nobody is sent a RST: the connection lives if its holder comes back. Once nobody
// will tell of it any more, its client is told so.
func TestUnknownFlowsAreResetOnceNobodyHasThem(t *testing.T) {
	f := families[0]
	l := newLab(t, 2)
	l.move(f, 1)
	first := l.open(Config{})
	ns, second := l.second(f, Config{})
	plan := f.plan(2, nil)
	must(t, first.Apply([]*balance.Plan{plan}))
	must(t, ns.Do(func() error { return second.Apply([]*balance.Plan{plan}) }))
	l.serve(f)
	c, _, _, err := l.visit(at(f.vip, 80))
	must(t, err)
	defer c.Close()
	l.move(f, 2)
	_, err = c.Write([]byte("lost for now"))
	must(t, err)
	waitFor(t, "a drop", func() bool {
		d, err := second.Drops("web")
		must(t, err)
		return d[NoFlow] > 1
	})
	l.move(f, 1)
	buf := make([]byte, 12)
	must(t, c.SetDeadline(time.Now().Add(30*time.Second)))
	if _, err := c.Read(buf); err != nil {
		t.Errorf("the connection did not live: %v", err)
	}
	// The same for other vips, or before: not.
	second.Settle(balance.Endpoint{AddrPort: at(f.vip, 81), Proto: balance.TCP}, true)
	second.Settle(plan.Service.Listen[0], true)
	second.Settle(plan.Service.Listen[0], false)
	l.move(f, 2)
	_, err = c.Write([]byte("lost for now"))
	must(t, err)
	before, err := second.Drops("web")
	must(t, err)
	waitFor(t, "a drop", func() bool {
		d, err := second.Drops("web")
		must(t, err)
		return d[NoFlow] > before[NoFlow]
	})
	second.Settle(plan.Service.Listen[0], true)
	if _, err := c.Read(buf); !errors.Is(err, unix.ECONNRESET) {
		t.Errorf("nobody has the connection, and its client hears %v", err)
	}
	d, err := second.Drops("web")
	must(t, err)
	if d[Unknown] != 1 {
		t.Errorf("counted %v", d)
	}
}

// Whoever forges sources has no more packets sent to them than there may be.
func TestStrangersAreToldSoOften(t *testing.T) {
	b := newBench(t, TC)
	f := families[0]
	plan := f.plan(1, nil)
	b.apply(plan)
	b.plane.Settle(plan.Service.Listen[0], true)
	frame := packets.Packet{
		From: clientMAC, To: ownMAC, Src: at(f.client, 40000), Dst: at(f.vip, 80), Proto: packets.TCP, Flags: packets.ACK, Seq: 1, Ack: 2,
	}.Frame()
	second := func() uint64 { return monotonic() / uint64(time.Second) }
	for run := range 20 {
		began := second()
		waitFor(t, "another second", func() bool { return second() != began })
		began = second()
		before, err := b.plane.Drops("web")
		must(t, err)
		for range 5000 {
			b.run(frame)
		}
		after, err := b.plane.Drops("web")
		must(t, err)
		if second() != began && run < 19 {
			continue // it took two
		}
		if told, silent := after[Unknown]-before[Unknown], after[NoFlow]-before[NoFlow]; told != 4096 || silent != 904 {
			t.Errorf("%d were told, %d were not", told, silent)
		}
		return
	}
}
