package guardian

import (
	"cmp"
	"slices"
	"time"

	"github.com/holdfast-net/holdfast/internal/engine"
)

// Voices are the adverts that others believe in, as the daemon told.
type Voices struct{ list []Voice } // by ID

// Take notes what the daemon told. Other records change nothing.
func (vs *Voices) Take(r Record) {
	switch r := r.(type) {
	case Voice:
		i, known := vs.find(r.ID)
		if known {
			vs.list[i] = r
		} else {
			vs.list = slices.Insert(vs.list, i, r)
		}
	case Silence:
		if i, known := vs.find(r.ID); known {
			vs.list = slices.Delete(vs.list, i, i+1)
		}
	}
}

func (vs *Voices) find(id uint32) (int, bool) {
	return slices.BinarySearchFunc(vs.list, id, func(v Voice, id uint32) int { return cmp.Compare(v.ID, id) })
}

// Len is how many there are.
func (vs *Voices) Len() int { return len(vs.list) }

// Routers is of how many virtual routers they are: one speaks to each of its
// unicast peers.
func (vs *Voices) Routers() int {
	type router struct {
		ifname string
		family uint8
		vrid   byte
	}
	seen := map[router]bool{}
	for i := range vs.list {
		v := &vs.list[i]
		seen[router{v.Interface, uint8(v.Sent.Family), v.Sent.Message[1]}] = true
	}
	return len(seen)
}

// LeaveFunc appends what tells the other holdfast nodes that the node from has
// let go of a voice's virtual router, and who takes over.
type LeaveFunc func(b []byte, now time.Time, from string, v *Voice) []byte

// Retract makes the packets that take all of them back. Those that cannot be
// made are left out and counted.
func (vs *Voices) Retract(now time.Time, port func(ifname string) engine.Port) (out []engine.Outgoing, failed int) {
	for i := range vs.list {
		v := &vs.list[i]
		b, err := v.Sent.Retract(nil, now, v.Key)
		if err != nil {
			failed++
			continue
		}
		out = append(out, engine.Outgoing{
			Port: port(v.Interface), Kind: engine.Advert, Src: v.Sent.Src, Dst: v.Sent.Dst, SrcMAC: v.SrcMAC, Data: b,
		})
	}
	return out, failed
}

// Leave makes the messages that go with it.
func (vs *Voices) Leave(now time.Time, from string, port func(ifname string) engine.Port, leave LeaveFunc) (out []engine.Outgoing) {
	for i := range vs.list {
		v := &vs.list[i]
		if b := leave(nil, now, from, v); b != nil {
			out = append(out, engine.Outgoing{Port: port(v.Interface), Kind: engine.Message, Src: v.Sent.Src, Dst: v.Sent.Dst, Data: b})
		}
	}
	return out
}
