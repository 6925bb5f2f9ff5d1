package interop

import (
	"net/netip"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/interop/peer"
)

// router4 is the group of most tests, as one node has it.
func router4(priority uint8) peer.Router {
	return peer.Router{
		Name: "web", Interface: "eth0", ID: 51, Priority: priority, Version: 3,
		Interval: 200 * time.Millisecond, Addresses: []netip.Prefix{vip4},
	}
}

// A harness that has not seen two known peers agree proves nothing about a
// third.
func TestHarness_KnownPeersAgree(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		a, b peer.Kind
	}{
		{"keepalived and keepalived", peer.Keepalived, peer.Keepalived},
		{"keepalived and FRR", peer.Keepalived, peer.FRR},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			need(t, tt.a, tt.b)
			t.Parallel()
			bed := newBed(t)
			a := bed.start(tt.a, bed.a, router4(200))
			b := bed.start(tt.b, bed.b, router4(100))
			bed.state(a, peer.Active)
			bed.state(b, peer.Backup)
			bed.answers(vip4, bed.a)
			bed.stop(a)
			bed.state(b, peer.Active)
			bed.answers(vip4, bed.b)
		})
	}
}
