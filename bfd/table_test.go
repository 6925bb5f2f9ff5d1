package bfd

import (
	"net/netip"
	"testing"
)

// A packet is for the session that it names, and where it names none, for the
// one with its sender on its link.
//
//conformance:5880-6.3-unique positive
//conformance:5880-6.3-unique negative
//conformance:5880-6.8.6-select positive
//conformance:5881-3-select positive
//conformance:5881-3-select negative
//conformance:5881-2-one positive
//conformance:5881-2-one negative
func TestTable(t *testing.T) {
	other := netip.MustParseAddr("fe80::2")
	var table Table
	add := func(discriminator uint32, peer netip.Addr, link int) *Session {
		t.Helper()
		s, err := New(config(func(c *Config) { c.Discriminator, c.Peer, c.Link = discriminator, peer, link }))
		if err != nil {
			t.Fatal(err)
		}
		if err := table.Add(s); err != nil {
			t.Fatal(err)
		}
		return s
	}
	if _, drop := table.Find(packet(says(Up))); drop != DropNoSession {
		t.Errorf("empty: %s", drop)
	}
	a := add(11, thereAddr, 7)
	b := add(12, thereAddr, 8)
	c := add(13, other, 7)

	tests := []struct {
		name   string
		packet *Packet
		want   *Session
		drop   Drop
	}{
		{"named", packet(says(Up)), a, DropNone},
		{"named, from elsewhere", &Packet{Link: 1, Payload: packet(says(Up)).Payload}, a, DropNone},
		{"another one", packet(says(Up, func(c *Control) { c.YourDiscriminator = 13 })), c, DropNone},
		{"unknown", packet(says(Down, func(c *Control) { c.YourDiscriminator = 99 })), nil, DropNoSession},
		{"by its sender", packet(says(Down, unnamed)), a, DropNone},
		{"by its sender and link", &Packet{Src: thereAddr, Link: 8, Payload: packet(says(AdminDown, unnamed)).Payload}, b, DropNone},
		{"by its sender with a zone", &Packet{Src: other.WithZone("eth0"), Link: 7, Payload: packet(says(Down, unnamed)).Payload}, c, DropNone},
		{"from a stranger", &Packet{Src: hereAddr, Link: 7, Payload: packet(says(Down, unnamed)).Payload}, nil, DropUnknownPeer},
		{"on a strange link", &Packet{Src: thereAddr, Link: 9, Payload: packet(says(Down, unnamed)).Payload}, nil, DropUnknownPeer},
		{"up without a name", packet(says(Up, unnamed)), nil, DropZeroDiscriminator},
		{"init without a name", packet(says(Init, unnamed)), nil, DropZeroDiscriminator},
		{"no packet", &Packet{}, nil, DropTruncated},
	}
	for _, tt := range tests {
		before := table.Dropped()[tt.drop]
		got, drop := table.Find(tt.packet)
		if got != tt.want || drop != tt.drop {
			t.Errorf("%s: %p and %s, want %p and %s", tt.name, got, drop, tt.want, tt.drop)
		}
		if counted := table.Dropped()[tt.drop] - before; (counted == 1) != (tt.drop != DropNone) {
			t.Errorf("%s: counted %d times as %s", tt.name, counted, tt.drop)
		}
	}

	for _, tt := range []struct {
		discriminator uint32
		peer          netip.Addr
	}{{11, hereAddr}, {14, thereAddr}} {
		s, err := New(config(func(c *Config) { c.Discriminator, c.Peer = tt.discriminator, tt.peer }))
		if err != nil {
			t.Fatal(err)
		}
		if err := table.Add(s); err == nil {
			t.Errorf("a second session with discriminator %d and peer %s", tt.discriminator, tt.peer)
		}
		table.Remove(s) // it is not in there, though one like it is
	}
	if got, _ := table.Find(packet(says(Up))); got != a {
		t.Error("a session was lost")
	}
	table.Remove(a)
	if _, drop := table.Find(packet(says(Up))); drop != DropNoSession {
		t.Errorf("removed: %s", drop)
	}
	if _, drop := table.Find(packet(says(Down, unnamed))); drop != DropUnknownPeer {
		t.Errorf("removed: %s", drop)
	}
}
