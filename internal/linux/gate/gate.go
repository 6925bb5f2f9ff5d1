package gate

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/holdfast-net/holdfast/internal/engine"
)

// Options say how to open a gate. The zero value takes the best line there is.
type Options struct {
	// Lines are the lines of defence to try, the first that works is used.
	// Empty: all, the strongest first.
	Lines []LineID
	// Dir is a directory below /run that this user may write to. It keeps
	// by which numbers the kernel knows our programs, for a later run that
	// lacks CAP_SYS_ADMIN. Empty: such a run cannot know them.
	Dir string
	// Inherit are the Files of the gate to take over. Without them it is
	// looked for, which needs CAP_SYS_ADMIN.
	Inherit []*os.File
}

// Gate implements engine.Gate. Now, Set and Held may be called from anywhere;
// the rest from any goroutine in the network namespace of the gate.
type Gate struct {
	line line

	mu    sync.Mutex
	slots registry
}

var _ engine.Gate = (*Gate)(nil)

// line is what a line of defence does. Guard and release are called one at a
// time; set and held at any time.
type line interface {
	about() Line
	// known is what an earlier process left and this one took over.
	known() []guarded
	// guard makes the kernel obey the slot for all of now, which was guarded
	// as before until now, if at all. It opens nothing.
	guard(before *guarded, now guarded) error
	release(guarded) error
	set(engine.Slot, engine.Hold)
	held(engine.Slot) engine.Hold
	closeAll() error
	counters(engine.Slot) Counters
	sightings(context.Context, func(Sighting)) error
	// close lets go of the kernel's objects, which stay.
	close() error
}

// Open opens the gate of this network namespace. One that an earlier process
// left there is taken over with its slots and their holds, as they are; the
// first line of defence then never lets go, not for a packet.
func Open(o Options) (*Gate, error) {
	lines := o.Lines
	if len(lines) == 0 {
		lines = []LineID{TCX, Clsact, Nftables, Lifetime}
	}
	var errs []error
	for _, id := range lines {
		l, err := openLine(id, o)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", id, err))
			continue
		}
		g := &Gate{line: weakened{l, errs}}
		if err := g.slots.adopt(l.known()); err != nil {
			return nil, errors.Join(fmt.Errorf("cannot take over the gate: %w", err), l.close())
		}
		return g, nil
	}
	return nil, fmt.Errorf("cannot open a gate: %w", errors.Join(errs...))
}

func openLine(id LineID, o Options) (line, error) {
	switch id {
	case TCX, Clsact:
		return openKernel(id, o)
	case Nftables:
		return openNft()
	case Lifetime:
		return openLifetime()
	}
	return nil, fmt.Errorf("there is no line %q", id)
}

// Now is the clock that holds are compared with.
func (g *Gate) Now() engine.Instant { return now() }

// Set stores a hold. On the first line of defence it is in force when Set
// returns.
func (g *Gate) Set(s engine.Slot, h engine.Hold) { g.line.set(s, h) }

// Held is the hold as it was set last, by whomever.
func (g *Gate) Held(s engine.Slot) engine.Hold { return g.line.held(s) }

// CloseAll closes every slot.
func (g *Gate) CloseAll() error { return g.line.closeAll() }

// Line says which line of defence is in use.
func (g *Gate) Line() Line { return g.line.about() }

// Counters are what was dropped because a slot was closed.
func (g *Gate) Counters(s engine.Slot) Counters { return g.line.counters(s) }

// Sightings calls fn for every [Sighting] until the context ends, one at a
// time. Only one process at a time gets each of them. It returns at once where
// the line of defence cannot see them, with [errors.ErrUnsupported].
func (g *Gate) Sightings(ctx context.Context, fn func(Sighting)) error {
	if err := g.line.sightings(ctx, fn); err != nil {
		return fmt.Errorf("cannot watch for conflicts: %w", err)
	}
	return nil
}

// Close lets go of the gate and leaves it in force: what is guarded stays
// guarded.
func (g *Gate) Close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.line.close()
}

func kernelOf(l line) (*kernel, bool) {
	if w, ok := l.(weakened); ok {
		l = w.line
	}
	k, ok := l.(*kernel)
	return k, ok
}

// weakened is a line that is used because better ones are not to be had.
type weakened struct {
	line
	why []error
}

func (w weakened) about() Line {
	l := w.line.about()
	if len(w.why) > 0 {
		l.Why = errors.Join(w.why...).Error()
	}
	return l
}

// LineID names a line of defence.
type LineID string

// The lines of defence, the strongest first.
const (
	TCX      LineID = "bpf (tcx)"
	Clsact   LineID = "bpf (clsact)"
	Nftables LineID = "nftables"
	Lifetime LineID = "address lifetime"
)

// Line tells what stands between an address and the network once its hold is
// over and nobody does anything about it.
type Line struct {
	ID LineID
	// Text is what it guarantees, in words for a person.
	Text string
	// Guarantee is how late it may close.
	Guarantee time.Duration
	// Why says why no stronger line is used. Empty for the first.
	Why string
}

// Counters count packets that were dropped because a slot was closed.
type Counters struct {
	ARPIn     uint64 // ARP requests for an address
	NDIn      uint64 // neighbour solicitations for an address
	PacketIn  uint64 // packets to an address, frames to a virtual MAC
	ARPOut    uint64 // ARP with an address as the sender
	NDOut     uint64 // advertisements of an address, solicitations from it
	PacketOut uint64 // packets from an address, frames from a virtual MAC
	AdvertOut uint64 // VRRP adverts with a priority
	Untold    uint64 // not dropped: sightings beyond those that are told
}
