package wire

import (
	"encoding/binary"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/vrrp"
)

const (
	// batch is the most packets that one Wait returns and one sendmmsg takes.
	batch = 128
	// slotSize holds the largest advert: IPv6 with 255 addresses and an
	// authentication trailer is 4116 bytes, IPv4 with options less.
	slotSize = 4608
	// controlSize holds a TTL and the packet info of either family.
	controlSize = 96
)

// receiver is the memory that packets are received into, one slot for each
// packet of a batch. The slots are used from the first one on, so with little
// traffic the others are never touched.
type receiver struct {
	scratch uint64
	used    int
	msgs    []unix.Mmsghdr
	iovs    []unix.Iovec
	names   []unix.RawSockaddrInet6
	control []byte
	data    []byte
}

func (r *receiver) init() {
	r.msgs = make([]unix.Mmsghdr, batch)
	r.iovs = make([]unix.Iovec, batch)
	r.names = make([]unix.RawSockaddrInet6, batch)
	r.control = make([]byte, batch*controlSize)
	r.data = make([]byte, batch*slotSize)
	for i := range r.msgs {
		r.iovs[i].Base = &r.data[i*slotSize]
		r.iovs[i].SetLen(slotSize)
		h := &r.msgs[i].Hdr
		h.Name = (*byte)(unsafe.Pointer(&r.names[i]))
		h.Iov = &r.iovs[i]
		h.SetIovlen(1)
		h.Control = &r.control[i*controlSize]
		r.rearm(i)
	}
}

// rearm restores what the kernel changed in a slot.
func (r *receiver) rearm(i int) {
	h := &r.msgs[i].Hdr
	h.Namelen = unix.SizeofSockaddrInet6
	h.SetControllen(controlSize)
	h.Flags = 0
}

// reset forgets the batch before.
func (r *receiver) reset() {
	for i := range r.used {
		r.rearm(i)
	}
	r.used = 0
}

// receive takes up to len(in) packets from a socket. An error belongs to the
// socket or to a packet sent earlier; reading it has cleared it, and there is
// nobody to tell but the counters.
func (w *Wire) receive(s *socket, in []engine.Datagram) int {
	r := &w.rx
	room := min(len(in), len(r.msgs)-r.used)
	if s == nil || room == 0 {
		return 0
	}
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(s.fd),
		uintptr(unsafe.Pointer(&r.msgs[r.used])), uintptr(room), unix.MSG_DONTWAIT, 0, 0)
	if errno != 0 {
		if errno != unix.EAGAIN && errno != unix.EINTR {
			s.port.count.receiveErrors.Add(1)
		}
		return 0
	}
	taken := 0
	for i := r.used; i < r.used+int(n); i++ {
		if r.msgs[i].Hdr.Flags&unix.MSG_TRUNC != 0 || !r.datagram(i, s, &in[taken]) {
			s.port.count.malformed.Add(1)
			continue
		}
		taken++
	}
	r.used += int(n)
	s.port.count.received.Add(uint64(taken))
	if w.absent && taken > 0 && s.kind == engine.Advert {
		in[0].Lost = s.lost()
	}
	return taken
}

// datagram describes the packet in slot i. It is false for what the kernel
// should not have delivered.
func (r *receiver) datagram(i int, s *socket, d *engine.Datagram) bool {
	data := r.data[i*slotSize : i*slotSize+int(r.msgs[i].Len) : (i+1)*slotSize]
	*d = engine.Datagram{Port: s.port.id, Kind: s.kind, Family: s.family, Data: data}
	control := r.control[i*controlSize:][:r.msgs[i].Hdr.Controllen]
	if s.kind == engine.Advert && s.family == vrrp.IPv4 {
		return stripIPv4(d)
	}
	if s.kind == engine.Answer {
		return answer(control, d)
	}
	name := &r.names[i]
	if s.kind == engine.Vote {
		d.SrcPort = bigEndian((*unix.RawSockaddrInet4)(unsafe.Pointer(name)).Port) // in the same place in both
	}
	if s.family == vrrp.IPv4 {
		d.Src = netip.AddrFrom4((*unix.RawSockaddrInet4)(unsafe.Pointer(name)).Addr)
	} else {
		d.Src = netip.AddrFrom16(name.Addr)
	}
	return controls(control, d)
}

// stripIPv4 takes the IP header off, which a raw IPv4 socket delivers.
func stripIPv4(d *engine.Datagram) bool {
	b := d.Data
	if len(b) < 20 {
		return false
	}
	length := int(b[0]&0x0f) * 4
	if length < 20 || length > len(b) {
		return false
	}
	d.TTL = b[8]
	d.Src = netip.AddrFrom4([4]byte(b[12:16]))
	d.Dst = netip.AddrFrom4([4]byte(b[16:20]))
	d.Data = b[length:]
	return true
}

// lost says whether packets were dropped since the last time it was asked, for
// want of room. It is asked after a while in which nothing was fetched: all that
// was dropped was dropped then.
func (s *socket) lost() bool {
	n := s.drops()
	news := n != s.dropped
	s.dropped = n
	return news
}

// controls reads TTL and destination from control messages.
func controls(b []byte, d *engine.Datagram) bool {
	messages(b, func(h *unix.Cmsghdr, body []byte) {
		switch {
		case h.Level == unix.IPPROTO_IP && h.Type == unix.IP_TTL && len(body) >= 4,
			h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_HOPLIMIT && len(body) >= 4:
			d.TTL = uint8(binary.NativeEndian.Uint32(body))
		case h.Level == unix.IPPROTO_IP && h.Type == unix.IP_PKTINFO && len(body) >= unix.SizeofInet4Pktinfo:
			d.Dst = netip.AddrFrom4([4]byte(body[8:12])) // ipi_addr: what the header says
		case h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_PKTINFO && len(body) >= unix.SizeofInet6Pktinfo:
			d.Dst = netip.AddrFrom16([16]byte(body[:16]))
		}
	})
	return d.Dst.IsValid()
}

// messages goes through control messages. What is no such message ends it.
func messages(b []byte, each func(h *unix.Cmsghdr, body []byte)) {
	const header = unix.SizeofCmsghdr
	for len(b) >= header {
		h := (*unix.Cmsghdr)(unsafe.Pointer(&b[0]))
		size := int(h.Len)
		if size < header || size > len(b) {
			return
		}
		each(h, b[header:size])
		b = b[min(unix.CmsgSpace(size-header), len(b)):]
	}
}
