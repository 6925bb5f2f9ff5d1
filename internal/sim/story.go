package sim

import (
	"fmt"
	"time"

	"github.com/holdfast-net/holdfast/internal/group"
)

// Story says what is told of a run, line by line. The zero Story tells
// nothing.
type Story struct {
	Line    func(string)
	Kernel  bool // orders that were carried out
	Adverts bool // adverts and announcements
}

func (w *World) tell(who, format string, a ...any) {
	if w.story.Line == nil {
		return
	}
	w.story.Line(fmt.Sprintf("%s %-6s ", show(w.now), who) + fmt.Sprintf(format, a...))
}

// show prints a time in seconds with milliseconds.
func show(d time.Duration) string {
	return fmt.Sprintf("%d.%03d", d/time.Second, d%time.Second/time.Millisecond)
}

func (w *World) tellRecord(n *node, r *group.Record) {
	if w.story.Line == nil {
		return
	}
	if r.Kind == "transition" {
		w.tell(n.name, "%s: %s -> %s: %s", r.Group, r.From, r.To, r.Reason)
		return
	}
	w.tell(n.name, "%s: %s %s: %s", r.Group, r.Kind, r.Code, r.Reason)
}
