package tcp

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/tickle"
)

// A client that waits for an answer is told that its connection is gone, also
// where a firewall on the new holder drops what belongs to no connection, and
// whether a service listens there or not.
func TestReset(t *testing.T) {
	const invalid = "add table inet t; add chain inet t in { type filter hook input priority 0; policy accept; }; add rule inet t in ct state invalid drop"
	for _, c := range []struct {
		name   string
		set    []string // of sysctl
		rules  string
		silent bool // the service has ended
		alone  bool // the kernel resets by itself what it is sent
	}{
		{name: "plain", alone: true},
		{name: "nobody listens", silent: true, alone: true},
		{name: "SYN cookies", set: []string{"net.ipv4.tcp_syncookies=2"}, alone: true},
		{name: "invalid is dropped", rules: invalid, alone: true},
		{name: "invalid is dropped, and connections are not picked up", set: []string{"net.netfilter.nf_conntrack_tcp_loose=0"}, rules: invalid},
		{
			name:  "new connections only",
			set:   []string{"net.netfilter.nf_conntrack_tcp_loose=0"},
			rules: "add table inet t; add chain inet t in { type filter hook input priority 0; policy drop; }; add rule inet t in ct state established accept; add rule inet t in icmpv6 type {135, 136} accept; add rule inet t in tcp flags & (syn|ack) == syn accept",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, host := range []netip.Addr{host4, host6} {
				for _, whole := range []bool{false, true} {
					l := newLab(t)
					to := l.serve(netip.AddrPortFrom(host, 0).String())
					client, server := l.connect(to, host)
					l.vanish(server)
					if c.silent {
						_ = to.Close()
					}
					if c.rules != "" {
						l.run("nft", c.rules)
					}
					for _, s := range c.set {
						l.run("sysctl", "-qw", s)
					}
					dead := connection(client)
					if whole {
						l.in(l.host, func() error {
							stop, err := l.kernel.Watch("eth0", []netip.Addr{host}, func(got []tickle.Answer) {
								for _, a := range got {
									if err := l.kernel.Reset(a.Connection, a.Ack); err != nil {
										t.Error(err)
									}
								}
							})
							t.Cleanup(stop)
							return err
						})
					}
					if err := l.kernel.Poke(dead); err != nil {
						t.Fatal(err)
					}
					wait := 10 * time.Second
					if !whole && !c.alone {
						wait = 300 * time.Millisecond
					}
					took, err := outcome(client, wait)
					if reset := errors.Is(err, unix.ECONNRESET); reset != (whole || c.alone) {
						t.Errorf("%s, answers heard: %t: the client's read ended with %v after %v", host, whole, err, took)
					}
					t.Logf("%s, answers heard: %t: %v after %v", host, whole, err, took)
				}
			}
		})
	}
}
