package bfd_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/holdfast-net/holdfast/bfd"
)

// Two systems on a link made of function calls: they find each other, one of
// them dies, and the other one notices.
func Example() {
	start := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	addrs := [2]netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")}
	var ends [2]*bfd.Session
	for i := range ends {
		s, err := bfd.New(bfd.Config{
			Timing:        bfd.Timing{DesiredMinTx: 5 * time.Millisecond, RequiredMinRx: 5 * time.Millisecond, DetectMult: 3},
			Discriminator: uint32(i + 1),
			Peer:          addrs[1-i],
			Rand:          rand.New(rand.NewPCG(1, uint64(i))),
		})
		if err != nil {
			fmt.Println(err)
			return
		}
		ends[i] = s
	}
	alive := [2]bool{true, true}

	var step func(now time.Time, i int, ev bfd.Event)
	step = func(now time.Time, i int, ev bfd.Event) {
		for _, a := range ends[i].Step(now, ev, nil) {
			switch {
			case a.Kind == bfd.ActionSend && alive[1-i]:
				payload := ends[i].AppendPacket(nil, a.Control)
				step(now, 1-i, bfd.Received(&bfd.Packet{Src: addrs[i], TTL: bfd.TTL, Payload: payload}))
			case a.Up():
				fmt.Printf("system %d: up\n", i+1)
			case a.Lost():
				fmt.Printf("system %d: %s: %s\n", i+1, a.To, a.Reason)
			}
		}
	}
	step(start, 0, bfd.Enable())
	step(start, 1, bfd.Enable())
	for now := start; now.Before(start.Add(time.Second)); now = now.Add(time.Millisecond) {
		if now.Sub(start) == 500*time.Millisecond {
			alive[0] = false
			fmt.Println("system 1 dies; it had promised", ends[0].PeerDetects())
		}
		for i := range ends {
			if alive[i] {
				step(now, i, bfd.Tick())
			}
		}
	}
	// Output:
	// system 2: up
	// system 1: up
	// system 1 dies; it had promised 15ms
	// system 2: down: detection time expired
}
