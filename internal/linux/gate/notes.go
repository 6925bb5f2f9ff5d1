package gate

import (
	"sync/atomic"

	"github.com/holdfast-net/holdfast/internal/engine"
)

// notes are the holds as they were set last, for lines of defence that have to
// bring them to the kernel in system calls. The engine only notes a hold; a
// goroutine writes the latest.
type notes struct {
	noted [Slots]note
	wake  chan struct{}
	stop  chan struct{}
	done  chan struct{}
}

type note struct {
	announced, served, advertised atomic.Int64
	changed                       atomic.Bool
}

// start calls write whenever holds have changed, until end.
func (n *notes) start(write func()) {
	n.wake, n.stop, n.done = make(chan struct{}, 1), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(n.done)
		for {
			select {
			case <-n.stop:
				return
			case <-n.wake:
				write()
			}
		}
	}()
}

func (n *notes) end() {
	close(n.stop)
	<-n.done
}

// set notes a hold and returns: no system call but, where the writer sleeps,
// the one that wakes it.
func (n *notes) set(s engine.Slot, h engine.Hold) {
	if s < 0 || int(s) >= len(n.noted) {
		return
	}
	slot := &n.noted[s]
	slot.announced.Store(int64(h.Announced))
	slot.served.Store(int64(h.Served))
	slot.advertised.Store(int64(h.Advertised))
	n.renew(s)
}

// renew has the writer write the hold of a slot.
func (n *notes) renew(s engine.Slot) {
	n.noted[s].changed.Store(true)
	select {
	case n.wake <- struct{}{}:
	default: // it will look anyway
	}
}

// changed says whether the hold of a slot is still to be written, once.
func (n *notes) changed(s engine.Slot) bool { return n.noted[s].changed.Swap(false) }

func (n *notes) held(s engine.Slot) engine.Hold {
	if s < 0 || int(s) >= len(n.noted) {
		return engine.Hold{}
	}
	slot := &n.noted[s]
	return engine.Hold{
		Announced:  engine.Instant(slot.announced.Load()),
		Served:     engine.Instant(slot.served.Load()),
		Advertised: engine.Instant(slot.advertised.Load()),
	}
}
