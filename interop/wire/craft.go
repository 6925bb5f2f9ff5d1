package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"golang.org/x/net/ipv4"

	"github.com/holdfast-net/holdfast/internal/linux/netns"
)

// Group4 is where version 2 and 3 adverts over IPv4 go (RFC 9568 §5.1.1.2).
var Group4 = netip.AddrFrom4([4]byte{224, 0, 0, 18})

// Message encodes a version 3 advert, with any form of checksum: there are
// routers in the field whose form no daemon of a distribution sends.
func Message(src, dst netip.Addr, id, priority uint8, interval time.Duration, form Form, addresses ...netip.Addr) []byte {
	m := []byte{0x31, id, priority, uint8(len(addresses)), 0, 0, 0, 0}
	binary.BigEndian.PutUint16(m[4:], uint16(interval/(10*time.Millisecond)))
	for _, a := range addresses {
		m = append(m, a.AsSlice()...)
	}
	var check uint16
	switch form {
	case MessageOnly:
		check = ^sum(0, m)
	case PseudoHeader:
		check = ^sum(pseudo(src, dst, len(m)), m)
	case BadChecksum:
		check = ^sum(0, m) + 1
	}
	binary.BigEndian.PutUint16(m[6:], check)
	return m
}

// Speaker sends crafted messages to the IPv4 VRRP group, with TTL 255.
type Speaker struct{ conn *ipv4.PacketConn }

// NewSpeaker makes a speaker in a namespace, on an interface that has the
// source address.
func NewSpeaker(ns *netns.NS, ifname string, src netip.Addr) (*Speaker, error) {
	s := &Speaker{}
	err := ns.Do(func() error {
		link, err := net.InterfaceByName(ifname)
		if err != nil {
			return err
		}
		raw, err := net.ListenPacket("ip4:112", src.String())
		if err != nil {
			return err
		}
		s.conn = ipv4.NewPacketConn(raw)
		return errors.Join(s.conn.SetMulticastInterface(link), s.conn.SetMulticastTTL(255), s.conn.SetMulticastLoopback(false))
	})
	if err != nil {
		return nil, fmt.Errorf("cannot send from %s: %w", ifname, err)
	}
	return s, nil
}

// Send sends one message.
func (s *Speaker) Send(message []byte) error {
	_, err := s.conn.WriteTo(message, nil, &net.IPAddr{IP: Group4.AsSlice()})
	return err
}

// Repeat sends the message at an interval until stop is called, as an active
// router would. Stop returns what went wrong.
func (s *Speaker) Repeat(message []byte, interval time.Duration) (stop func() error) {
	quit, done := make(chan struct{}), make(chan error, 1)
	go func() {
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		for {
			if err := s.Send(message); err != nil {
				done <- err
				return
			}
			select {
			case <-quit:
				done <- nil
				return
			case <-ticker.C:
			}
		}
	}()
	return func() error { close(quit); return <-done }
}

// Close ends the speaker.
func (s *Speaker) Close() error { return s.conn.Close() }
