package lab

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// MinProbeInterval is the fastest rate of a Prober: 2,000 probes a second.
const MinProbeInterval = 500 * time.Microsecond

// ProbeConfig describes a client.
type ProbeConfig struct {
	From     *Host
	To       netip.AddrPort
	Interval time.Duration // between probes; 0: 1ms
	For      time.Duration // probes at most for so long, which sizes the record; 0: 1 minute
	Patience time.Duration // an answer that takes longer is late; 0: 1 second
}

func (c *ProbeConfig) validate() error {
	if c.Interval == 0 {
		c.Interval = time.Millisecond
	}
	if c.For == 0 {
		c.For = time.Minute
	}
	if c.Patience == 0 {
		c.Patience = time.Second
	}
	switch {
	case c.From == nil:
		return errors.New("no host to probe from")
	case c.Interval < MinProbeInterval:
		return fmt.Errorf("an interval of %v is below %v", c.Interval, MinProbeInterval)
	}
	return nil
}

// probe is one line of the record. Instants are nanoseconds since the
// prober's start, plus one; zero: not yet.
type probe struct {
	sent, back atomic.Int64
	node       atomic.Uint32 // index into names; valid once back is set
}

// Prober is a client that asks the same address again and again at a fixed
// rate and notes what becomes of every question. Its record is made before
// the first probe and never grows, so that the garbage collector has no part
// in what is measured.
type Prober struct {
	cfg   ProbeConfig
	id    uint64
	fd    int
	start time.Time // of the record; the first probe is due one interval later

	record     []probe
	lateness   []atomic.Int64 // of each probe's sending, beside record
	duplicates atomic.Int64
	refused    atomic.Int64 // probes the kernel would not send
	skipped    atomic.Int64 // probes that were due while the sender did not run

	mu    sync.Mutex
	names []string // of the hosts that answered; only appended to
	macs  []Neighbour

	stopping atomic.Bool
	stopped  chan struct{} // closed at Stop
	sending  sync.WaitGroup
	hearing  sync.WaitGroup
	stop     sync.Once
}

// StartProber starts probing.
func StartProber(cfg ProbeConfig) (*Prober, error) {
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("cannot start a prober: %w", err)
	}
	lines := int(cfg.For / cfg.Interval)
	p := &Prober{
		cfg:      cfg,
		id:       rand.Uint64(),
		fd:       -1,
		record:   make([]probe, lines),
		lateness: make([]atomic.Int64, lines),
		stopped:  make(chan struct{}),
	}
	if err := p.open(); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot start a prober on host %s: %w", cfg.From.Name(), err), p.close())
	}
	p.start = time.Now()
	p.sending.Go(p.send)
	p.hearing.Go(p.hear)
	return p, nil
}

func (p *Prober) open() error {
	err := p.cfg.From.Do(func() error {
		var err error
		p.fd, err = dial(p.cfg.To)
		return err
	})
	if err != nil {
		return err
	}
	return p.watchNeighbour()
}

// dial makes a UDP socket that accepts answers from the asked address alone.
func dial(to netip.AddrPort) (int, error) {
	family, remote := unix.AF_INET, unix.Sockaddr(nil)
	if a := to.Addr().Unmap(); a.Is4() {
		remote = &unix.SockaddrInet4{Port: int(to.Port()), Addr: a.As4()}
	} else {
		family = unix.AF_INET6
		remote = &unix.SockaddrInet6{Port: int(to.Port()), Addr: a.As16()}
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	makeRoom(fd)
	if err := unix.Connect(fd, remote); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// makeRoom gives a socket buffers for what arrives while its reader waits for
// a CPU, and for what waits for a neighbour, as far as this is allowed.
func makeRoom(fd int) {
	const size = 4 << 20
	for _, option := range []int{unix.SO_RCVBUF, unix.SO_RCVBUFFORCE, unix.SO_SNDBUF, unix.SO_SNDBUFFORCE} {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, option, size)
	}
}

// hear notes the answers, until the socket is shut down.
func (p *Prober) hear() {
	PreferThread()
	buf := make([]byte, 256)
	for {
		n, _, errno := unix.Syscall(unix.SYS_READ, uintptr(p.fd), uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)))
		now := p.now()
		switch {
		case errno == unix.EINTR || errno == unix.ECONNREFUSED || errno == unix.EHOSTUNREACH:
			continue // an ICMP error is about a probe that stays unanswered
		case errno != 0 || n == 0:
			return
		}
		id, number, node, ok := readEcho(buf[:n])
		if !ok || id != p.id || number >= uint64(len(p.record)) {
			continue
		}
		line := &p.record[number]
		if line.back.Load() != 0 {
			p.duplicates.Add(1)
			continue
		}
		line.node.Store(p.index(node))
		line.back.Store(now)
	}
}

// index is the number of a host's name, a new one for a new name.
func (p *Prober) index(node []byte) uint32 {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, name := range p.names {
		if name == string(node) {
			return uint32(i)
		}
	}
	p.names = append(p.names, string(node))
	return uint32(len(p.names) - 1)
}

func (p *Prober) name(index uint32) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.names[index]
}

// now is the instant on the record's clock.
func (p *Prober) now() int64 { return int64(time.Since(p.start)) + 1 }

// at is the wall clock's view of an instant on the record's clock.
func (p *Prober) at(instant int64) time.Time { return p.start.Add(time.Duration(instant - 1)) }

// Settle waits until every probe sent so far is answered, or lost for good.
func (p *Prober) Settle() {
	for now := time.Now(); p.Report(p.start, now).Pending > 0; {
		time.Sleep(5 * time.Millisecond)
	}
}

// Stop ends the probing, after waiting for the last answers as long as the
// prober is patient. Reports can be had afterwards too.
func (p *Prober) Stop() {
	p.stop.Do(func() {
		p.stopping.Store(true)
		p.sending.Wait()
		p.Settle()
		_ = p.close()
	})
}

func (p *Prober) close() error {
	close(p.stopped)
	if p.fd < 0 {
		return nil
	}
	_ = unix.Shutdown(p.fd, unix.SHUT_RDWR) // wakes hear
	p.hearing.Wait()
	return unix.Close(p.fd)
}
