package daemon_test

import (
	be "encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/internal/lab"
	"github.com/holdfast-net/holdfast/internal/peer"
	"github.com/holdfast-net/holdfast/vrrp"
)

// forger is a machine on the LAN that says whatever it likes.
type forger struct {
	s    *site
	host *lab.Host
}

const forgerNumber = 66

var forgerMAC = []byte{2, 0, 0, 0, 0, forgerNumber}

func (s *site) forger() *forger { return &forger{s, s.host("forger", forgerNumber)} }

// storm is a flood of frames.
type storm struct {
	quit chan struct{}
	done chan stormEnd
}

type stormEnd struct {
	sent int
	took time.Duration
	err  error
}

// flood sends frames, one after another and from the beginning again, at a
// rate or as close to it as the machine gets.
func (f *forger) flood(rate int, frames [][]byte) *storm {
	f.s.t.Helper()
	var fd int
	f.s.must(f.host.Do(func() (err error) {
		link, err := net.InterfaceByName(lab.Interface)
		if err != nil {
			return err
		}
		if fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0); err != nil {
			return err
		}
		return unix.Bind(fd, &unix.SockaddrLinklayer{Ifindex: link.Index})
	}))
	st := &storm{make(chan struct{}), make(chan stormEnd, 1)}
	go func() {
		defer unix.Close(fd)
		// A forger has a machine of his own. Here he comes before whatever else
		// this one does, but after the daemons. The thread is never unlocked:
		// it ends with its priority.
		runtime.LockOSThread()
		_ = unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_RR, Priority: 1}, 0)
		st.run(fd, rate, frames)
	}()
	return st
}

// burst is how many frames one system call sends.
const burst = 64

func (st *storm) run(fd, rate int, frames [][]byte) {
	type message struct {
		hdr unix.Msghdr
		len uint32
	}
	all := make([]message, len(frames))
	vectors := make([]unix.Iovec, len(frames))
	for i, f := range frames {
		vectors[i].Base = &f[0]
		vectors[i].SetLen(len(f))
		all[i].hdr.Iov = &vectors[i]
		all[i].hdr.SetIovlen(1)
	}
	begun := time.Now()
	end := stormEnd{}
	for next, due := 0, begun; ; {
		select {
		case <-st.quit:
			end.took = time.Since(begun)
			st.done <- end
			return
		default:
		}
		now := time.Now()
		if now.Before(due) {
			time.Sleep(min(due.Sub(now), 10*time.Millisecond))
			continue
		}
		if late := now.Add(-50 * time.Millisecond); due.Before(late) {
			due = late // what was missed is not made up for
		}
		batch := all[next:min(next+burst, len(all))]
		n, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(fd), uintptr(unsafe.Pointer(&batch[0])), uintptr(len(batch)), 0, 0, 0)
		runtime.KeepAlive(frames)
		if errno != 0 && errno != unix.ENOBUFS && errno != unix.EINTR && end.err == nil {
			end.err = errno
		}
		if errno == 0 {
			end.sent += int(n)
			next = (next + int(n)) % len(all)
		}
		due = due.Add(time.Duration(len(batch)) * time.Second / time.Duration(rate))
	}
}

// stop ends the flood and says at which rate it came.
func (st *storm) stop() (int, error) {
	close(st.quit)
	end := <-st.done
	return int(float64(end.sent) / end.took.Seconds()), end.err
}

// several makes many frames, so that no two in a row are the same.
func several(make func(i int) []byte) [][]byte {
	var out [][]byte
	for i := range 4 * burst {
		out = append(out, make(i))
	}
	return out
}

// packet4 is an IPv4 packet in a frame of the forger's.
func packet4(mac []byte, src, dst netip.Addr, ttl, proto byte, payload []byte) []byte {
	h := []byte{0x45, 0xc0, 0, 0, 0, 1, 0, 0, ttl, proto, 0, 0}
	h = append(append(h, src.AsSlice()...), dst.AsSlice()...)
	be.BigEndian.PutUint16(h[2:], uint16(len(h)+len(payload)))
	be.BigEndian.PutUint16(h[10:], vrrp.Checksum(h))
	return slices.Concat(mac, forgerMAC, []byte{8, 0}, h, payload)
}

var groupMAC = []byte{1, 0, 0x5e, 0, 0, 18}

func datagram4(mac []byte, src, dst netip.Addr, port uint16, data []byte) []byte {
	u := be.BigEndian.AppendUint16([]byte{0xc3, 0x50}, port) // from 50000
	u = be.BigEndian.AppendUint16(u, uint16(8+len(data)))
	return packet4(mac, src, dst, 255, 17, append(append(u, 0, 0), data...))
}

// raw sends an advert as it is.
func raw(src netip.Addr, ttl byte, payload []byte) []byte {
	return packet4(groupMAC, src, vrrp.Group4, ttl, vrrp.Protocol, payload)
}

// forged is an advert with nothing wrong but who sent it.
func forged(src netip.Addr, id, priority uint8, a netip.Addr) []byte {
	adv := vrrp.Advert{Version: 3, VRID: id, Priority: priority, Interval: interval, Addresses: []netip.Addr{a}}
	return adv.Append(nil, src, vrrp.Group4, vrrp.ChecksumAuto)
}

func message4(src netip.Addr, data []byte) []byte {
	return datagram4(groupMAC, src, vrrp.Group4, engine.MessagePort, data)
}

// node4 is the address of a host by its number.
func node4(n byte) netip.Addr { return netip.AddrFrom4([4]byte{192, 0, 2, n}) }

// liar alternates between who it says that it is.
func liar(i int) netip.Addr { return node4([...]byte{forgerNumber, 2, 77, 78}[i%4]) }

// ago is when the i-th of a flood's messages says that it was sent: each later
// than the one before, or it would not be looked at.
func ago(i int) time.Time { return time.Now().Add(time.Duration(i) * time.Microsecond) }

// call is a forged message about a router, signed with a key if there is one.
func call(i int, kind peer.Kind, id uint8, key peer.Key) []byte {
	return message4(liar(i), peer.Call{
		Kind: kind, Family: vrrp.IPv4, VRID: id, Priority: 254,
		From: [...]string{"b", "c", fmt.Sprint("x", i), "a"}[i%4], To: [...]string{"b", "c"}[i%2], Sent: ago(i),
	}.Append(nil, key))
}

// greeting is a forged hello, about all routers of the test.
func greeting(i int) []byte {
	h := peer.Hello{Family: vrrp.IPv4, From: [...]string{"b", "c", fmt.Sprint("x", i), "a"}[i%4], New: i%3 == 0, Sent: ago(i)}
	for id := range uint8(3) {
		h.Entries = append(h.Entries, peer.Entry{VRID: 51 + id, State: uint8(i) & 3, Priority: 254})
	}
	if i%8 < 4 {
		h.Hears = []string{"a", "b"}
	}
	return message4(liar(i), h.Append(nil))
}

// claim4 says by ARP that an address is here.
func claim4(i int, a netip.Addr) []byte {
	mac := slices.Clone(forgerMAC)
	mac[4] = byte(i) // another one each time
	arp := slices.Concat([]byte{0, 1, 8, 0, 6, 4, 0, byte(1 + i%2)}, mac, a.AsSlice(), make([]byte, 6), a.AsSlice())
	return slices.Concat([]byte{255, 255, 255, 255, 255, 255}, forgerMAC, []byte{8, 6}, arp, make([]byte, 18))
}

// claim6 says so by a neighbour advertisement to all.
func claim6(i int, a netip.Addr) []byte {
	src, all := netip.MustParseAddr("fe80::66"), netip.MustParseAddr("ff02::1")
	m := slices.Concat([]byte{136, 0, 0, 0, 0x20, 0, 0, 0}, a.AsSlice(), []byte{2, 1}, forgerMAC)
	m[len(m)-2] = byte(i)
	pseudo := slices.Concat(src.AsSlice(), all.AsSlice(), []byte{0, 0, 0, byte(len(m)), 0, 0, 0, 58}, m)
	be.BigEndian.PutUint16(m[2:], vrrp.Checksum(pseudo))
	return slices.Concat([]byte{0x33, 0x33, 0, 0, 0, 1}, forgerMAC, []byte{0x86, 0xdd, 0x60, 0, 0, 0, 0, byte(len(m)), 58, 255},
		src.AsSlice(), all.AsSlice(), m)
}

// control is a BFD packet to one node in the name of the other.
func control(i int) []byte {
	to, from := byte(1+i%2), byte(2-i%2)
	p := []byte{0x20, byte(i%4) << 6, 1 + byte(i%3), 24, 0, 0, 0, byte(i), 0, 0, 0, byte(i / 4), 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0}
	return datagram4([]byte{2, 0, 0, 0, 0, to}, node4(from), node4(to), 3784, p)
}
