package load

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/linux/netns"
)

// Config is what clients do.
type Config struct {
	NS   *netns.NS
	From []netip.Addr // in turn: an address has ports for so many connections only
	To   netip.AddrPort

	Echoes    int           // connections that say something
	Every     time.Duration // and how often each
	Idles     int
	Downloads int
	Rate      int           // new connections a second
	Patience  time.Duration // of a request
}

// Client is all clients.
type Client struct {
	cfg   Config
	ep    int
	start time.Time
	buf   []byte
	todo  chan func()
	done  sync.WaitGroup

	conns   []*conn
	free    []int32
	seq     uint32  // of all connections
	long    []*conn // nil: lost
	kinds   []Kind  // of long
	resting bool    // no new requests, and nothing is said by itself
	ended   bool

	asked   int           // how many of long have been told to say something since Ask
	cursor  int           // of long: who says something next
	turn    time.Duration // and when
	request time.Duration // when the next request begins
	waiting []deadline    // of requests, in the order of their beginning
	looked  time.Duration // when the loop was last here

	records []Record
	late    []Record // stretches in which the thread did not run: when, and for how long
}

type deadline struct {
	c    *conn
	gen  int32
	when time.Duration
}

// An iteration that takes longer than this is recorded.
const lateness = 20 * time.Millisecond

// Begin opens the connections and begins with the requests. It returns when every
// connection has heard its first answer.
func Begin(cfg Config) (*Client, error) {
	ep, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("cannot begin with the load: %w", err)
	}
	c := &Client{cfg: cfg, ep: ep, start: time.Now(), buf: make([]byte, 65536), todo: make(chan func()), resting: true, asked: math.MaxInt}
	for kind, n := range map[Kind]int{Echo: cfg.Echoes, Idle: cfg.Idles, Download: cfg.Downloads} {
		c.kinds = append(c.kinds, slices.Repeat([]Kind{kind}, n)...)
	}
	slices.Sort(c.kinds)
	c.long = make([]*conn, len(c.kinds))
	entered := make(chan error)
	c.done.Go(func() {
		err := cfg.NS.Do(func() error {
			entered <- nil
			c.run()
			return nil
		})
		if err != nil {
			entered <- err
		}
	})
	if err := <-entered; err != nil {
		unix.Close(ep)
		return nil, err
	}
	if err := c.Refill(time.Minute); err != nil {
		c.Stop()
		return nil, err
	}
	c.do(func() {
		c.resting = false
		c.turn, c.request = c.now(), c.now()
	})
	return c, nil
}

// do runs f where the connections are.
func (c *Client) do(f func()) {
	done := make(chan struct{})
	c.todo <- func() { f(); close(done) }
	<-done
}

func (c *Client) now() time.Duration { return time.Since(c.start) }

// Now is the instant on the clock of the records.
func (c *Client) Now() time.Duration { return c.now() }

// Time is an instant of the records on everybody's clock.
func (c *Client) Time(at time.Duration) time.Time { return c.start.Add(at) }

// At is an instant on the clock of the records.
func (c *Client) At(t time.Time) time.Duration { return t.Sub(c.start) }

// run is the thread.
func (c *Client) run() {
	runtime.LockOSThread()
	events := make([]unix.EpollEvent, 512)
	c.looked = c.now()
	for !c.ended {
		n, err := unix.EpollWait(c.ep, events, 1)
		if err != nil && !errors.Is(err, unix.EINTR) {
			panic(os.NewSyscallError("epoll_wait", err)) // of a descriptor that is ours
		}
		now := c.now()
		if gap := now - c.looked; gap > lateness {
			c.late = append(c.late, Record{Began: c.looked, Took: gap})
		}
		c.looked = now
		for i := range max(n, 0) {
			if k := c.conns[events[i].Fd]; k.gen == events[i].Pad {
				c.event(k)
			}
		}
		c.due(now)
		select {
		case f := <-c.todo:
			f()
		default:
		}
	}
	for _, k := range c.conns {
		if k.state != unused {
			unix.Close(k.fd)
		}
	}
	unix.Close(c.ep)
}

// due does what the clock says.
func (c *Client) due(now time.Duration) {
	for len(c.waiting) > 0 && c.waiting[0].when <= now {
		if w := c.waiting[0]; w.c.gen == w.gen {
			c.lose(w.c, Silence)
		}
		c.waiting = c.waiting[1:]
	}
	// Those that were asked to say something, some at a time.
	for n := 0; c.asked < len(c.long) && n < 40; c.asked++ {
		if k := c.long[c.asked]; k != nil && k.state == rests {
			c.say(k)
			n++
		}
	}
	if c.resting {
		return
	}
	if n := c.cfg.Echoes; n > 0 {
		for step := c.cfg.Every / time.Duration(n); c.turn <= now; c.turn += step {
			if k := c.long[c.cursor]; k != nil && k.state == rests {
				c.say(k)
			}
			c.cursor = (c.cursor + 1) % n
		}
	}
	if c.cfg.Rate > 0 {
		step := time.Second / time.Duration(c.cfg.Rate)
		for ; c.request <= now; c.request += step {
			c.open(Request, 0)
		}
	}
}

// note makes a record.
func (c *Client) note(k *conn, o Outcome) {
	r := Record{Began: k.began, Took: c.now() - k.began, Kind: k.kind, Outcome: o, Backend: k.backend}
	if o != Done || r.Took > prompt {
		r.From = k.from()
	}
	c.records = append(c.records, r)
}

// Refill opens the connections that were lost, and waits until all of them have
// heard an answer.
func (c *Client) Refill(patience time.Duration) error {
	next := 0
	return c.poll(patience, func() error {
		waiting := 0
		for i, k := range c.long {
			if k != nil && k.fresh {
				waiting++
			}
			if i < next || k != nil || waiting > 400 {
				continue
			}
			next = i + 1
			if c.long[i] = c.open(c.kinds[i], i); c.long[i] != nil {
				c.long[i].fresh = true
			}
			waiting++
		}
		if waiting > 0 {
			return fmt.Errorf("%d connections wait for their first answer", waiting)
		}
		if lost := c.lost(); lost > 0 {
			next = 0
			return fmt.Errorf("%d connections ended at once", lost)
		}
		return nil
	})
}

func (c *Client) lost() (n int) {
	for _, k := range c.long {
		if k == nil {
			n++
		}
	}
	return n
}

// Ask has every open connection say something, also those that are idle.
func (c *Client) Ask() { c.do(func() { c.asked = 0 }) }

// Await returns when every exchange that has begun before has ended. What is
// still open after patience is given up: it ends in Silence.
func (c *Client) Await(patience time.Duration) error {
	err := c.poll(patience, func() error {
		if n := len(c.long) - c.asked; n > 0 {
			return fmt.Errorf("%d connections have not been asked yet", n)
		}
		return nil
	})
	before := c.now()
	if err == nil {
		err = c.poll(patience, func() error {
			n := 0
			for _, k := range c.conns {
				if k.state != unused && k.state != rests && k.began < before && !c.flows(k) {
					n++
				}
			}
			if n > 0 {
				return fmt.Errorf("%d exchanges have not ended", n)
			}
			return nil
		})
	}
	if err == nil {
		return nil
	}
	c.do(func() {
		for _, k := range c.conns {
			if k.state != unused && k.state != rests && k.began < before {
				c.lose(k, Silence)
			}
		}
	})
	return err
}

// flows tells whether a download has got a piece not long ago.
func (c *Client) flows(k *conn) bool {
	return k.kind == Download && c.now()-k.began < 5*pieceEvery
}

// Rest ends the requests and what connections say by themselves, or has both go on.
func (c *Client) Rest(rest bool) {
	c.do(func() {
		c.resting = rest
		c.turn, c.request = c.now(), c.now()
	})
}

// poll asks, where the connections are, until there is nothing to complain about.
func (c *Client) poll(patience time.Duration, f func() error) (err error) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); ; <-tick.C {
		c.do(func() { err = f() })
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("not within %s: %w", patience, err)
		}
	}
}

// Records are those of exchanges that ended between two instants.
func (c *Client) Records(from, to time.Duration) (in []Record) {
	c.do(func() {
		for _, r := range c.records {
			if at := r.Ended(); at >= from && at < to {
				in = append(in, r)
			}
		}
	})
	return in
}

// Late is the longest stretch between two instants in which the clients did not run.
func (c *Client) Late(from, to time.Duration) (longest time.Duration) {
	c.do(func() {
		for _, r := range c.late {
			if r.Ended() >= from && r.Began < to {
				longest = max(longest, r.Took)
			}
		}
	})
	return longest
}

// Stop ends it all.
func (c *Client) Stop() {
	c.do(func() { c.ended = true })
	c.done.Wait()
}
