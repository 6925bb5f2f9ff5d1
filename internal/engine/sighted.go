package engine

import (
	"net"
	"net/netip"
	"time"

	"github.com/holdfast-net/holdfast/internal/group"
)

// Sighting is a frame from another machine that used an address of ours.
type Sighting struct {
	Slot Slot
	Addr netip.Addr
	MAC  [6]byte
}

// Sighted is for the gate, which sees all frames: it may be called from any
// goroutine.
func (e *Engine) Sighted(s Sighting) {
	e.Post(func(now time.Time) {
		for _, u := range e.units {
			for _, r := range u.routers {
				if r.prepared && r.slot == s.Slot {
					e.step(now, u, group.Sighted(r.index, s.Addr, hardware(s.MAC), hardware(r.mac)))
					return
				}
			}
		}
	})
}

func hardware(mac [6]byte) string { return net.HardwareAddr(mac[:]).String() }
