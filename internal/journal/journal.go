package journal

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
)

// Codes of the entries that the journal writes about itself.
const (
	CodeTrouble   = "HF2901" // the disk refused entries
	CodeRecovered = "HF2902" // the disk takes entries again
	CodeLost      = "HF2903" // entries never reached the disk
)

const (
	defaultFiles  = 2
	defaultBytes  = 4 << 20
	defaultMemory = 4096

	// chunk bounds how long a reader keeps Append waiting: the lock is held
	// for the copy of so many pointers at most.
	chunk = 256
	// closeWait bounds how long Close waits for the disk.
	closeWait = 2 * time.Second
	// wedged is how long a write may take before Err calls it trouble.
	wedged = 5 * time.Second
)

// ErrClosed is what Close reports when it was called before.
var ErrClosed = errors.New("journal is closed")

// Options bound the journal. Zero values mean the defaults.
type Options struct {
	Files     int   // files on disk, the newest included; default 2
	FileBytes int64 // size at which a file is full; default 4 MiB
	Memory    int   // entries kept in memory; default 4096
}

func (o Options) withDefaults() Options {
	if o.Files <= 0 {
		o.Files = defaultFiles
	}
	if o.FileBytes <= 0 {
		o.FileBytes = defaultBytes
	}
	if o.Memory <= 0 {
		o.Memory = defaultMemory
	}
	return o
}

// Journal is the node's memory of what happened. Its methods may be called
// from any goroutine.
type Journal struct {
	mu      sync.Mutex
	ring    *ring
	last    uint64        // newest ID given
	news    chan struct{} // closed at the next Append; nil while nobody waits
	trouble error         // the disk's, nil while it works
	busy    time.Time     // when the write under way began; zero: none
	closed  bool

	wake chan struct{} // 1 deep: there is something to write
	stop chan struct{}
	done chan struct{} // closed when the writer is gone; nil without a disk
}

// Open keeps the journal in dir, which is created if it is missing, and reads
// the newest entries back into memory. It fails if dir cannot be written, where
// the caller may go on with Memory, or with ErrBusy if another journal has it
// open.
func Open(dir string, o Options) (*Journal, error) {
	o = o.withDefaults()
	s, err := openStore(dir, o)
	if err != nil {
		return nil, fmt.Errorf("cannot open journal in %s: %w", dir, err)
	}
	old, err := load(dir, o.Files, o.Memory)
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("cannot open journal in %s: %w", dir, err)
	}
	return start(s, old, o), nil
}

// Memory returns a journal that keeps its entries in memory only.
func Memory() *Journal { return start(nil, nil, Options{}.withDefaults()) }

// start begins with what was read back. A nil sink means memory only.
func start(s sink, old []*api.Event, o Options) *Journal {
	j := &Journal{ring: newRing(o.Memory), wake: make(chan struct{}, 1), stop: make(chan struct{})}
	for _, ev := range old {
		j.ring.put(ev)
		j.last = ev.ID
	}
	if s != nil {
		j.done = make(chan struct{})
		go j.follow(s, j.last)
	}
	return j
}

// Append adds an entry and returns at once; it never waits for the disk. The
// ID is assigned, and the Time where it is zero; times are kept in UTC.
func (j *Journal) Append(ev api.Event) {
	if ev.Time.IsZero() {
		ev.Time = time.Now()
	}
	ev.Time = ev.Time.UTC().Truncate(time.Microsecond)
	j.mu.Lock()
	j.last++
	ev.ID = j.last
	j.ring.put(&ev)
	news := j.news
	j.news = nil
	j.mu.Unlock()
	if news != nil {
		close(news)
	}
	select {
	case j.wake <- struct{}{}:
	default:
	}
}

// After returns the entries in memory with an ID above id, oldest first and at
// most limit (0: all), and a channel that is closed once there are newer ones
// than those returned. An id that this journal never gave belongs to an
// earlier life whose newest entries were lost: everything kept is returned,
// since showing an entry twice is better than hiding one.
func (j *Journal) After(id uint64, limit int) ([]api.Event, <-chan struct{}) {
	var refs []*api.Event
	var news chan struct{}
	for {
		j.mu.Lock()
		if id > j.last {
			id = 0
		}
		n := chunk
		if limit > 0 {
			n = min(n, limit-len(refs))
		}
		more := false
		refs, more = j.ring.after(id, n, refs)
		if !more {
			if j.news == nil {
				j.news = make(chan struct{})
			}
			news = j.news
		}
		j.mu.Unlock()
		if len(refs) > 0 {
			id = refs[len(refs)-1].ID
		}
		if !more || len(refs) == limit {
			break
		}
	}
	if news == nil { // cut by limit: there are newer ones already
		news = make(chan struct{})
		close(news)
	}
	out := make([]api.Event, len(refs))
	for i, ev := range refs {
		out[i] = *ev
	}
	return out, news
}

// Err returns what is wrong with the disk now, nil if nothing is.
func (j *Journal) Err() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.trouble != nil {
		return j.trouble
	}
	if !j.busy.IsZero() {
		if d := time.Since(j.busy); d >= wedged {
			return fmt.Errorf("cannot write journal: the disk has not answered for %s", d.Round(time.Second))
		}
	}
	return nil
}

// Close writes what is still in memory only and stops. It waits for the disk
// for two seconds at most. Entries appended later stay in memory.
func (j *Journal) Close() error {
	j.mu.Lock()
	if j.closed {
		j.mu.Unlock()
		return ErrClosed
	}
	j.closed = true
	j.mu.Unlock()
	close(j.stop)
	if j.done == nil {
		return nil
	}
	t := time.NewTimer(closeWait)
	defer t.Stop()
	select {
	case <-j.done:
		return j.Err()
	case <-t.C:
		return fmt.Errorf("cannot finish journal: the disk has not answered for %s", closeWait)
	}
}
