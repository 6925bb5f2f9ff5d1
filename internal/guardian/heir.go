package guardian

import (
	"time"

	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/internal/group"
	"github.com/holdfast-net/holdfast/internal/peer"
)

// Wait implements engine.Wire.
func (t *Tap) Wait(until time.Time, in []engine.Datagram) (int, time.Time, error) {
	n, looked, err := t.Wire.Wait(until, in)
	for i := range in[:n] {
		// RFC 5082: what came through a router is not believed.
		if d := &in[i]; d.Kind == engine.Message && d.TTL == 255 {
			t.overhear(d)
		}
	}
	return n, looked, err
}

// overhear takes note of who the other nodes are. It is for those virtual
// routers only that this node ever held: nobody can make it remember more.
func (t *Tap) overhear(d *engine.Datagram) {
	if kind, err := peer.KindOf(d.Data); err != nil || kind != peer.KindHello {
		return
	}
	h, err := peer.DecodeHello(d.Data, t.entries[:0])
	t.entries = h.Entries
	if err != nil || h.Family != d.Family {
		return
	}
	now := time.Now()
	for _, e := range h.Entries {
		if others := t.others[routerKey{d.Port, h.Family, e.VRID}]; others != nil {
			others.Note(peer.Node{Name: h.From, Addr: d.Src, State: e.State, Priority: e.Priority, Sent: h.Sent, Heard: now})
		}
	}
}

// heir is the node that should take a voice's router over, as the engine would
// name it: among the backups the one with the highest priority.
func (t *Tap) heir(now time.Time, v *voice, k voiceKey) string {
	rk := routerKey{k.port, v.Sent.Family, k.vrid}
	others := t.others[rk]
	if others == nil {
		others = &peer.Table{}
		t.others[rk] = others
	}
	n, _ := others.Successor(uint8(group.Backup), now)
	return n.Name
}
