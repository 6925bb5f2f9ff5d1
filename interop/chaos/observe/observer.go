package observe

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/lab"
	"github.com/holdfast-net/holdfast/interop/chaos/measure"
)

const (
	// Slots is how many addresses an observer asks from in turn.
	Slots = 8
	// Every is the time between two questions of one observer. A number is
	// used again after Slots × Every, which is more than measure.Patience.
	Every = 2 * time.Millisecond
)

// Asking are an observer's own addresses of one family: where its questions
// come from. Its number is part of its probes' numbers.
func Asking(number int, family netip.Addr) []netip.Prefix {
	var own []netip.Prefix
	for slot := range Slots {
		last := byte(128 + number*Slots + slot)
		if family.Is4() {
			own = append(own, netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 0, 2, last}), 24))
		} else {
			own = append(own, netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 15: last}), 64))
		}
	}
	return own
}

// probeOf is the number of the probe that an asker's address stands for.
func probeOf(asker netip.Addr) (probe uint32, ok bool) {
	b := asker.AsSlice()
	if len(b) == 0 || !asker.IsGlobalUnicast() || b[len(b)-1] < 128 {
		return 0, false
	}
	return uint32(b[len(b)-1]), true
}

// Observer is one client that asks without pause.
type Observer struct {
	start    time.Time
	vip      netip.Addr
	socket   *socket
	ifindex  int
	frames   [][]byte
	stopping atomic.Bool
	work     sync.WaitGroup

	mu       sync.Mutex
	asked    int
	late     time.Duration
	receipts []measure.Receipt
	err      error
}

// StartObserver starts asking from a host that has the addresses of
// Asking(number). Several observers out of so many take turns.
func StartObserver(host *lab.Host, vip netip.Addr, number, of int, start time.Time) (*Observer, error) {
	o := &Observer{start: start, vip: vip}
	err := host.Do(func() error {
		eth0, err := net.InterfaceByName(lab.Interface)
		if err != nil {
			return err
		}
		for _, own := range Asking(number, vip) {
			o.frames = append(o.frames, lab.Question(eth0.HardwareAddr, own.Addr(), vip))
		}
		o.ifindex = eth0.Index
		o.socket, err = open(eth0.Index, wanted(nil))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("cannot observe from %s: %w", host.Name(), err)
	}
	o.work.Go(func() { o.ask(time.Duration(number) * Every / time.Duration(of)) })
	o.work.Go(o.listen)
	return o, nil
}

// ask sends the questions, each at its own instant; what became due while
// this thread did not run is left out.
func (o *Observer) ask(phase time.Duration) {
	lab.PreferThread()
	alarm := lab.NewAlarm(o.start)
	conn, err := o.socket.file.SyscallConn()
	if err != nil {
		o.fail(err)
		return
	}
	to := &unix.SockaddrLinklayer{Ifindex: o.ifindex, Halen: 6}
	for n := int(time.Since(o.start)/Every) + 1; !o.stopping.Load(); n++ {
		due := time.Duration(n)*Every + phase
		alarm.SleepUntil(due)
		late := time.Since(o.start) - due
		n += int(late / Every)
		err := conn.Control(func(fd uintptr) { _ = unix.Sendto(int(fd), o.frames[n%Slots], 0, to) })
		if err != nil {
			return // closed
		}
		o.mu.Lock()
		o.asked++
		o.late = max(o.late, late)
		o.mu.Unlock()
	}
}

// listen notes what arrives: answers to this observer's questions, and claims.
func (o *Observer) listen() {
	lab.PreferThread()
	err := o.socket.each(func(f frame) {
		m, ok := read(o.vip, f.data)
		if !ok || f.sent || m.kind != measure.Answered && m.kind != measure.Claimed {
			return
		}
		got := measure.Receipt{At: time.Duration(f.at - o.start.UnixNano())}
		var known bool
		got.Probe, known = probeOf(m.asker)
		got.Claim = !known
		o.mu.Lock()
		defer o.mu.Unlock()
		o.receipts = append(o.receipts, got)
	})
	o.fail(err)
}

func (o *Observer) fail(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.err = errors.Join(o.err, err)
}

// Stop ends the asking. It returns what arrived, and an error when something
// may be missing.
func (o *Observer) Stop() ([]measure.Receipt, error) {
	o.stopping.Store(true)
	lost, err := o.socket.lost()
	if err == nil && lost > 0 {
		err = fmt.Errorf("cannot trust an observer: %d frames were not read in time", lost)
	}
	err = errors.Join(err, o.socket.close())
	o.work.Wait()
	return o.receipts, errors.Join(o.err, err)
}

// Asked is how many questions were sent, and how late the latest was.
func (o *Observer) Asked() (int, time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.asked, o.late
}
