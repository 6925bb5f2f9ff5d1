package balance

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

// A backend that gets connections and answers none is silent, whatever its
// checks say, until it answers.
func TestPool_NoticesWhoAnswersNobody(t *testing.T) {
	tcp := Endpoint{AddrPort: netip.MustParseAddrPort("192.0.2.10:80"), Proto: TCP}
	udp := Endpoint{AddrPort: netip.MustParseAddrPort("192.0.2.10:53"), Proto: UDP}
	type second struct{ began, made, out uint64 } // since the second before
	times := func(n int, s second) (out []second) {
		for range n {
			out = append(out, s)
		}
		return out
	}
	for _, tt := range []struct {
		name    string
		forward Forward
		listen  Endpoint
		seconds []second
		want    string // part of what is said of it at the end; empty: nothing
	}{
		{"answers by way of this node", NAT, tcp, times(30, second{began: 1, out: 5}), ""},
		{"no answer comes back", NAT, tcp, times(30, second{began: 1}), "is up and answers no client (30 connections since"},
		{"one answers late", NAT, tcp, append(times(30, second{began: 1}), second{out: 1}), ""},
		{"not for long yet", NAT, tcp, times(9, second{began: 9}), ""},
		{"few, but for long", NAT, tcp, append([]second{{began: 2}}, times(60, second{})...), ""},
		{"few and nobody since", NAT, tcp, append([]second{{began: 5}}, times(60, second{})...), "5 connections"},
		{"nobody asks any more", NAT, tcp, append(times(30, second{began: 1}), times(301, second{})...), ""},
		{"a backend that answers itself", DSR, tcp, times(30, second{began: 1, made: 1}), ""},
		{"one without the address", DSR, tcp, times(30, second{began: 1}), "address on its loopback"},
		{"nobody unwraps", Tunnel, tcp, times(30, second{began: 1}), "holdfast unwrap"},
		{"it has the address itself", FullNAT, tcp, times(30, second{began: 1}), "one of the service's addresses itself"},
		{"datagrams may want no answer", NAT, udp, times(30, second{began: 1}), ""},
		{"a proxy tells by itself", Proxy, tcp, times(30, second{began: 1}), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			addr := netip.MustParseAddrPort("10.0.0.11:80")
			p := NewPool(Config{Service: &Service{
				Name: "web", Listen: []Endpoint{tt.listen}, Forward: tt.forward, Scheduler: RoundRobin, TableSize: 251,
				Backends: []Backend{{Addr: addr, Weight: 1}},
			}})
			now := time.Unix(1000, 0)
			var said []string
			step := func(ev Event) {
				for _, a := range p.Step(now, ev, nil) {
					if a.Code == CodeSilent {
						said = append(said, a.Reason)
					}
				}
			}
			step(Started{})
			row, _ := p.Report().Row(addr)
			var u Usage
			step(Counted{map[uint32]Usage{row.ID: u}})
			for _, s := range tt.seconds {
				now = now.Add(time.Second)
				u.New, u.Made, u.PacketsOut = u.New+s.began, u.Made+s.made, u.PacketsOut+s.out
				step(Counted{map[uint32]Usage{row.ID: u}})
			}
			row, _ = p.Report().Row(addr)
			if !strings.Contains(row.Silent, tt.want) || tt.want == "" && row.Silent != "" {
				t.Errorf("it is said to be %q, want %q", row.Silent, tt.want)
			}
			if odd := len(said)%2 == 1; odd != (tt.want != "") {
				t.Errorf("recorded: %q", said)
			}
			if row.State != Up {
				t.Errorf("it is in state %s: by this sign all backends could end", row.State)
			}
		})
	}
}
