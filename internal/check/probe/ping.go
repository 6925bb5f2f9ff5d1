package probe

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"

	"github.com/holdfast-net/holdfast/internal/check"
)

// ping is up when enough echo requests are answered.
type ping struct {
	kind check.Ping
	to   netip.Addr // invalid: a name
	need int        // answers
	buf  []byte
}

func newPing(k check.Ping) *ping {
	p := &ping{kind: k, buf: make([]byte, k.Size+256)}
	p.to, _ = netip.ParseAddr(k.Host)
	// At least one, whatever may be lost.
	p.need = max(1, k.Count-k.Count*k.MaxLoss/100)
	return p
}

// Try implements check.Probe.
func (p *ping) Try(ctx context.Context) check.Seen {
	start := time.Now()
	wanted := counted(p.need, "answer")
	if p.need < p.kind.Count {
		wanted += fmt.Sprintf(" of %d", p.kind.Count)
	}
	to, err := p.resolve(ctx)
	if err != nil {
		return failed(start, err, wanted)
	}
	sock, err := openEcho(to, p.kind.Via)
	if err != nil {
		return failed(start, err, wanted)
	}
	defer sock.file.Close()
	defer bound(ctx, sock.file)()
	e := echoes{sock: sock, count: p.kind.Count, need: p.need, spacing: p.kind.Spacing, buf: p.buf}
	if err := e.run(ctx, p.kind.Size); err != nil && e.answered < p.need {
		if e.answered == 0 {
			return failed(start, err, wanted)
		}
		return check.Failed(fmt.Sprintf("%d of %d answered in %s, wanted %s", e.answered, e.sent, took(start), wanted))
	}
	text := "answered in " + inWords(e.total/time.Duration(e.answered))
	if p.kind.Count > 1 {
		text = fmt.Sprintf("%d of %d answered in %s on average", e.answered, e.sent, inWords(e.total/time.Duration(e.answered)))
	}
	return check.Passed(text)
}

// resolve finds the address, of the family of the source where one is given.
func (p *ping) resolve(ctx context.Context) (netip.Addr, error) {
	if p.to.IsValid() {
		return p.to.Unmap(), nil
	}
	network := "ip"
	if s := p.kind.Via.Source; s.IsValid() {
		network = "ip6"
		if s.Unmap().Is4() {
			network = "ip4"
		}
	}
	found, err := net.DefaultResolver.LookupNetIP(ctx, network, p.kind.Host)
	if err != nil {
		return netip.Addr{}, err
	}
	return found[0].Unmap(), nil
}

// echoes are the requests of one look.
type echoes struct {
	sock    *echoSocket
	count   int
	need    int
	spacing time.Duration
	buf     []byte

	mark     [8]byte // in every request of this look
	sent     int
	answered int
	seen     [2]uint64 // by sequence number: answered
	at       [101]time.Time
	total    time.Duration // of the round trips
}

// run sends and listens until enough were answered, or it is too late. It
// ends with an error only if not enough were answered.
func (e *echoes) run(ctx context.Context, size int) error {
	rand.Read(e.mark[:])
	deadline, limited := ctx.Deadline()
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		now := time.Now()
		if e.sent < e.count && (e.sent == 0 || now.Sub(e.at[e.sent]) >= e.spacing) {
			if err := e.send(now, size); err != nil {
				return err
			}
		}
		until := deadline
		if e.sent < e.count {
			if next := e.at[e.sent].Add(e.spacing); !limited || next.Before(deadline) {
				until = next
			}
		}
		err := e.listen(until)
		switch {
		case e.answered >= e.need:
			return nil
		case err == nil, os.IsTimeout(err) && e.sent < e.count && !until.Equal(deadline):
		default:
			return err
		}
	}
}

// send sends the next request. Sequence numbers begin at 1.
func (e *echoes) send(now time.Time, size int) error {
	e.sent++
	e.at[e.sent] = now
	data := make([]byte, size)
	copy(data, e.mark[:])
	binary.BigEndian.PutUint16(data[8:], uint16(e.sent))
	m := icmp.Message{Type: ipv4.ICMPTypeEcho, Body: &icmp.Echo{ID: e.sock.id, Seq: e.sent, Data: data}}
	if e.sock.six {
		m.Type = ipv6.ICMPTypeEchoRequest // the kernel adds the checksum
	}
	b, err := m.Marshal(nil)
	if err != nil {
		return err
	}
	_, err = e.sock.file.Write(b)
	return err
}

// listen takes one message. What is no answer to this look is passed over.
func (e *echoes) listen(until time.Time) error {
	if err := e.sock.file.SetReadDeadline(until); err != nil {
		return err
	}
	n, err := e.sock.file.Read(e.buf)
	if err != nil {
		return err
	}
	seq, ok := e.sock.reply(e.buf[:n], e.mark[:])
	if !ok || seq < 1 || seq > e.sent || e.seen[seq/64]&(1<<(seq%64)) != 0 {
		return nil
	}
	e.seen[seq/64] |= 1 << (seq % 64)
	e.answered++
	e.total += time.Since(e.at[seq])
	return nil
}

// reply reads an echo reply and its sequence number. The mark tells our own
// from those of other programs that happen to have chosen the same identifier.
func (s *echoSocket) reply(b, mark []byte) (seq int, ok bool) {
	protocol, want := 1, icmp.Type(ipv4.ICMPTypeEchoReply)
	if s.six {
		protocol, want = 58, ipv6.ICMPTypeEchoReply
	}
	if s.header && len(b) > 0 { // RFC 791 §3.1: the length is in words of 4 bytes
		skip := int(b[0]&0xf) * 4
		if skip > len(b) {
			return 0, false
		}
		b = b[skip:]
	}
	m, err := icmp.ParseMessage(protocol, b)
	if err != nil || m.Type != want {
		return 0, false
	}
	body, ok := m.Body.(*icmp.Echo)
	if !ok || len(body.Data) < len(mark) || !bytes.Equal(body.Data[:len(mark)], mark) {
		return 0, false
	}
	return body.Seq, true
}
