package bfd

import (
	"fmt"
	"net/netip"
)

// Table finds the session that a packet is for, RFC 5880 §6.3. The zero value
// is empty and ready.
type Table struct {
	named map[uint32]*Session
	paths map[path]*Session
	drops [NumDrops]uint64
}

// path is what tells sessions apart as long as their neighbours do not know
// their discriminators: the link and the neighbour's address (RFC 5881 §3).
type path struct {
	link int
	peer netip.Addr
}

// Add takes a session in. There is one for each neighbour on a link, and each
// has a discriminator of its own.
func (t *Table) Add(s *Session) error {
	if t.named == nil {
		t.named, t.paths = map[uint32]*Session{}, map[path]*Session{}
	}
	p := path{s.cfg.Link, s.cfg.Peer}
	if _, taken := t.named[s.cfg.Discriminator]; taken {
		return fmt.Errorf("cannot add session: discriminator %d is taken", s.cfg.Discriminator)
	}
	if _, taken := t.paths[p]; taken {
		return fmt.Errorf("cannot add session: link %d has one with %s already", p.link, p.peer)
	}
	t.named[s.cfg.Discriminator], t.paths[p] = s, s
	return nil
}

// Remove takes a session out.
func (t *Table) Remove(s *Session) {
	if t.named[s.cfg.Discriminator] != s {
		return
	}
	delete(t.named, s.cfg.Discriminator)
	delete(t.paths, path{s.cfg.Link, s.cfg.Peer})
}

// Find gives the session to Step with the packet, or says why there is none.
// What is looked at is what RFC 5880 §6.8.6 looks at before there is a session;
// the session repeats it, so that it may be used without a Table.
func (t *Table) Find(p *Packet) (*Session, Drop) {
	s, drop := t.find(p)
	if drop != DropNone {
		t.drops[drop]++
	}
	return s, drop
}

func (t *Table) find(p *Packet) (*Session, Drop) {
	var c Control
	if _, drop := c.Decode(p.Payload); drop != DropNone {
		return nil, drop
	}
	if c.YourDiscriminator != 0 {
		s := t.named[c.YourDiscriminator]
		if s == nil {
			return nil, DropNoSession
		}
		return s, DropNone
	}
	if c.State != Down && c.State != AdminDown {
		return nil, DropZeroDiscriminator
	}
	s := t.paths[path{p.Link, plain(p.Src)}]
	if s == nil {
		return nil, DropUnknownPeer
	}
	return s, DropNone
}

// Dropped counts the packets for which there was no session.
func (t *Table) Dropped() [NumDrops]uint64 { return t.drops }
