package tcp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/linux/rtnl"
	"github.com/holdfast-net/holdfast/internal/tickle"
)

// Messages of linux/sock_diag.h, an attribute of linux/inet_diag.h, and the sizes
// of its structs.
const (
	sockDiagByFamily = 20
	sockDestroy      = 21
	attrBytecode     = 1
	sockIDSize       = 48 // inet_diag_sockid
	requestSize      = 8 + sockIDSize
	answerSize       = 4 + sockIDSize + 20 // inet_diag_msg
)

// States of include/net/tcp_states.h, as bits.
const (
	established = 1 << 1
	synSent     = 1 << 2
	finWait1    = 1 << 4
	finWait2    = 1 << 5
	closeWait   = 1 << 8
	lastAck     = 1 << 9
	listening   = 1 << 10
	closing     = 1 << 11

	// waiting are those in which a client may wait for something.
	waiting = established | closeWait
	// alive are those of connections that there is something to end of.
	alive = established | synSent | finWait1 | finWait2 | closeWait | lastAck | closing
)

// noCookie is that whichever socket has the connection is meant.
var noCookie = []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

// diag is a socket to ask about sockets.
type diag struct {
	mu   sync.Mutex
	conn *rtnl.Conn
}

// each calls f for every connection of the addresses that is in one of the
// states: with its family and inet_diag_sockid, valid during the call.
func (d *diag) each(addrs []netip.Addr, states uint32, f func(family byte, id []byte)) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for len(addrs) > 0 {
		n := min(len(addrs), maxAddresses)
		if err := d.some(addrs[:n], states, f); err != nil {
			return err
		}
		addrs = addrs[n:]
	}
	return nil
}

// some asks twice: a service that listens for both families has IPv4 clients on
// sockets of IPv6.
func (d *diag) some(addrs []netip.Addr, states uint32, f func(family byte, id []byte)) error {
	var four []netip.Addr
	for _, a := range addrs {
		if a.Is4() {
			four = append(four, a)
		}
	}
	for _, q := range []struct {
		family byte
		addrs  []netip.Addr
	}{{unix.AF_INET, four}, {unix.AF_INET6, addrs}} {
		if len(q.addrs) == 0 {
			continue
		}
		body := rtnl.AppendAttr(request(q.family, states, nil), attrBytecode, program(q.addrs))
		err := d.conn.Dump(sockDiagByFamily, body, func(b []byte) {
			if len(b) >= answerSize {
				f(b[0], b[4:4+sockIDSize])
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// request is an inet_diag_req_v2.
func request(family byte, states uint32, id []byte) []byte {
	b := make([]byte, 8, 512)
	b[0], b[1] = family, unix.IPPROTO_TCP
	binary.NativeEndian.PutUint32(b[4:], states)
	b = append(b, id...)
	return append(b, make([]byte, requestSize-len(b))...)
}

// ends are the two ends of an inet_diag_sockid.
func ends(family byte, id []byte) tickle.Connection {
	addr := func(b []byte) netip.Addr {
		if family == unix.AF_INET {
			return netip.AddrFrom4([4]byte(b[:4]))
		}
		return netip.AddrFrom16([16]byte(b[:16])).Unmap()
	}
	return tickle.Connection{
		Local:  netip.AddrPortFrom(addr(id[4:]), binary.BigEndian.Uint16(id)),
		Remote: netip.AddrPortFrom(addr(id[20:]), binary.BigEndian.Uint16(id[2:])),
	}
}

// List lists the connections of some addresses.
func (k *Kernel) List(addrs []netip.Addr) ([]tickle.Connection, error) {
	var out []tickle.Connection
	err := k.diag.each(addrs, waiting, func(family byte, id []byte) { out = append(out, ends(family, id)) })
	if err != nil {
		return nil, fmt.Errorf("cannot list TCP connections: %w", err)
	}
	return out, nil
}

// End ends the connections of an address. Programs that have them are told
// (ECONNABORTED), and the other ends are where packets still get there.
func (k *Kernel) End(a netip.Addr) (int, error) {
	var reqs []rtnl.Request
	err := k.diag.each([]netip.Addr{a}, alive, func(family byte, id []byte) {
		reqs = append(reqs, rtnl.Request{Type: sockDestroy, Body: request(family, 0, id)})
	})
	if err == nil {
		k.diag.mu.Lock()
		err = k.diag.conn.Do(reqs)
		k.diag.mu.Unlock()
	}
	count := 0
	for i := range reqs {
		switch e := reqs[i].Err; {
		case e == nil:
			count++
		case errors.Is(e, unix.EOPNOTSUPP):
			return 0, tickle.ErrCannotEnd
		case !errors.Is(e, unix.ENOENT) && err == nil: // ENOENT: it ended by itself
			err = e
		}
	}
	if err != nil {
		return count, fmt.Errorf("cannot end TCP connections of %s: %w", a, err)
	}
	return count, nil
}

// CanEnd reports whether this kernel ends connections at all, by asking it to
// end one that nobody has.
func (k *Kernel) CanEnd() error {
	none := make([]byte, sockIDSize)
	binary.BigEndian.PutUint16(none, 1)
	binary.BigEndian.PutUint16(none[2:], 1)
	copy(none[4:], []byte{127, 0, 0, 1})
	copy(none[20:], []byte{127, 255, 255, 254})
	copy(none[40:], noCookie)
	reqs := []rtnl.Request{{Type: sockDestroy, Body: request(unix.AF_INET, 0, none)}}
	k.look.mu.Lock()
	defer k.look.mu.Unlock()
	if err := k.look.conn.Do(reqs); err != nil {
		return err
	}
	switch err := reqs[0].Err; {
	case errors.Is(err, unix.EOPNOTSUPP):
		return tickle.ErrCannotEnd
	case err != nil && !errors.Is(err, unix.ENOENT):
		return fmt.Errorf("cannot end TCP connections: %w", err)
	}
	return nil
}

// has reports whether this machine has a connection.
func (k *Kernel) has(c tickle.Connection) bool {
	id := make([]byte, sockIDSize)
	binary.BigEndian.PutUint16(id, c.Local.Port())
	binary.BigEndian.PutUint16(id[2:], c.Remote.Port())
	copy(id[4:20], c.Local.Addr().AsSlice())
	copy(id[20:36], c.Remote.Addr().AsSlice())
	copy(id[40:], noCookie)
	family := byte(unix.AF_INET)
	if c.Local.Addr().Is6() {
		family = unix.AF_INET6
	}
	reqs := []rtnl.Request{{Type: sockDiagByFamily, Body: request(family, 0, id)}}
	k.look.mu.Lock()
	defer k.look.mu.Unlock()
	if k.look.conn.Do(reqs) != nil || reqs[0].Err != nil || len(reqs[0].Reply) < answerSize {
		return false
	}
	// Where there is no connection, a service that listens is the answer.
	return 1<<reqs[0].Reply[1] != listening
}
