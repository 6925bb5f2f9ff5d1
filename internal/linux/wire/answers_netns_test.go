package wire

import (
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/announce"
	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/vrrp"
)

func (n *node) openAnswers(from netip.Addr) {
	n.t.Helper()
	n.do(func() error { return n.wire.OpenAnswers(n.port, from) })
}

// ask makes the question that the engine asks: to all, or to one.
func (n *node) ask(to [6]byte, src, gateway netip.Addr) engine.Outgoing {
	var data []byte
	if gateway.Is4() {
		data = announce.AppendARPAsk(nil, aMAC, to, src, gateway)
	} else {
		data = announce.AppendNSAsk(nil, aMAC, to, src, gateway)
	}
	return engine.Outgoing{Port: n.port, Kind: engine.Frame, Data: data}
}

// answered asks until there is an answer: the kernel joins an address's group
// in its own time.
func (n *node) answered(what string, to [6]byte, src, gateway netip.Addr) engine.Datagram {
	n.t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
		n.send(n.ask(to, src, gateway))
		if d, ok := n.listen(200*time.Millisecond, isAnswer); ok {
			return d
		}
	}
	n.t.Fatalf("no answer of %s: %s", gateway, what)
	return engine.Datagram{}
}

func isAnswer(d engine.Datagram) bool { return d.Kind == engine.Answer }

var nobody [6]byte

// gatewayOf makes b a gateway: a machine with a kernel and no wire of ours.
func gatewayOf(t *testing.T) (a, b *node) {
	a, b = newNode(t), newNode(t)
	connect(t, a, b, "eth0")
	a.port = a.open("eth0")
	return a, b
}

// A kernel answers to all and to itself, in both families, and says where it
// is.
func TestAnswers_OfAKernel(t *testing.T) {
	for _, way := range []struct {
		family       vrrp.Family
		src, gateway netip.Addr
	}{{vrrp.IPv4, a4, b4}, {vrrp.IPv6, a6, b6}} {
		a, _ := gatewayOf(t)
		a.openAnswers(way.gateway)
		a.openAnswers(way.gateway) // is the same one
		a.answered("it is not ready", nobody, way.src, way.gateway)
		a.listen(100*time.Millisecond, func(engine.Datagram) bool { return false })
		for _, to := range [][6]byte{nobody, bMAC, nobody} {
			a.send(a.ask(to, way.src, way.gateway))
			d := a.hear("the gateway's answer", isAnswer)
			if d.Port != a.port || d.Family != way.family || d.Src != way.gateway || d.Dst != way.src {
				t.Errorf("%+v", d)
			}
			// A neighbour that was asked alone need not say what was known
			// (RFC 4861 §7.2.4).
			if string(d.Data) != string(bMAC[:]) && (to == nobody || len(d.Data) != 0) {
				t.Errorf("IPv%d: it is at %x", way.family, d.Data)
			}
			if _, more := a.listen(50*time.Millisecond, isAnswer); more {
				t.Errorf("IPv%d: a second answer to one question", way.family)
			}
		}
	}
}

// A gateway that is gone does not answer, nor does another one in its place.
func TestAnswers_OfNobody(t *testing.T) {
	for _, way := range []struct{ src, gateway, gone netip.Addr }{
		{a4, b4, netip.MustParseAddr("192.0.2.77")},
		{a6, b6, netip.MustParseAddr("fe80::77")},
	} {
		a, b := gatewayOf(t)
		a.openAnswers(way.gone)
		a.send(a.ask(nobody, way.src, way.gone))
		a.send(a.ask(nobody, way.src, way.gateway)) // which nobody listens to
		a.send(a.ask(bMAC, way.src, way.gone))
		if d, ok := a.listen(200*time.Millisecond, isAnswer); ok {
			t.Errorf("%s does not exist and says %+v", way.gone, d)
		}
		b.do(func() error {
			b.up("eth0", way.gone)
			return nil
		})
		a.answered("it is there now", nobody, way.src, way.gone)
		a.wire.CloseAnswers(a.port, way.gone)
		a.send(a.ask(nobody, way.src, way.gone))
		if _, ok := a.listen(100*time.Millisecond, isAnswer); ok {
			t.Error("it is heard though nobody listens")
		}
	}
}

// What is not an answer of that address to this machine wakes nobody.
func TestAnswers_Filter(t *testing.T) {
	a, b := gatewayOf(t)
	b.port = b.open("eth0")
	a.openAnswers(b4)
	a.openAnswers(b6)
	arp := func(edit func(f []byte)) engine.Outgoing { // b's reply to a
		f := announce.AppendARPReply(nil, bMAC, b4)
		copy(f[0:], aMAC[:])
		copy(f[32:], aMAC[:])
		copy(f[38:], a4.AsSlice())
		edit(f)
		return engine.Outgoing{Port: b.port, Kind: engine.Frame, Data: f}
	}
	na := func(role announce.Role) engine.Outgoing {
		return engine.Outgoing{Port: b.port, Kind: engine.Frame, Data: announce.AppendNA(nil, bMAC, b6, role)}
	}
	b.send(
		arp(func(f []byte) { f[21] = 1 }),                           // a request
		arp(func(f []byte) { f[31] ^= 1 }),                          // of another address
		arp(func(f []byte) { copy(f, vMAC[:]) }),                    // to another machine
		arp(func(f []byte) { copy(f, "\xff\xff\xff\xff\xff\xff") }), // to all: an announcement
		arp(func(f []byte) { f[15] = 6 }),                           // not of Ethernet
		na(announce.Host),                                           // not in answer to anything
	)
	if d, ok := a.listen(200*time.Millisecond, isAnswer); ok {
		t.Errorf("%+v woke", d)
	}
	b.send(arp(func([]byte) {}))
	a.hear("what is one", isAnswer)
}

// The sockets survive the interface going down and up, follow it when it is
// made anew, and are closed with the port.
func TestAnswers_InterfaceGoesAndComes(t *testing.T) {
	a, b := gatewayOf(t)
	for _, g := range []netip.Addr{b4, b6} {
		a.openAnswers(g)
	}
	before := descriptors(t)
	must(t, a.nl.LinkSetDown(a.link("eth0")))
	a.up("eth0", a6) // the kernel took it with the link
	a.ready("eth0")
	for _, way := range [][2]netip.Addr{{a4, b4}, {a6, b6}} {
		a.answered("the link was down", nobody, way[0], way[1])
	}
	if got := descriptors(t); got != before {
		t.Errorf("%d descriptors after %d", got, before)
	}
	must(t, a.nl.LinkDel(a.link("eth0")))
	connect(t, a, b, "eth0")
	a.port = a.open("eth0")
	a.openAnswers(b4)
	a.answered("the interface is new", nobody, a4, b4)
	must(t, a.wire.Close(a.port))
	if err := a.wire.OpenAnswers(a.port, b4); err == nil {
		t.Error("answers open on a port that is closed")
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	all, err := os.ReadDir("/proc/self/fd")
	must(t, err)
	return len(all)
}
