package wire

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/bfd"
	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/vrrp"
)

// What Send refuses by itself.
var (
	ErrPort      = errors.New("cannot send: the interface is not open")
	ErrAddresses = errors.New("cannot send: source and destination are not addresses of one family")
	ErrEthernet  = errors.New("cannot send a frame or with a virtual MAC: the interface is not Ethernet")
)

// chain is the list of the packets of one Send that go to one socket, in
// their order: indices into out, linked by transmitter.next, -1 at the end.
type chain struct{ first, last int32 }

var noChain = chain{-1, -1}

// transmitter is the memory that packets are sent from: one slot for each
// packet of a batch, holding what precedes or accompanies the data. The data
// itself is not copied.
type transmitter struct {
	next   []int32   // per packet of this Send: the next one of its socket
	active []*socket // sockets that have packets in this Send

	msgs    []unix.Mmsghdr
	iovs    [][2]unix.Iovec
	headers [][headroom]byte
	names   []unix.RawSockaddrInet6
	control []packetInfo
	places  [batch]int32 // which packet of out is in which slot
}

func (t *transmitter) init() {
	t.msgs = make([]unix.Mmsghdr, batch)
	t.iovs = make([][2]unix.Iovec, batch)
	t.headers = make([][headroom]byte, batch)
	t.names = make([]unix.RawSockaddrInet6, batch)
	t.control = make([]packetInfo, batch)
	for i := range t.msgs {
		t.msgs[i].Hdr.Iov = &t.iovs[i][0]
	}
}

// Send hands packets to the kernel; see engine.Wire. Packets of one interface
// that leave as frames keep their order, as do those to one family's unicast
// peers. Err is nil for what the kernel took.
func (w *Wire) Send(out []engine.Outgoing) {
	t := &w.tx
	t.active = t.active[:0]
	if cap(t.next) < len(out) {
		t.next = make([]int32, len(out)+batch)
	}
	t.next = t.next[:len(out)]
	for i := range out {
		s, err := w.route(&out[i])
		out[i].Err = err
		if err != nil {
			continue
		}
		t.next[i] = -1
		if s.chain.first < 0 {
			s.chain.first = int32(i)
			t.active = append(t.active, s)
		} else {
			t.next[s.chain.last] = int32(i)
		}
		s.chain.last = int32(i)
	}
	for _, s := range t.active {
		if s.kind == engine.Frame {
			s.port.refresh()
		}
		for i := s.chain.first; i >= 0; {
			n := 0
			for ; i >= 0 && n < batch; i = t.next[i] {
				t.places[n] = i
				t.fill(n, s, &out[i])
				n++
			}
			t.flush(s, n, out)
		}
		s.chain = noChain
	}
}

// route finds the socket that a packet leaves by.
func (w *Wire) route(o *engine.Outgoing) (*socket, error) {
	p := w.ports[o.Port]
	if p == nil {
		return nil, ErrPort
	}
	virtual := o.SrcMAC != [6]byte{}
	if o.Kind == engine.Frame {
		if !p.ethernet {
			return nil, ErrEthernet
		}
		return p.packet, nil
	}
	if p.name == votesName {
		return p.voteSocket(o)
	}
	if !o.Src.IsValid() || !o.Dst.IsValid() || o.Src.Is4() != o.Dst.Is4() || o.Dst.Is4In6() {
		return nil, ErrAddresses
	}
	family := vrrp.IPv4
	if o.Dst.Is6() {
		family = vrrp.IPv6
	}
	i := familyIndex(family)
	switch {
	case p.missing[i] != nil:
		return nil, p.missing[i]
	case o.Kind == engine.BFD:
		return p.bfdSocket(o, i)
	case o.Dst.IsMulticast() && p.ethernet:
		return p.packet, nil
	case o.Dst.IsMulticast() && virtual:
		return nil, ErrEthernet
	case o.Kind == engine.Message:
		return p.udp[i], nil
	default:
		return p.raw[i], nil
	}
}

// fill prepares slot n with a packet.
func (t *transmitter) fill(n int, s *socket, o *engine.Outgoing) {
	h := &t.msgs[n].Hdr
	h.Name, h.Namelen = nil, 0
	h.Control = nil
	h.SetControllen(0)
	iov := &t.iovs[n]
	data := &iov[0]
	h.SetIovlen(1)
	switch {
	case s.kind != engine.Frame:
		t.address(n, s, o)
	case o.Kind != engine.Frame:
		mac := o.SrcMAC
		if mac == ([6]byte{}) {
			mac = s.port.mac
		}
		s.port.ipid++
		b := &t.headers[n]
		iov[0].Base = &b[0]
		iov[0].SetLen(headers(b[:], o, mac, s.port.ipid))
		data = &iov[1]
		h.SetIovlen(2)
	}
	data.Base = unsafe.SliceData(o.Data)
	data.SetLen(len(o.Data))
}

// flush sends the first n slots. A packet that the kernel refuses costs only
// itself, unless the refusal is about the interface: then the rest of the
// batch would fare the same, and trying each would only take time from the
// loop.
func (t *transmitter) flush(s *socket, n int, out []engine.Outgoing) {
	sent, retried := 0, false
	for sent < n {
		r, _, errno := unix.RawSyscall6(unix.SYS_SENDMMSG, uintptr(s.fd),
			uintptr(unsafe.Pointer(&t.msgs[sent])), uintptr(n-sent), unix.MSG_DONTWAIT, 0, 0)
		if errno == 0 {
			sent += int(r)
			s.port.count.sent.Add(uint64(r))
			retried = false
			continue
		}
		switch errno {
		case unix.EINTR:
			continue
		case unix.EAGAIN, unix.ENOBUFS, unix.ENETDOWN:
			// Once more: a full queue may just have been emptied, and "network
			// is down" may be the memory of an earlier moment.
			if !retried {
				retried = true
				continue
			}
			t.refuse(s, out, t.places[sent:n], errno)
			return
		case unix.ENXIO, unix.ENODEV: // the interface is gone
			t.refuse(s, out, t.places[sent:n], errno)
			return
		default:
			t.refuse(s, out, t.places[sent:sent+1], errno)
			sent++
		}
	}
}

func (t *transmitter) refuse(s *socket, out []engine.Outgoing, places []int32, errno unix.Errno) {
	for _, i := range places {
		out[i].Err = s.port.failure(errno)
	}
	s.port.count.refused.Add(uint64(len(places)))
}

// packetInfo is a control message that sets the source address of one packet,
// large enough for either family.
type packetInfo struct {
	header unix.Cmsghdr
	body   [unix.SizeofInet6Pktinfo + 4]byte
}

// address sets the destination and source of a packet that the kernel routes.
func (t *transmitter) address(n int, s *socket, o *engine.Outgoing) {
	h := &t.msgs[n].Hdr
	c := &t.control[n]
	h.Name = (*byte)(unsafe.Pointer(&t.names[n]))
	h.Control = (*byte)(unsafe.Pointer(c))
	var port uint16
	switch s.kind {
	case engine.Message:
		port = bigEndian(engine.MessagePort)
	case engine.Vote:
		port = bigEndian(o.DstPort)
	case engine.BFD:
		port = bigEndian(bfd.Port)
	}
	if s.family == vrrp.IPv4 {
		*(*unix.RawSockaddrInet4)(unsafe.Pointer(&t.names[n])) = unix.RawSockaddrInet4{
			Family: unix.AF_INET, Port: port, Addr: o.Dst.As4(),
		}
		h.Namelen = unix.SizeofSockaddrInet4
		if !o.Src.IsValid() {
			h.Control = nil
			return
		}
		c.header.Level, c.header.Type = unix.IPPROTO_IP, unix.IP_PKTINFO
		c.header.SetLen(unix.CmsgLen(unix.SizeofInet4Pktinfo))
		h.SetControllen(unix.CmsgSpace(unix.SizeofInet4Pktinfo))
		*(*unix.Inet4Pktinfo)(unsafe.Pointer(&c.body)) = unix.Inet4Pktinfo{Spec_dst: o.Src.As4()}
		return
	}
	name := unix.RawSockaddrInet6{Family: unix.AF_INET6, Port: port, Addr: o.Dst.As16()}
	if o.Dst.IsLinkLocalUnicast() || o.Dst.IsMulticast() {
		name.Scope_id = uint32(s.port.index)
	}
	t.names[n] = name
	h.Namelen = unix.SizeofSockaddrInet6
	if !o.Src.IsValid() {
		h.Control = nil
		return
	}
	c.header.Level, c.header.Type = unix.IPPROTO_IPV6, unix.IPV6_PKTINFO
	c.header.SetLen(unix.CmsgLen(unix.SizeofInet6Pktinfo))
	h.SetControllen(unix.CmsgSpace(unix.SizeofInet6Pktinfo))
	info := unix.Inet6Pktinfo{Addr: o.Src.As16()}
	if o.Src.IsLinkLocalUnicast() {
		info.Ifindex = uint32(s.port.index)
	}
	*(*unix.Inet6Pktinfo)(unsafe.Pointer(&c.body)) = info
}

// bigEndian converts to network order.
func bigEndian(v uint16) uint16 {
	b := [2]byte{byte(v >> 8), byte(v)}
	return *(*uint16)(unsafe.Pointer(&b))
}
