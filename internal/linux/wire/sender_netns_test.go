package wire

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/vrrp"
)

// A Sender works beside a Wire on the same interface, in every way that an
// advert can leave, and takes nothing from it.
func TestSender_BesideAWire(t *testing.T) {
	a, b := pair(t)
	var s *Sender
	var port engine.Port
	a.do(func() (err error) {
		s = NewSender()
		port, err = s.Open("eth0")
		return err
	})
	for i, test := range []struct {
		family   vrrp.Family
		src, dst netip.Addr
		mac      [6]byte
	}{
		{vrrp.IPv4, a4, vrrp.Group4, [6]byte{}},
		{vrrp.IPv4, a4, vrrp.Group4, vMAC},
		{vrrp.IPv4, a4, b4, [6]byte{}},
		{vrrp.IPv6, a6, vrrp.Group6, [6]byte{}},
		{vrrp.IPv6, a6, vrrp.Group6, vMAC},
		{vrrp.IPv6, a6, b6, [6]byte{}},
	} {
		data := advert(1, fmt.Sprint("sender ", i))
		out := []engine.Outgoing{{Port: port, Kind: engine.Advert, Src: test.src, Dst: test.dst, SrcMAC: test.mac, Data: data}}
		s.Send(out)
		must(t, out[0].Err)
		want := engine.Datagram{Port: b.port, Kind: engine.Advert, Family: test.family, Src: test.src, Dst: test.dst, TTL: 255, Data: data}
		if diff := cmp.Diff(want, b.hear("the Sender", carries(data)), compareAddr); diff != "" {
			t.Errorf("b heard (-want +got)\n%s", diff)
		}
	}
	for _, dst := range []netip.Addr{b4, vrrp.Group4} {
		data := []byte("a message to " + dst.String())
		out := []engine.Outgoing{{Port: port, Kind: engine.Message, Src: a4, Dst: dst, Data: data}}
		s.Send(out)
		must(t, out[0].Err)
		if d := b.hear("the Sender's message", carries(data)); d.Kind != engine.Message || d.TTL != 255 || d.Src != a4 {
			t.Errorf("b heard %+v", d)
		}
	}

	data := advert(2, "to a")
	b.send(engine.Outgoing{Port: b.port, Kind: engine.Advert, Src: b4, Dst: a4, Data: data})
	a.hear("what is meant for it", carries(data))
	must(t, s.Close(port))
}
