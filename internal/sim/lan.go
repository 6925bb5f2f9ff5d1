package sim

import (
	"net/netip"
	"time"

	"github.com/holdfast-net/holdfast/vrrp"
)

// mac is an Ethernet address in the lower 48 bits.
type mac uint64

const broadcast mac = 0xffffffffffff

// group reports whether frames to m go to many: broadcast and multicast.
func (m mac) group() bool { return m>>40&1 == 1 }

// multicast stands for every multicast address: receivers look at what is in
// the frame.
const multicast mac = 0x01005e000012

// content is what a frame carries.
type content uint8

const (
	advert    content = iota // VRRP
	message                  // package peer
	control                  // package bfd
	announced                // ARP announcement, or unsolicited neighbour advertisement, for addr
	question                 // ARP request or neighbour solicitation for addr
	answer                   // to a question, for addr
	ping                     // a client's probe of addr
	pong                     // the answer to it
)

// frame is one Ethernet frame. It is shared by all who receive it.
type frame struct {
	content  content
	family   vrrp.Family
	src, dst mac
	from, to netip.Addr
	addr     netip.Addr
	data     []byte
	id       int // of a probe
}

// Cut says what does not get through from one port to another.
type Cut uint8

const (
	CutIPv4 Cut = 1 << iota // adverts and all else of IPv4
	CutIPv6
	CutMessages // of package peer, both families
	CutDaemon   // adverts, messages and BFD: a firewall on the host that is meant to hear them
	CutAll      = CutIPv4 | CutIPv6 | CutMessages
)

func (f *frame) cutBy(c Cut) bool {
	switch {
	case f.content == message && c&CutMessages != 0,
		(f.content == message || f.content == advert || f.content == control) && c&CutDaemon != 0:
		return true
	case f.family == vrrp.IPv4:
		return c&CutIPv4 != 0
	}
	return c&CutIPv6 != 0
}

// Path is how well a cable carries frames, in both directions.
type Path struct {
	Delay   time.Duration
	Jitter  time.Duration // added to Delay, between 0 and this
	Loss    float64       // probability that a frame gets lost
	Twice   float64       // probability that it arrives twice
	Reorder bool          // frames may overtake each other within Jitter
}

// lan is a switch with its cables.
type lan struct {
	ports []port
	fdb   map[mac]uint8
	cuts  [][]Cut // [from][to]
}

type port struct {
	up     bool
	path   Path
	toward time.Duration // the last arrival at the switch, so that frames keep their order
	from   time.Duration // and at the station
}

func newLAN(ports int, path Path) *lan {
	l := &lan{ports: make([]port, ports), fdb: map[mac]uint8{}, cuts: make([][]Cut, ports)}
	for i := range l.ports {
		l.ports[i] = port{up: true, path: path}
		l.cuts[i] = make([]Cut, ports)
	}
	return l
}

// transmit puts a frame on the cable of a port.
func (w *World) transmit(lan, from int, f *frame) {
	p := &w.lans[lan].ports[from]
	if !p.up {
		return
	}
	for range w.copies(&p.path) {
		w.queue.push(event{
			at: w.arrival(&p.path, &p.toward), kind: atSwitch, lan: uint8(lan), port: uint8(from), frame: f,
		})
	}
}

// forward is a frame at the switch: it learns where the sender is, and passes
// the frame on to where the receiver was last seen, else to all.
func (w *World) forward(lan, from int, f *frame) {
	l := w.lans[lan]
	l.fdb[f.src] = uint8(from)
	if !f.dst.group() {
		if to, known := l.fdb[f.dst]; known {
			w.deliver(lan, from, int(to), f)
			return
		}
	}
	for to := range l.ports {
		w.deliver(lan, from, to, f)
	}
}

func (w *World) deliver(lan, from, to int, f *frame) {
	l := w.lans[lan]
	p := &l.ports[to]
	if to == from || !p.up || f.cutBy(l.cuts[from][to]) {
		return
	}
	for range w.copies(&p.path) {
		w.queue.push(event{
			at: w.arrival(&p.path, &p.from), kind: atPort, lan: uint8(lan), port: uint8(to), frame: f,
		})
	}
}

// copies is how many frames come out of a cable for one that goes in.
func (w *World) copies(p *Path) int {
	switch {
	case p.Loss > 0 && w.rng.Float64() < p.Loss:
		return 0
	case p.Twice > 0 && w.rng.Float64() < p.Twice:
		return 2
	}
	return 1
}

func (w *World) arrival(p *Path, last *time.Duration) time.Duration {
	at := w.now + p.Delay + w.upTo(p.Jitter)
	if !p.Reorder && at < *last {
		at = *last
	}
	*last = max(*last, at)
	return at
}

func familyOf(a netip.Addr) vrrp.Family {
	if a.Is4() {
		return vrrp.IPv4
	}
	return vrrp.IPv6
}

// setPort connects or disconnects a cable. A switch forgets what it learnt on
// a port that loses its link.
func (w *World) setPort(lan, n int, up bool) {
	l := w.lans[lan]
	l.ports[n].up = up
	if up {
		return
	}
	for m, at := range l.fdb {
		if int(at) == n {
			delete(l.fdb, m)
		}
	}
}
