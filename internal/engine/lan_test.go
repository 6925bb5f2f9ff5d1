package engine

import (
	"context"
	"encoding/binary"
	"errors"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/vrrp"
)

// testLAN joins engines by value: what one sends, all others receive.
type testLAN struct {
	mu    sync.Mutex
	nodes []*testNode
	sent  []Outgoing // copies, in order
	times []time.Time
	from  []string

	gateway netip.Addr // that answers; none if it is not valid
	silent  bool       // it does not
	asked   int        // questions that it got
}

// testNode is one engine with a wire, hands and a journal made of values.
type testNode struct {
	lan    *testLAN
	name   string
	addr4  netip.Addr
	addr6  netip.Addr
	engine *Engine
	wakes  chan struct{}

	mu       sync.Mutex
	inbox    []Datagram
	cut      bool
	hears    []netip.Addr // whose answers
	deaf     bool         // a firewall drops adverts and messages
	records  []Record
	kernel   map[netip.Addr]Slot // the addresses that are on
	doors    map[Slot]Hold
	refuse   error // what the hands answer to OpInstall
	ops      []Op
	finished chan error
	frozen   chan struct{} // Wait does not return before it is closed; nil: it runs
}

func (l *testLAN) node(t *testing.T, name, addr4, addr6 string) *testNode {
	t.Helper()
	n := &testNode{
		lan: l, name: name, addr4: netip.MustParseAddr(addr4), addr6: netip.MustParseAddr(addr6),
		wakes: make(chan struct{}, 1), kernel: map[netip.Addr]Slot{}, doors: map[Slot]Hold{}, finished: make(chan error, 1),
	}
	n.engine = New(Options{Wire: n, Hands: handsOf{n}, Gate: gateOf{n}, Record: n.record})
	l.nodes = append(l.nodes, n)
	return n
}

// start runs the node's engine with a configuration on the interface eth0.
func (n *testNode) start(t *testing.T, cfg *config.Config) {
	t.Helper()
	cfg.Node = n.name
	go func() { n.finished <- n.engine.Run(context.Background()) }()
	n.link(true, "")
	if err := n.engine.Apply(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
}

func (n *testNode) link(up bool, why string) {
	n.engine.Changed(Change{Link: Link{
		Name: "eth0", Index: 2, MAC: [6]byte{2, 0, 0, 0, 0, n.addr4.As4()[3]}, MTU: 1500, Up: up, Why: why,
		Addresses: []netip.Prefix{netip.PrefixFrom(n.addr4, 24), netip.PrefixFrom(n.addr6, 64)},
	}})
}

func (n *testNode) stop(t *testing.T) {
	t.Helper()
	n.engine.Stop("test ends")
	if err := <-n.finished; err != nil {
		t.Errorf("%s: %v", n.name, err)
	}
	time.Sleep(10 * time.Millisecond) // for the hands
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.kernel) != 0 {
		t.Errorf("%s left addresses behind: %v", n.name, n.kernel)
	}
}

func (n *testNode) record(r Record) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.records = append(n.records, r)
}

// story is the node's transitions so far.
func (n *testNode) story() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var out []string
	for _, r := range n.records {
		if r.Kind == "transition" {
			out = append(out, r.Group+" "+r.From.String()+"->"+r.To.String())
		}
	}
	return out
}

func (n *testNode) answers(a string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	slot, on := n.kernel[netip.MustParseAddr(a)]
	return on && gateOf{n}.Now() < n.doors[slot].Announced
}

func (n *testNode) serves(a string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	slot, on := n.kernel[netip.MustParseAddr(a)]
	return on && gateOf{n}.Now() < n.doors[slot].Served
}

// Open, Close, Wait, Wake and Send make a testNode a Wire.

func (n *testNode) Open(ifname string) (Port, error) {
	if ifname != "eth0" {
		return 0, errors.New("no such interface")
	}
	return 1, nil
}

func (n *testNode) Close(Port) error { return nil }

func (n *testNode) Wake() {
	select {
	case n.wakes <- struct{}{}:
	default:
	}
}

func (n *testNode) OpenBFD(Port) error { return nil }

func (n *testNode) OpenAnswers(_ Port, from netip.Addr) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !slices.Contains(n.hears, from) {
		n.hears = append(n.hears, from)
	}
	return nil
}

func (n *testNode) CloseAnswers(_ Port, from netip.Addr) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hears = slices.DeleteFunc(n.hears, func(a netip.Addr) bool { return a == from })
}

// answer is what the gateway says to a frame, if it is there and is asked. It
// takes a millisecond.
func (n *testNode) answer(o Outgoing) {
	gw := n.lan.gateway
	if o.Kind != Frame || n.lan.silent || !gw.IsValid() || binary.BigEndian.Uint16(o.Data[12:]) != 0x0806 || netip.AddrFrom4([4]byte(o.Data[38:42])) != gw {
		return
	}
	asker, to := netip.AddrFrom4([4]byte(o.Data[28:32])), [6]byte(o.Data[:6])
	if to != [6]byte{255, 255, 255, 255, 255, 255} && to != gatewayMAC {
		return
	}
	n.lan.asked++
	time.AfterFunc(time.Millisecond, func() {
		n.mu.Lock()
		if slices.Contains(n.hears, gw) && !n.cut {
			n.inbox = append(n.inbox, Datagram{Port: 1, Kind: Answer, Family: vrrp.IPv4, Src: gw, Dst: asker, Data: gatewayMAC[:]})
		}
		n.mu.Unlock()
		n.Wake()
	})
}

var gatewayMAC = [6]byte{2, 0, 0, 0, 0, 254}

// freeze keeps the engine from running until the function that it returns is
// called.
func (n *testNode) freeze() (thaw func()) {
	frozen := make(chan struct{})
	n.mu.Lock()
	defer n.mu.Unlock()
	n.frozen = frozen
	n.Wake()
	return func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.frozen = nil
		close(frozen)
	}
}

func (n *testNode) Wait(until time.Time, in []Datagram) (int, time.Time, error) {
	n.mu.Lock()
	frozen := n.frozen
	n.mu.Unlock()
	if frozen != nil {
		<-frozen
	}
	if got := n.receive(in); got > 0 {
		return got, time.Now(), nil
	}
	var timer <-chan time.Time
	if !until.IsZero() {
		timer = time.After(max(time.Until(until), 0))
	}
	select {
	case <-timer:
	case <-n.wakes:
	}
	return n.receive(in), time.Now(), nil
}

func (n *testNode) receive(in []Datagram) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	got := copy(in, n.inbox)
	n.inbox = slices.Delete(n.inbox, 0, got)
	return got
}

func (n *testNode) Send(out []Outgoing) {
	n.lan.mu.Lock()
	defer n.lan.mu.Unlock()
	for _, o := range out {
		o.Data = slices.Clone(o.Data)
		n.lan.sent = append(n.lan.sent, o)
		n.lan.times = append(n.lan.times, time.Now())
		n.lan.from = append(n.lan.from, n.name)
		if n.isCut() {
			continue
		}
		if n.answer(o); o.Kind == Frame {
			continue
		}
		for _, other := range n.lan.nodes {
			if other != n && !other.isCut() {
				other.deliver(o)
			}
		}
	}
}

func (n *testNode) isCut() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.cut
}

func (n *testNode) setCut(cut bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cut = cut
}

func (n *testNode) deliver(o Outgoing) {
	family := vrrp.IPv4
	if o.Dst.Is6() {
		family = vrrp.IPv6
	}
	if !o.Dst.IsMulticast() && o.Dst != n.addr4 && o.Dst != n.addr6 {
		return
	}
	n.mu.Lock()
	if n.deaf && (o.Kind == Advert || o.Kind == Message) {
		n.mu.Unlock()
		return
	}
	n.inbox = append(n.inbox, Datagram{
		Port: 1, Kind: o.Kind, Family: family, Src: o.Src, Dst: o.Dst, TTL: 255, Data: o.Data,
	})
	n.mu.Unlock()
	n.Wake()
}

// gateOf is a node's gate.
type gateOf struct{ n *testNode }

func (g gateOf) Now() Instant { return Instant(time.Now().UnixNano()) }

func (g gateOf) Set(s Slot, h Hold) {
	g.n.mu.Lock()
	defer g.n.mu.Unlock()
	g.n.doors[s] = h
}

// handsOf are a node's hands: they take a millisecond for each order.
type handsOf struct{ n *testNode }

func (h handsOf) Close() error { return nil }

func (h handsOf) Submit(op Op) {
	n := h.n
	n.mu.Lock()
	n.ops = append(n.ops, op)
	n.mu.Unlock()
	time.AfterFunc(time.Millisecond, func() { n.engine.Carried(n.carry(op)) })
}

func (n *testNode) carry(op Op) Result {
	n.mu.Lock()
	defer n.mu.Unlock()
	slot := Slot(op.VRID)<<8 | Slot(op.Family)
	res := Result{Op: op, MAC: [6]byte{0, 0, 0x5e, 0, 1, op.VRID}, Virtual: true, Slot: slot}
	for _, p := range op.Addresses {
		switch op.Kind {
		case OpInstall:
			if res.Err = n.refuse; res.Err == nil {
				n.kernel[p.Addr()] = slot
			}
		case OpRemove, OpDiscard:
			delete(n.kernel, p.Addr())
		case OpPrepare:
		}
	}
	return res
}

// adverts lists who sent VRRP priorities, in order, for one VRID.
func (l *testLAN) adverts(vrid uint8) (from []string, priority []uint8, at []time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, o := range l.sent {
		if o.Kind == Advert && o.Data[1] == vrid {
			from, priority, at = append(from, l.from[i]), append(priority, o.Data[2]), append(at, l.times[i])
		}
	}
	return from, priority, at
}

// arps counts the ARP frames that announce an address from a node.
func (l *testLAN) arps(from, address string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	want := netip.MustParseAddr(address).As4()
	count := 0
	for i, o := range l.sent {
		if l.from[i] == from && o.Kind == Frame && binary.BigEndian.Uint16(o.Data[12:]) == 0x0806 && [4]byte(o.Data[28:32]) == want {
			count++
		}
	}
	return count
}
