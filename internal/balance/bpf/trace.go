package bpf

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/cilium/ebpf/ringbuf"
	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/balance"
)

var _ balance.Tracer = (*Plane)(nil)

// tracing is struct tracing of bpf/trace.h, shared with the kernel.
type tracing struct {
	until, lost  atomic.Uint64
	number, snap uint32
	service      uint32
	slot         uint32
	client, mask address
}

// sighting is struct sighting.
type sighting struct {
	Time                      uint64
	Number, Ifindex           uint32
	Service, Slot             uint32
	Client, Backend           address
	ClientPort, BackendPort   port
	Proto, Side, Fate, Reason uint8
	Came, Left                uint32
	CameHere, LeftHere        uint16
	CameAs, LeftAs            [balance.MaxSnap]byte
	Zero                      uint32
}

// The program tells for trust longer than it was last asked to: when this
// process dies, it is soon quiet again.
const (
	trust = 3 * time.Second
	renew = time.Second
)

// tracer is who looks.
type tracer struct {
	ring *ringbuf.Reader
	once sync.Once
}

func (t *tracer) stop() { t.once.Do(func() { _ = t.ring.Close() }) }

// Trace is balance.Tracer's.
func (p *Plane) Trace(stop <-chan struct{}, l balance.Look, see func(*balance.Sighting) bool) (err error) {
	t, shared, pages, err := p.beginTrace(l)
	if err != nil {
		return fmt.Errorf("cannot trace packets: %w", err)
	}
	defer func() {
		shared.until.Store(0)
		t.stop()
		p.tracer.CompareAndSwap(t, nil)
		err = errors.Join(err, unix.Munmap(pages))
	}()
	ended := make(chan struct{})
	defer close(ended)
	go func() {
		select {
		case <-stop:
			t.stop()
		case <-ended:
		}
	}()
	names := &naming{plane: p, services: map[uint32]string{}, interfaces: map[uint32]string{}}
	awake, now := time.Now(), nanoseconds(unix.CLOCK_MONOTONIC)
	var r ringbuf.Record
	var renewed time.Time
	for {
		if time.Since(renewed) >= renew {
			renewed = time.Now()
			shared.until.Store(monotonic() + uint64(trust))
			t.ring.SetDeadline(renewed.Add(renew))
		}
		err := t.ring.ReadInto(&r)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			continue
		case errors.Is(err, ringbuf.ErrClosed):
			return nil
		case err != nil:
			return fmt.Errorf("cannot read what was traced: %w", err)
		}
		if len(r.RawSample) < int(unsafe.Sizeof(sighting{})) {
			continue
		}
		s := (*sighting)(unsafe.Pointer(unsafe.SliceData(r.RawSample)))
		if s.Number != shared.number {
			continue // of who looked before
		}
		told := names.tell(s)
		told.Time = awake.Add(time.Duration(int64(s.Time) - int64(now)))
		told.Missed = shared.lost.Load()
		if !see(&told) {
			return nil
		}
	}
}

// beginTrace says to the program what is looked for.
func (p *Plane) beginTrace(l balance.Look) (*tracer, *tracing, []byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.tallies == nil {
		return nil, nil, nil, balance.ErrGone
	}
	service, slot, err := p.lookFor(l)
	if err != nil {
		return nil, nil, nil, err
	}
	ring, err := ringbuf.NewReader(p.objs.HfSightings)
	if err != nil {
		return nil, nil, nil, err
	}
	pages, all, err := mapped[tracing](p.objs.HfTracing)
	if err != nil {
		return nil, nil, nil, errors.Join(err, ring.Close())
	}
	t := &tracer{ring: ring}
	if !p.tracer.CompareAndSwap(nil, t) {
		return nil, nil, nil, errors.Join(errors.New("somebody does already"), ring.Close(), unix.Munmap(pages))
	}
	shared := &all[0]
	shared.until.Store(0)
	shared.lost.Store(0)
	shared.number++
	shared.snap = uint32(min(max(l.Snap, 1), balance.MaxSnap))
	shared.service, shared.slot = service, slot
	shared.client, shared.mask = address{}, address{}
	if l.Client.IsValid() {
		shared.client, shared.mask = l.Client.Masked().Addr().As16(), maskOf(l.Client)
	}
	return t, shared, pages, nil
}

// lookFor gives the numbers of what is meant.
func (p *Plane) lookFor(l balance.Look) (service, slot uint32, err error) {
	if l.Service == "" {
		return 0, 0, nil
	}
	s := p.services[l.Service]
	if s == nil || s.plan == nil {
		return 0, 0, fmt.Errorf("%s is not served here", l.Service)
	}
	if !l.Backend.IsValid() {
		return s.number, 0, nil
	}
	for i, t := range s.plan.Targets {
		if t.Addr == l.Backend {
			return s.number, s.slots[i], nil
		}
	}
	return 0, 0, fmt.Errorf("%s has no backend %s", l.Service, l.Backend)
}

func maskOf(p netip.Prefix) (m address) {
	bits := p.Bits()
	if p.Addr().Is4() {
		bits += 96
	}
	copy(m[:], net.CIDRMask(bits, 128))
	return m
}

// naming finds the names of what the program tells by numbers.
type naming struct {
	plane      *Plane
	services   map[uint32]string
	interfaces map[uint32]string
}

func (n *naming) tell(s *sighting) balance.Sighting {
	out := balance.Sighting{
		Interface: n.interfaceOf(s.Ifindex), Service: n.service(s.Service), Client: joined(s.Client, s.ClientPort), Answer: s.Side == backendSide,
		Fate: balance.Fate(s.Fate), Came: int(s.Came), Left: int(s.Left), CameAs: s.CameAs[:min(int(s.CameHere), len(s.CameAs))], LeftAs: s.LeftAs[:min(int(s.LeftHere), len(s.LeftAs))],
	}
	if s.Backend != (address{}) {
		out.Backend = joined(s.Backend, s.BackendPort)
	}
	if s.Reason > 0 {
		out.Reason = Reason(s.Reason - 1).String()
	}
	return out
}

func (n *naming) service(number uint32) string {
	name, ok := n.services[number]
	if !ok {
		n.plane.mu.Lock()
		for of, s := range n.plane.services {
			n.services[s.number] = of
		}
		n.plane.mu.Unlock()
		if name, ok = n.services[number]; !ok {
			n.services[number] = ""
		}
	}
	return name
}

func (n *naming) interfaceOf(index uint32) string {
	name, ok := n.interfaces[index]
	if !ok {
		name = fmt.Sprint(index)
		if i, err := net.InterfaceByIndex(int(index)); err == nil {
			name = i.Name
		}
		n.interfaces[index] = name
	}
	return name
}

func nanoseconds(clock int32) uint64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(clock, &ts); err != nil {
		return 0
	}
	return uint64(ts.Nano())
}
