package wire

import (
	"bytes"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/engine"
)

// voteWire opens votes on a free port of a loopback address. It needs no
// privilege.
func voteWire(t *testing.T, host netip.Addr) (*Wire, engine.Port, uint16) {
	t.Helper()
	w, err := New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Shutdown() })
	for range 20 {
		c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(host, 0)))
		if err != nil {
			t.Skipf("cannot use %s: %v", host, err)
		}
		number := c.LocalAddr().(*net.UDPAddr).AddrPort().Port()
		_ = c.Close()
		if p, err := w.OpenVotes(host, number); err == nil {
			return w, p, number
		}
	}
	t.Fatal("no port is free")
	return nil, 0, 0
}

// Votes go to and come from any port, and an answer leaves by the address that
// was asked.
func TestVotes(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "::1"} {
		addr := netip.MustParseAddr(host)
		a, pa, na := voteWire(t, addr)
		b, pb, nb := voteWire(t, addr)
		vote := []byte("HFV1 and whatever")
		send := func(w *Wire, p engine.Port, to uint16, src netip.Addr, data []byte) {
			t.Helper()
			out := []engine.Outgoing{{Port: p, Kind: engine.Vote, Src: src, Dst: addr, DstPort: to, Data: data}}
			if w.Send(out); out[0].Err != nil {
				t.Fatal(out[0].Err)
			}
		}
		receive := func(w *Wire, p engine.Port, from uint16) {
			t.Helper()
			var in [8]engine.Datagram
			n, _, err := w.Wait(time.Now().Add(10*time.Second), in[:])
			if err != nil || n != 1 {
				t.Fatalf("%s: %d datagrams, %v", host, n, err)
			}
			d := in[0]
			if d.Port != p || d.Kind != engine.Vote || d.Src != addr || d.Dst != addr || d.SrcPort != from || !bytes.Equal(d.Data, vote) {
				t.Errorf("got %+v", d)
			}
		}
		send(a, pa, nb, netip.Addr{}, []byte("not a vote")) // the kernel keeps it
		send(a, pa, nb, netip.Addr{}, vote)
		receive(b, pb, na)
		send(b, pb, na, addr, vote)
		receive(a, pa, nb)
		if _, err := a.OpenVotes(addr, na); err == nil {
			t.Error("votes are opened twice")
		}
	}
}

func TestVotes_Refuses(t *testing.T) {
	w, p, number := voteWire(t, netip.MustParseAddr("127.0.0.1"))
	for name, o := range map[string]engine.Outgoing{
		"an advert":      {Port: p, Kind: engine.Advert, Dst: netip.MustParseAddr("127.0.0.1")},
		"another family": {Port: p, Kind: engine.Vote, Dst: netip.MustParseAddr("::1"), DstPort: number},
		"two families":   {Port: p, Kind: engine.Vote, Src: netip.MustParseAddr("::1"), Dst: netip.MustParseAddr("127.0.0.1"), DstPort: number},
		"nobody":         {Port: p, Kind: engine.Vote},
	} {
		out := []engine.Outgoing{o}
		if w.Send(out); out[0].Err == nil {
			t.Errorf("%s was sent", name)
		}
	}
	if err := w.Close(p); err != nil {
		t.Error(err)
	}
	if p, err := w.OpenVotes(netip.Addr{}, number); err != nil || p == 0 {
		t.Errorf("cannot open again, on all addresses: %v", err)
	}
}
