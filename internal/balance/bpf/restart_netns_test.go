package bpf

import (
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/balance"
)

// A connection goes on while no process is there, and the next one knows whose
// it is, whatever IDs its plans have.
func TestConnectionsOutliveTheProcess(t *testing.T) {
	for _, clsact := range []bool{false, true} {
		t.Run(fmt.Sprint("clsact=", clsact), func(t *testing.T) {
			f := families[0]
			l := newLab(t, 2)
			l.serve(f)
			c := Config{Dir: l.dir, Interfaces: []string{"eth0"}, Flows: 1024, HalfOpen: 1024, Clsact: clsact}
			p, err := Open(c)
			must(t, err)
			must(t, p.Apply([]*balance.Plan{f.plan(2, nil)}))
			vip := netip.AddrPortFrom(f.vip, 80)
			var conns []net.Conn
			var whose []int
			for range 2 {
				conn, who, _, err := l.visit(vip)
				must(t, err)
				defer conn.Close()
				must(t, echo(conn, 1000))
				conns, whose = append(conns, conn), append(whose, who)
			}
			must(t, p.Close(true))
			for _, conn := range conns {
				must(t, echo(conn, 1<<20))
			}
			if conn, _, _, err := l.visit(vip); err != nil {
				t.Error("no new connection without a process:", err)
			} else {
				conn.Close()
			}
			p = l.open(c)
			must(t, p.Apply([]*balance.Plan{f.plan(2, func(p *balance.Plan) {
				p.Targets[0].ID, p.Targets[1].ID = 7, 3
			})}))
			for _, conn := range conns {
				must(t, echo(conn, 1<<20))
			}
			must(t, p.Sweep())
			waitFor(t, "the flows of both", func() bool {
				u, err := p.Usage("web")
				must(t, err)
				return u[7].Flows == 1 && u[3].Flows == 1
			})
			// The first one's backend is removed: its flows end by the policy, and
			// those of the other stay.
			must(t, p.Apply([]*balance.Plan{f.plan(2, func(p *balance.Plan) {
				p.Service.OnRemoved = balance.Reset
				p.Targets[whose[0]].State = balance.Removed
				p.Table = []uint16{uint16(whose[1])}
			})}))
			must(t, echo(conns[1], 1<<20))
			must(t, conns[0].SetDeadline(time.Now().Add(300*time.Millisecond)))
			if err := echo(conns[0], 1000); err == nil {
				t.Error("a removed backend still answers")
			}
			for range 3 {
				conn, who, _, err := l.visit(vip)
				must(t, err)
				conn.Close()
				if who != whose[1] {
					t.Errorf("backend %d got a new connection", who)
				}
			}
		})
	}
}

// A backend that drains keeps its connections and gets no new ones.
func TestDrainKeepsConnections(t *testing.T) {
	f := families[1]
	l := newLab(t, 2)
	l.serve(f)
	p := l.open(Config{})
	must(t, p.Apply([]*balance.Plan{f.plan(2, nil)}))
	vip := netip.AddrPortFrom(f.vip, 80)
	kept, _, _, err := l.visit(vip) // the first in turn
	must(t, err)
	must(t, p.Apply([]*balance.Plan{f.plan(2, func(p *balance.Plan) {
		p.Targets[0].State = balance.Drain
		p.Table = []uint16{1}
	})}))
	for range 4 {
		c, who, _, err := l.visit(vip)
		must(t, err)
		c.Close()
		if who != 1 {
			t.Error("a backend that drains got a new connection")
		}
	}
	must(t, echo(kept, 1<<20))
	kept.Close()
	waitFor(t, "no flow left at the one that drains", func() bool {
		u, err := p.Usage("web")
		must(t, err)
		return u[1].Flows == 0
	})
}

// What was not seen for longer than its state allows is forgotten, in both
// directions, and counted no more.
func TestSweepForgetsWhatTimedOut(t *testing.T) {
	f := families[0]
	l := newLab(t, 2)
	l.serve(f)
	p := l.open(Config{})
	must(t, p.Apply([]*balance.Plan{f.plan(2, func(p *balance.Plan) {
		p.Service.Timeouts.Established = time.Minute // that this machine runs for in any case
	})}))
	for range 4 {
		c, _, _, err := l.visit(netip.AddrPortFrom(f.vip, 80))
		must(t, err)
		defer c.Close()
		must(t, echo(c, 10))
	}
	entries := func() (n int) {
		var k flowKey
		var v flow
		it := p.objs.HfFlows.Iterate()
		for it.Next(&k, &v) {
			n++
		}
		must(t, it.Err())
		return n
	}
	must(t, p.Sweep())
	if n := entries(); n != 8 {
		t.Fatalf("%d entries of 4 flows, want 8", n)
	}
	// Two of them were seen last when the machine started.
	aged := 0
	var k flowKey
	var v flow
	it := p.objs.HfFlows.Iterate()
	old := map[flowKey]flow{}
	for it.Next(&k, &v) {
		if k.Side == clientSide && aged < 2 {
			aged++
			var back flow
			must(t, p.objs.HfFlows.Lookup(k.other(v.To), &back))
			v.Seen, back.Seen = 1, 1
			old[k], old[k.other(v.To)] = v, back
		}
	}
	for k, v := range old {
		must(t, p.objs.HfFlows.Put(k, v))
	}
	must(t, p.Sweep())
	u, err := p.Usage("web")
	must(t, err)
	if n := entries(); n != 4 || u[0].Flows != 2 {
		t.Errorf("%d entries and %d flows are left, want 4 and 2", n, u[0].Flows)
	}
}
