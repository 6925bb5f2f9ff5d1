package address

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/linux/rtnl"
)

// Entry is one address of one interface.
type Entry struct {
	Index  int // of the interface
	Prefix netip.Prefix
	Flags  uint32 // unix.IFA_F_...
	Proto  uint8  // who added it; Mark: holdfast
}

// Ours says whether holdfast added the address.
func (e Entry) Ours() bool { return e.Proto == Mark }

// Tentative says whether the kernel still keeps the address from answering,
// or for good because another node has it.
func (e Entry) Tentative() bool {
	return e.Flags&unix.IFA_F_TENTATIVE != 0 && e.Flags&unix.IFA_F_OPTIMISTIC == 0
}

// Duplicate says whether duplicate address detection found another node with
// the address. It never answers then.
func (e Entry) Duplicate() bool { return e.Flags&unix.IFA_F_DADFAILED != 0 }

// List lists the addresses of one interface, or of all with index 0, in the
// kernel's order: of the IPv4 addresses of one subnet the first is the primary
// one.
func List(c *rtnl.Conn, index int) ([]Entry, error) {
	var list []Entry
	for _, fam := range []byte{unix.AF_INET, unix.AF_INET6} {
		b := append([]byte(nil), fam, 0, 0, 0)
		b = binary.NativeEndian.AppendUint32(b, uint32(index))
		err := c.Dump(unix.RTM_GETADDR, b, func(body []byte) {
			// Kernels before 4.20 ignore the index that was asked for.
			if e, ok := Parse(body); ok && (index == 0 || e.Index == index) {
				list = append(list, e)
			}
		})
		if err != nil {
			return nil, fmt.Errorf("cannot list addresses: %w", err)
		}
	}
	return list, nil
}

// Key names one address of one interface.
type Key struct {
	Index int
	Addr  netip.Addr
}

// Lookup finds IPv6 addresses, without listing all there are. An address that
// is not there has a zero Entry.
func Lookup(c *rtnl.Conn, keys []Key) ([]Entry, error) {
	reqs := make([]rtnl.Request, len(keys))
	for i, k := range keys {
		b := append(make([]byte, 0, 32), family(k.Addr), 0, 0, 0)
		b = binary.NativeEndian.AppendUint32(b, uint32(k.Index))
		reqs[i] = rtnl.Request{Type: unix.RTM_GETADDR, Body: rtnl.AppendAttr(b, unix.IFA_ADDRESS, k.Addr.AsSlice())}
	}
	if err := c.Do(reqs); err != nil {
		return nil, fmt.Errorf("cannot look addresses up: %w", err)
	}
	entries := make([]Entry, len(keys))
	for i, r := range reqs {
		if r.Err == nil {
			entries[i], _ = Parse(r.Reply)
		}
	}
	return entries, nil
}

// Parse reads the body of an address message (struct ifaddrmsg,
// rtnetlink(7)). It says false of one without an address.
func Parse(b []byte) (Entry, bool) {
	if len(b) < unix.SizeofIfAddrmsg {
		return Entry{}, false
	}
	e := Entry{Index: int(binary.NativeEndian.Uint32(b[4:])), Flags: uint32(b[2])}
	bits := int(b[1])
	var local, peer netip.Addr
	rtnl.Attrs(b[unix.SizeofIfAddrmsg:], func(typ uint16, v []byte) {
		switch {
		case typ == unix.IFA_LOCAL:
			local, _ = netip.AddrFromSlice(v)
		case typ == unix.IFA_ADDRESS:
			peer, _ = netip.AddrFromSlice(v)
		case typ == unix.IFA_FLAGS && len(v) == 4:
			e.Flags = binary.NativeEndian.Uint32(v)
		case typ == ifaProto && len(v) == 1:
			e.Proto = v[0]
		}
	})
	if !local.IsValid() { // IPv6 has IFA_LOCAL only beside a peer address
		local = peer
	}
	e.Prefix = netip.PrefixFrom(local, bits)
	return e, e.Prefix.IsValid()
}
