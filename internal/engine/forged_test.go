package engine

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/group"
	"github.com/holdfast-net/holdfast/internal/peer"
	"github.com/holdfast-net/holdfast/vrrp"
)

// says lets a target hear a message about its signed group.
func (x *target) says(data []byte) {
	x.now = x.now.Add(time.Millisecond)
	x.round(&Datagram{
		Port: 1, Kind: Message, Family: vrrp.IPv4, TTL: 255, Data: data,
		Src: netip.MustParseAddr("192.0.2.2"), Dst: vrrp.Group4,
	})
}

// asks is what lb2 asks, sent at an instant.
func asks(at time.Time, key peer.Key) []byte {
	c := peer.Call{Kind: peer.KindAsk, Family: vrrp.IPv4, VRID: signedID, Priority: 200, From: "lb2", Sent: at}
	return c.Append(nil, key)
}

var rightKey = peer.Key{ID: 1, Keys: map[uint8][]byte{1: forgedKey}, Window: time.Minute}

// A hello can be forged by anybody, with the name of a node and the time of
// tomorrow. That node is heeded all the same, but once.
func TestForged_HelloSilencesNobody(t *testing.T) {
	x := newTarget(t)
	x.pass(10 * time.Second)
	call := asks(x.now, rightKey)
	h := peer.Hello{Family: vrrp.IPv4, From: "lb2", Sent: x.now.Add(24 * time.Hour), Entries: []peer.Entry{{VRID: signedID, State: uint8(group.Backup), Priority: 200}}}
	x.says(h.Append(nil))
	x.says(call)
	if got := x.state(signedID); got != group.Backup {
		t.Fatalf("asked to hand over, the group is %s", got)
	}
	x.pass(20 * time.Second)
	if got := x.state(signedID); got != group.Active {
		t.Fatalf("nobody took it, and it is %s", got)
	}
	for i := range 3 * 64 { // others take the place of lb2 in what is known
		h.From, h.Sent = fmt.Sprint("x", i), x.now
		x.says(h.Append(nil))
	}
	x.says(call)
	if got := x.state(signedID); got != group.Active {
		t.Error("what lb2 had asked moved the group when it was repeated")
	}
}

// A flood of forged calls leaves room for other news.
func TestForged_CallsAreNoticedSeldom(t *testing.T) {
	x := newTarget(t)
	notices := 0
	x.opt.Record = func(r Record) {
		if r.Code == "HF2007" {
			notices++
		}
	}
	wrong := peer.Key{ID: 1, Keys: map[uint8][]byte{1: []byte("another key than that of the group")}}
	for i := range 60_000 { // one a millisecond
		x.says(asks(x.now, [...]peer.Key{{}, wrong}[i%2]))
	}
	if notices == 0 || notices > 25 {
		t.Errorf("%d notices in a minute", notices)
	}
}
