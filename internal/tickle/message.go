package tickle

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/holdfast-net/holdfast/internal/peer"
)

// Message is one bucket of the list of an address.
type Message struct {
	From    string
	Addr    netip.Addr
	Sent    time.Time // by the sender's clock
	List    time.Time // when the list was begun: what divides it into buckets
	Buckets int       // 0: this is no list, but asks for one
	Bucket  int
	LeftOut int // connections that the list has no room for
	Clients []Connection
}

const (
	magic      = "HFC1"
	headerSize = 36
	maxName    = 63
	maxBuckets = 4096

	// maxSize is the longest datagram: it fits the smallest MTU of a LAN that
	// has IPv6 tunnels in it.
	maxSize = 1392
)

// Reasons to discard a message.
var (
	ErrMalformed = errors.New("malformed list of connections")
	ErrUnsigned  = errors.New("list of connections is not signed")
	ErrSignature = errors.New("signature of a list of connections does not match")
	ErrStale     = errors.New("list of connections is too old, or the clocks differ")
)

// Is reports whether a datagram is one of ours.
func Is(b []byte) bool { return len(b) >= headerSize && string(b[:4]) == magic }

// entrySize is the bytes of a connection of an address.
func entrySize(a netip.Addr) int { return 4 + a.BitLen()/8 }

// room is how many connections of an address one message has room for.
func room(a netip.Addr, from string) int {
	return (maxSize - headerSize - a.BitLen()/8 - min(len(from), maxName) - sha256.Size) / entrySize(a)
}

// Append appends the encoded message, signed if there is a key.
func (m Message) Append(b []byte, k peer.Key) []byte {
	at := len(b)
	from := m.From[:min(len(m.From), maxName)]
	family, id := byte(4), byte(0)
	if m.Addr.Is6() {
		family = 6
	}
	if k.Signs() {
		id = k.ID
	}
	b = append(b, magic...)
	b = append(b, family, id, byte(len(from)), 0)
	b = binary.BigEndian.AppendUint64(b, uint64(m.Sent.UnixNano()))
	b = binary.BigEndian.AppendUint64(b, uint64(m.List.UnixNano()))
	b = binary.BigEndian.AppendUint16(b, uint16(m.Buckets))
	b = binary.BigEndian.AppendUint16(b, uint16(m.Bucket))
	b = binary.BigEndian.AppendUint16(b, uint16(len(m.Clients)))
	b = append(b, 0, 0)
	b = binary.BigEndian.AppendUint32(b, uint32(m.LeftOut))
	b = append(b, m.Addr.AsSlice()...)
	b = append(b, from...)
	for _, c := range m.Clients {
		b = binary.BigEndian.AppendUint16(b, c.Local.Port())
		b = binary.BigEndian.AppendUint16(b, c.Remote.Port())
		b = append(b, c.Remote.Addr().AsSlice()...)
	}
	if !k.Signs() {
		return b
	}
	h := hmac.New(sha256.New, k.Keys[k.ID])
	h.Write(b[at:])
	return h.Sum(b)
}

// Decode reads a message without verifying it: the key to [Verify] it with
// depends on the address.
func Decode(b []byte) (Message, error) {
	m, size, err := decodeHeader(b)
	if err != nil {
		return m, err
	}
	count := int(binary.BigEndian.Uint16(b[28:]))
	b = b[size:]
	each := entrySize(m.Addr)
	if len(b) < count*each {
		return m, ErrMalformed
	}
	m.Clients = make([]Connection, 0, count)
	for ; count > 0; count, b = count-1, b[each:] {
		remote, ok := netip.AddrFromSlice(b[4:each])
		if !ok || !worth(remote) {
			return m, fmt.Errorf("%w: there is no client %s", ErrMalformed, remote)
		}
		m.Clients = append(m.Clients, Connection{
			Local:  netip.AddrPortFrom(m.Addr, binary.BigEndian.Uint16(b)),
			Remote: netip.AddrPortFrom(remote, binary.BigEndian.Uint16(b[2:])),
		})
	}
	return m, nil
}

// worth reports whether a client can be reached from the address that it talks
// to, and from another node. One on the machine itself cannot; one with a
// link-local address is known by an interface, too, whose number differs.
func worth(a netip.Addr) bool {
	return a.IsValid() && !a.IsUnspecified() && !a.IsLoopback() && !a.IsMulticast() && !a.Is4In6() &&
		!(a.Is6() && a.IsLinkLocalUnicast()) && a != netip.AddrFrom4([4]byte{255, 255, 255, 255})
}

// decodeHeader reads what comes before the connections, and how long that is.
func decodeHeader(b []byte) (m Message, size int, err error) {
	if !Is(b) {
		return m, 0, ErrMalformed
	}
	length := 4
	switch b[4] {
	case 4:
	case 6:
		length = 16
	default:
		return m, 0, fmt.Errorf("%w: family %d", ErrMalformed, b[4])
	}
	name := int(b[6])
	size = headerSize + length + name
	if name == 0 || name > maxName || len(b) < size {
		return m, 0, ErrMalformed
	}
	addr, _ := netip.AddrFromSlice(b[headerSize : headerSize+length])
	m = Message{
		From: string(b[size-name : size]), Addr: addr,
		Sent:    time.Unix(0, int64(binary.BigEndian.Uint64(b[8:]))),
		List:    time.Unix(0, int64(binary.BigEndian.Uint64(b[16:]))),
		Buckets: int(binary.BigEndian.Uint16(b[24:])), Bucket: int(binary.BigEndian.Uint16(b[26:])),
		LeftOut: int(binary.BigEndian.Uint32(b[32:])),
	}
	if m.Buckets > maxBuckets || m.Bucket >= max(m.Buckets, 1) || addr.Is4In6() {
		return m, 0, ErrMalformed
	}
	return m, size, nil
}

// Verify checks the signature of a message that was decoded from b, and that it
// was sent within the window around now.
func Verify(b []byte, m Message, k peer.Key, now time.Time) error {
	if !k.Signs() {
		return nil
	}
	secret, known := k.Keys[b[5]]
	if b[5] == 0 || !known || len(b) < sha256.Size {
		return ErrUnsigned
	}
	h := hmac.New(sha256.New, secret)
	h.Write(b[:len(b)-sha256.Size])
	if !hmac.Equal(h.Sum(nil), b[len(b)-sha256.Size:]) {
		return ErrSignature
	}
	if age := now.Sub(m.Sent).Abs(); age > k.Window {
		return fmt.Errorf("%w (%s)", ErrStale, age.Round(time.Millisecond))
	}
	return nil
}

// About is the address that a datagram is about.
func About(b []byte) (netip.Addr, bool) {
	m, _, err := decodeHeader(b)
	return m.Addr, err == nil
}
