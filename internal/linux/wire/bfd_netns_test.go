package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"

	"github.com/holdfast-net/holdfast/bfd"
	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/vrrp"
)

// control is a control packet that its number is told by.
func control(number uint32) []byte {
	c := bfd.Control{State: bfd.Down, DetectMult: 3, MyDiscriminator: number, DesiredMinTx: time.Second, RequiredMinRx: time.Second}
	return c.Append(nil)
}

// openBFD starts BFD on the node's port.
func (n *node) openBFD() {
	n.t.Helper()
	n.do(func() error { return n.wire.OpenBFD(n.port) })
}

// bfdPair is the usual lab with BFD.
func bfdPair(t testing.TB) (a, b *node) {
	t.Helper()
	a, b = pair(t)
	a.openBFD()
	b.openBFD()
	return a, b
}

func (n *node) bfd(src, dst netip.Addr, data []byte) engine.Outgoing {
	return engine.Outgoing{Port: n.port, Kind: engine.BFD, Src: src, Dst: dst, Data: data}
}

// Over both families, both ways, with what RFC 5881 wants in the headers.
//
//conformance:5881-4-port positive
//conformance:5881-4-source-range positive
//conformance:5881-4-source-same positive
//conformance:5881-5-send positive
func TestBFD_OnTheWire(t *testing.T) {
	a, b := bfdPair(t)
	sniffer := b.sniffer()
	for _, way := range []struct {
		family   vrrp.Family
		src, dst netip.Addr
	}{{vrrp.IPv4, a4, b4}, {vrrp.IPv6, a6, b6}} {
		source := uint16(0)
		for i := range uint32(5) {
			data := control(1000 + i)
			a.send(a.bfd(way.src, way.dst, data))
			want := engine.Datagram{
				Port: b.port, Kind: engine.BFD, Family: way.family, Src: way.src, Dst: way.dst, TTL: 255, Data: data,
			}
			if diff := cmp.Diff(want, b.hear("BFD", carries(data)), compareAddr); diff != "" {
				t.Errorf("b heard (-want +got)\n%s", diff)
			}
			frame := b.frame(sniffer, "BFD", func(f []byte) bool { return bytes.HasSuffix(f, data) })
			head, ttl := frame[14+20:], frame[14+8]
			if way.family == vrrp.IPv6 {
				head, ttl = frame[14+40:], frame[14+7]
			}
			from, to := binary.BigEndian.Uint16(head), binary.BigEndian.Uint16(head[2:])
			if ttl != 255 || to != 3784 || from < 49152 {
				t.Errorf("IPv%d: TTL %d, port %d to %d", way.family, ttl, from, to)
			}
			if i > 0 && from != source {
				t.Errorf("IPv%d: port %d after %d", way.family, from, source)
			}
			source = from
		}
		data := control(2000)
		b.send(b.bfd(way.dst, way.src, data))
		a.hear("BFD the other way", carries(data))
	}
}

// The kernel drops what no neighbour on the link sends, before anyone wakes.
//
//conformance:5881-5-receive negative
func TestBFD_Filter(t *testing.T) {
	a, b := bfdPair(t)
	good := control(1)
	older := append([]byte{0x00}, good[1:]...)
	for _, network := range []string{"udp4", "udp6"} {
		dst := net.UDPAddrFromAddrPort(netip.AddrPortFrom(b4, bfd.Port))
		if network == "udp6" {
			zone := fmt.Sprint(a.link("eth0").Attrs().Index)
			dst = net.UDPAddrFromAddrPort(netip.AddrPortFrom(b6.WithZone(zone), bfd.Port))
		}
		a.do(func() error {
			c, err := net.ListenUDP(network, nil)
			if err != nil {
				return err
			}
			defer c.Close()
			send := func(ttl int, data []byte) {
				if network == "udp4" {
					err = errors.Join(err, ipv4.NewConn(c).SetTTL(ttl))
				} else {
					err = errors.Join(err, ipv6.NewConn(c).SetHopLimit(ttl))
				}
				_, e := c.WriteTo(data, dst)
				err = errors.Join(err, e)
			}
			send(254, good)
			send(1, good)
			send(255, older)
			send(255, good[:23])
			send(255, nil)
			send(255, append(good, network...))
			return err
		})
		b.hear("the good one", func(d engine.Datagram) bool {
			if d.TTL != 255 || len(d.Data) != len(good)+len(network) {
				t.Errorf("heard TTL %d, %x", d.TTL, d.Data)
			}
			return bytes.HasSuffix(d.Data, []byte(network))
		})
	}
}

// BFD follows its interface, and ends without it.
func TestBFD_OpensAndCloses(t *testing.T) {
	a, b := pair(t)
	try := func() error {
		out := []engine.Outgoing{a.bfd(a4, b4, control(1))}
		a.wire.Send(out)
		return out[0].Err
	}
	if err := try(); !errors.Is(err, errNoBFD) {
		t.Errorf("sending before it is open: %v", err)
	}
	a.do(func() error {
		if err := a.wire.OpenBFD(a.port + 100); !errors.Is(err, ErrPort) {
			return fmt.Errorf("opening on no port: %w", err)
		}
		return nil
	})
	a.openBFD()
	a.openBFD() // again is harmless
	b.openBFD()
	must(t, try())
	b.hear("BFD", carries(control(1)))
	if out := []engine.Outgoing{a.bfd(a4, vrrp.Group4, control(1))}; true {
		a.wire.Send(out)
		if !errors.Is(out[0].Err, ErrAddresses) {
			t.Errorf("sending to a group: %v", out[0].Err)
		}
	}

	// A new interface of the same name: opening the port again is enough.
	must(t, a.nl.LinkDel(a.link("eth0")))
	connect(t, a, b, "eth0")
	a.port, b.port = a.open("eth0"), b.open("eth0")
	for _, way := range [][2]netip.Addr{{a4, b4}, {a6, b6}} {
		a.send(a.bfd(way[0], way[1], control(2)))
		b.hear("BFD on the new interface", carries(control(2)))
	}

	a.wire.CloseBFD(a.port)
	a.wire.CloseBFD(a.port)
	if err := try(); !errors.Is(err, errNoBFD) {
		t.Errorf("sending after it was closed: %v", err)
	}
	a.send(engine.Outgoing{Port: a.port, Kind: engine.Advert, Src: a4, Dst: b4, Data: advert(1, "still")})
	b.hear("adverts all the same", carries(advert(1, "still")))
	// The port is free again.
	a.do(func() error {
		c, err := net.ListenUDP("udp4", &net.UDPAddr{Port: bfd.Port})
		if err == nil {
			err = c.Close()
		}
		return err
	})
	a.openBFD()
	must(t, try())
	b.hear("BFD again", carries(control(1)))
}

// Where the port is taken, that is said, and the rest works.
func TestBFD_PortTaken(t *testing.T) {
	a, b := pair(t)
	a.do(func() error {
		for _, network := range []string{"udp4", "udp6"} {
			c, err := net.ListenUDP(network, &net.UDPAddr{Port: bfd.Port})
			if err != nil {
				return err
			}
			a.t.Cleanup(func() { c.Close() })
		}
		if err := a.wire.OpenBFD(a.port); err == nil {
			return errors.New("opened though the port is taken")
		}
		return nil
	})
	out := []engine.Outgoing{
		a.bfd(a4, b4, control(1)),
		{Port: a.port, Kind: engine.Advert, Src: a4, Dst: b4, Data: advert(1, "works")},
	}
	a.wire.Send(out)
	if out[0].Err == nil || out[1].Err != nil {
		t.Errorf("BFD: %v, advert: %v", out[0].Err, out[1].Err)
	}
	b.hear("the advert", carries(advert(1, "works")))
}
