package daemon

import (
	"fmt"
	"os"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/linux/gate"
)

// openGate opens the gate of this network namespace, and tells where it is a
// weaker one than it could be. The files are what a guardian needs to close it;
// none where only this process can.
func (d *Daemon) openGate(socket string) (*gate.Gate, []*os.File, error) {
	g, err := gate.Open(gate.Options{Dir: memory(socket)})
	if err != nil {
		return nil, nil, fmt.Errorf("cannot guard addresses: %w", err)
	}
	if l := g.Line(); l.Why != "" {
		d.note(api.Event{Kind: "notice", Code: "HF2120", Reason: fmt.Sprintf("holds are enforced by %s (%s), because %s", l.ID, l.Text, l.Why)})
	}
	files, err := g.Files()
	if err != nil {
		return g, nil, nil // the guardian does without
	}
	return g, files, nil
}
