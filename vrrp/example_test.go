package vrrp_test

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/holdfast-net/holdfast/vrrp"
)

// Two nodes on a LAN made of function calls: the better one becomes active,
// leaves, and the other one takes over.
func Example() {
	now := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	start := now
	config := func(source string, priority uint8) vrrp.Config {
		return vrrp.Config{
			VRID: 51, Family: vrrp.IPv4, Priority: priority, Interval: time.Second,
			Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.100")},
			Source:    netip.MustParseAddr(source),
		}
	}
	configs := []vrrp.Config{config("192.0.2.1", 200), config("192.0.2.2", 100)}
	var nodes []*vrrp.Router
	for _, c := range configs {
		r, err := vrrp.New(c)
		if err != nil {
			fmt.Println(err)
			return
		}
		nodes = append(nodes, r)
	}

	// step gives one node an event and carries out what comes of it.
	var step func(i int, ev vrrp.Event)
	step = func(i int, ev vrrp.Event) {
		for _, a := range nodes[i].Step(now, ev, nil) {
			switch a.Kind {
			case vrrp.ActionTransition:
				fmt.Printf("%-6s %s: %s\n", now.Sub(start).Round(time.Millisecond), configs[i].Source, a)
			case vrrp.ActionSend:
				advert := nodes[i].AppendAdvert(nil, now, vrrp.Group4, a.Priority)
				for j := range nodes {
					if j != i {
						step(j, vrrp.Received(&vrrp.Packet{
							Src: configs[i].Source, Dst: vrrp.Group4, TTL: 255, Payload: advert,
						}))
					}
				}
			}
		}
	}
	// run lets time pass from deadline to deadline.
	run := func(d time.Duration) {
		for end := now.Add(d); ; {
			next, who := end, -1
			for i, r := range nodes {
				if at := r.Deadline(); !at.IsZero() && at.Before(next) {
					next, who = at, i
				}
			}
			now = next
			if who < 0 {
				return
			}
			step(who, vrrp.Tick())
		}
	}

	step(0, vrrp.Startup())
	step(1, vrrp.Startup())
	run(10 * time.Second)
	step(0, vrrp.Shutdown())
	run(10 * time.Second)

	// Output:
	// 0s     192.0.2.1: init -> backup: started
	// 0s     192.0.2.2: init -> backup: started
	// 3.219s 192.0.2.1: backup -> active: no active node was heard
	// 10s    192.0.2.1: active -> init: shut down
	// 10.609s 192.0.2.2: backup -> active: the active node left (192.0.2.1 priority 0)
}

// An advert is read from and written to bytes without a Router, in a monitor
// or a test.
func ExampleAdvert_Decode() {
	payload := []byte{0x31, 51, 200, 1, 0, 100, 0x44, 0x02, 192, 0, 2, 100}
	var a vrrp.Advert
	n, drop := a.Decode(payload, vrrp.IPv4)
	fmt.Println(n, drop)
	fmt.Println(a.VRID, a.Priority, a.Interval, a.Addresses)
	fmt.Println("message-only checksum fits:", vrrp.Checksum(payload[:n]) == 0)
	// Output:
	// 12 accepted
	// 51 200 1s [192.0.2.100]
	// message-only checksum fits: true
}
