package bfd

import (
	"net/netip"
	"testing"
)

// What a session refuses, for the first reason that applies: each row is wrong
// in its own way and in all the ways below it.
//
//conformance:5880-6.8.6-yourdiscr negative
//conformance:5880-6.8.6-zero-yourdiscr negative
//conformance:5880-6.8.6-select negative
//conformance:5880-6.8.6-auth-unexpected negative
//conformance:5880-6.8.6-auth-missing negative
//conformance:5881-5-receive negative
//conformance:5881-3-select negative
func TestSession_DropsInOrder(t *testing.T) {
	type wrong func(c *Control, p *Packet)
	sign := func(_ *Control, p *Packet) {
		p.Payload = (&authority{kind: AuthSHA1}).sign(p.Payload, 0, &Control{})
	}
	rows := []struct {
		name string
		do   wrong
		want Drop
	}{
		{"other discriminator", func(c *Control, _ *Packet) { c.YourDiscriminator = 12 }, DropNoSession},
		{"no discriminator, but up", func(c *Control, _ *Packet) { c.YourDiscriminator = 0; c.State = Up }, DropZeroDiscriminator},
		{"other source", func(c *Control, p *Packet) {
			c.YourDiscriminator, c.State, p.Src = 0, Down, netip.MustParseAddr("192.0.2.3")
		}, DropUnknownPeer},
		{"other link", func(_ *Control, p *Packet) { p.Link = 8 }, DropLink},
		{"too many hops", func(_ *Control, p *Packet) { p.TTL = 254 }, DropTTL},
		{"signed", func(_ *Control, p *Packet) {}, DropAuthUnexpected},
	}
	for i, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			n := up(t, config())
			c, p := says(Up), packet(says(Up))
			for j := len(rows) - 1; j >= i; j-- {
				rows[j].do(&c, p)
			}
			p.Payload = c.Append(nil)
			sign(&c, p)
			n.Step(n.now, Received(p), nil)
			for d := range NumDrops {
				want := uint64(0)
				if d == row.want {
					want = 1
				}
				equal(t, d.String(), n.Counters().Dropped[d], want)
			}
		})
	}
}

// What has the right discriminator is heard from whatever address; what has
// none, when it comes from the neighbour.
//
//conformance:5880-6.8.6-yourdiscr positive
//conformance:5880-6.8.6-select positive
//conformance:5880-6.8.6-zero-yourdiscr positive
//conformance:5881-5-receive positive
//conformance:5881-3-select positive
//conformance:5880-6.8.6-version positive
//conformance:5880-6.8.6-length positive
//conformance:5880-6.8.6-payload positive
//conformance:5880-6.8.6-mult positive
//conformance:5880-6.8.6-multipoint positive
//conformance:5880-6.8.6-mydiscr positive
func TestSession_Accepts(t *testing.T) {
	n := up(t, config())
	before := n.Counters().Received
	p := packet(says(Up))
	p.Src = netip.MustParseAddr("192.0.2.3")
	n.Step(n.now, Received(p), nil)
	p = packet(says(Up))
	p.Payload = append(p.Payload, 0, 0) // bytes behind its length
	n.Step(n.now, Received(p), nil)
	n.hear(says(AdminDown, unnamed))
	p = packet(says(Down, unnamed))
	p.Src = netip.AddrFrom16(thereAddr.As16()) // as a socket for both families gives it
	n.Step(n.now, Received(p), nil)
	equal(t, "received", n.Counters().Received-before, 4)
}

// The neighbour has started anew: it knows no discriminator of ours, and its
// own is another.
func TestSession_NeighbourStartsAnew(t *testing.T) {
	n := up(t, config())
	again := func(c *Control) { c.MyDiscriminator = 23 }
	acts := n.hear(says(Down, unnamed, again))
	equal(t, "reason", acts[0].Reason, ReasonNeighbourDown)
	equal(t, "names", sent(acts)[0].YourDiscriminator, 23)
	n.hear(says(Down, again))
	n.in(Init)
	n.hear(says(Init, again))
	n.in(Up)
}
