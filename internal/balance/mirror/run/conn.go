package run

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/holdfast-net/holdfast/internal/balance/mirror"
)

// conn is a connection that has begun.
type conn struct {
	net    net.Conn
	in     *bufio.Reader
	mine   *mirror.Seal // of what is sent
	theirs *mirror.Seal
	number mirror.Conn
	due    uint64        // the frame that the machine is at, until somebody takes it over
	room   chan struct{} // a place for each frame that is read and not done

	mu    sync.Mutex
	queue []frame
	wake  chan struct{}
	ended chan struct{}
	once  sync.Once
}

type frame struct {
	kind mirror.FrameKind
	body []byte
}

// Bounds.
const (
	greetTime = 2 * time.Second  // to connect, and to greet
	writeTime = 10 * time.Second // for what was written to be on its way
	mostRead  = 64               // frames that are read and not done
)

func newConn(n net.Conn, in *bufio.Reader, a mirror.Agreed, side mirror.Side) *conn {
	return &conn{
		net: n, in: in, mine: a.Seal(side), theirs: a.Seal(1 - side), room: make(chan struct{}, mostRead),
		wake: make(chan struct{}, 1), ended: make(chan struct{}),
	}
}

// call connects to a node, and says who it is.
func call(ctx context.Context, to netip.AddrPort, node string, secrets [][]byte) (c *conn, who string, err error) {
	ctx, cancel := context.WithTimeout(ctx, greetTime)
	defer cancel()
	d := net.Dialer{Control: near}
	n, err := d.DialContext(ctx, "tcp", to.String())
	if err != nil {
		return nil, "", err
	}
	defer func() {
		if err != nil {
			_ = n.Close() // nothing was written that could be lost
		}
	}()
	_ = n.SetDeadline(time.Now().Add(greetTime)) // a connection that is there has one
	var secret []byte
	if len(secrets) > 0 {
		secret = secrets[0]
	} else if err := demandNear(n); err != nil {
		return nil, "", err
	}
	me := mirror.Greeting{Node: node, Key: mirror.PrintOf(secret), Nonce: nonce()}
	if _, err := n.Write(me.Append(nil)); err != nil {
		return nil, "", fmt.Errorf("cannot greet: %w", err)
	}
	in := bufio.NewReaderSize(n, 1<<16)
	other, err := mirror.ReadGreeting(in)
	if errors.Is(err, io.EOF) {
		return nil, "", fmt.Errorf("it does not want to hear this node: the nodes of a group need the same key, and be peers of each other (%w)", err)
	}
	if err != nil {
		return nil, "", err
	}
	agreed := mirror.Agree(secret, me, other)
	if err := agreed.Check(in, mirror.Answerer); err != nil {
		return nil, "", err
	}
	if _, err := n.Write(agreed.Proof(mirror.Caller)); err != nil {
		return nil, "", fmt.Errorf("cannot greet: %w", err)
	}
	_ = n.SetDeadline(time.Time{}) // as above
	return newConn(n, in, agreed, mirror.Caller), other.Node, nil
}

// take answers a node that has connected. Who has no key must be a peer, on
// this network.
func take(n net.Conn, node string, cfg Config) (c *conn, who string, key mirror.Print, err error) {
	_ = n.SetDeadline(time.Now().Add(greetTime)) // a connection that is there has one
	in := bufio.NewReaderSize(n, 1<<16)
	other, err := mirror.ReadGreeting(in)
	if err != nil {
		return nil, "", key, err
	}
	key, secret, known := named(cfg, other.Key)
	if !known {
		return nil, "", key, mirror.ErrKey
	}
	if len(secret) == 0 {
		if !isPeer(cfg, n.RemoteAddr()) {
			return nil, "", key, errors.New("it is no peer")
		}
		if err := demandNear(n); err != nil {
			return nil, "", key, err
		}
	}
	me := mirror.Greeting{Node: node, Key: other.Key, Nonce: nonce()}
	agreed := mirror.Agree(secret, other, me)
	if _, err := n.Write(append(me.Append(nil), agreed.Proof(mirror.Answerer)...)); err != nil {
		return nil, "", key, fmt.Errorf("cannot greet: %w", err)
	}
	if err := agreed.Check(in, mirror.Caller); err != nil {
		return nil, "", key, err
	}
	_ = n.SetDeadline(time.Time{}) // as above
	return newConn(n, in, agreed, mirror.Answerer), other.Node, key, nil
}

// named finds the secret with a print, and the key that it belongs to: while
// keys are exchanged, one has several.
func named(cfg Config, print mirror.Print) (key mirror.Print, secret []byte, known bool) {
	for key, secrets := range cfg.Keys {
		if len(secrets) == 0 && print == key {
			return key, nil, true
		}
		for _, s := range secrets {
			if mirror.PrintOf(s) == print {
				return key, s, true
			}
		}
	}
	return key, nil, false
}

func isPeer(cfg Config, a net.Addr) bool {
	from, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return false
	}
	for _, p := range cfg.Peers {
		if p.Key == (mirror.Print{}) && p.Addr.Addr() == from.Addr().Unmap() {
			return true
		}
	}
	return false
}

// nonce makes what is said on a connection worth nothing on another one.
func nonce() (n mirror.Nonce) {
	_, _ = rand.Read(n[:]) // it never fails
	return n
}

// send has a frame sent, after those before. It never blocks: how much may be
// under way is the machine's matter.
func (c *conn) send(k mirror.FrameKind, body []byte) {
	c.mu.Lock()
	c.queue = append(c.queue, frame{k, body})
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// write sends what is in the queue, until the connection ends. The reader finds
// out when it does.
func (c *conn) write() {
	var b []byte
	for {
		select {
		case <-c.ended:
			return
		case <-c.wake:
		}
		c.mu.Lock()
		q := c.queue
		c.queue = nil
		c.mu.Unlock()
		for i, f := range q {
			b = c.mine.Append(b, f.kind, f.body)
			if len(b) < 1<<16 && i+1 < len(q) {
				continue
			}
			_ = c.net.SetWriteDeadline(time.Now().Add(writeTime)) // a connection that is there has one
			if _, err := c.net.Write(b); err != nil {
				_ = c.net.Close()
				return
			}
			b = b[:0]
		}
	}
}

// read hands on frames until the connection ends, as long as those before are
// done.
func (c *conn) read(heard func(mirror.Frame), closed func(error)) {
	for {
		f, err := c.theirs.Read(c.in)
		if err != nil {
			closed(err)
			return
		}
		select {
		case c.room <- struct{}{}:
			heard(f)
		case <-c.ended:
			return
		}
	}
}

// done makes room for another frame.
func (c *conn) done() { <-c.room }

func (c *conn) close() {
	c.once.Do(func() {
		close(c.ended)
		_ = c.net.Close() // what was lost is told again on another connection
	})
}
