package daemon

import (
	"context"
	"fmt"
	"os"
	"sync"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/internal/linux/gate"
)

// doors is the gate as the status looks at it: from other goroutines, and for
// longer than there is one.
type doors struct {
	line gate.Line
	mu   sync.Mutex
	gate *gate.Gate // nil: none, or none any more
}

func (d *doors) counters(s engine.Slot) gate.Counters {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.gate == nil {
		return gate.Counters{}
	}
	return d.gate.Counters(s)
}

// files are what another program of the kernel needs to heed the holds: none
// where they are not in the kernel's maps, or there is no gate any more.
func (d *doors) files() ([]*os.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.gate == nil {
		return nil, nil
	}
	return d.gate.Files()
}

func closeFiles(files []*os.File) {
	for _, f := range files {
		_ = f.Close()
	}
}

func (d *doors) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.gate = nil
}

// openGate opens the gate of this network namespace, and tells where it is a
// weaker one than it could be. The files are what a guardian needs to close it;
// none where only this process can.
func (d *Daemon) openGate(socket string) (*gate.Gate, []*os.File, error) {
	opt := gate.Options{Dir: memory(socket)}
	if p := d.heir; p != nil {
		// It is taken over with all its holds, or not at all.
		opt.Inherit, opt.Lines = p.files, []gate.LineID{p.offer.Line}
	}
	g, err := gate.Open(opt)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot guard addresses: %w", err)
	}
	d.gate, d.doors.gate, d.doors.line = g, g, g.Line()
	if l := g.Line(); l.Why != "" {
		d.note(api.Event{Kind: "daemon", Code: "HF2122", Reason: fmt.Sprintf("holds are enforced by %s (%s), because %s", l.ID, l.Text, l.Why)})
	}
	files, err := g.Files()
	if err != nil {
		return g, nil, nil // the guardian does without
	}
	return g, files, nil
}

// closeGate ends the gate of a daemon that ends: its groups have left, and
// nothing is guarded any more.
func (d *Daemon) closeGate(g *gate.Gate, socket string) {
	d.doors.close()
	_ = g.Close()
	if d.passed || d.heir != nil && !d.heir.taken {
		return // another process works with it
	}
	if _, err := gate.Sweep(memory(socket)); err != nil {
		d.note(api.Event{Kind: "notice", Code: "HF2109", Reason: fmt.Sprintf("cannot take the gate down: %v", err)})
	}
}

// watchGate tells the engine when another machine uses an address of ours. A
// probe is no use: who sends it wants to know, as this node does.
func (d *Daemon) watchGate(ctx context.Context, g *gate.Gate) {
	err := g.Sightings(ctx, func(s gate.Sighting) {
		switch s.Kind {
		case gate.ARPClaim, gate.NDClaim, gate.NDSource:
			d.engine.Sighted(engine.Sighting{Slot: s.Slot, Addr: s.Addr, MAC: s.MAC})
		}
	})
	if err != nil && ctx.Err() == nil {
		d.note(api.Event{Kind: "notice", Code: "HF2121", Reason: fmt.Sprintf("cannot see who else uses an address: %v", err)})
	}
}
