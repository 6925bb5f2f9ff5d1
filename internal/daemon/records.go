package daemon

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/internal/group"
)

// noticeLife is how long a notice is shown as a warning after it was last
// given. The protocol repeats what lasts once a minute.
const noticeLife = 130 * time.Second

// notices remembers what was noticed lately, for "holdfast status".
type notices struct {
	mu   sync.Mutex
	list []notice
}

type notice struct {
	api.Warning
	last time.Time
	peer string
}

const maxNotices = 128

func (n *notices) note(ev api.Event) {
	n.mu.Lock()
	defer n.mu.Unlock()
	i := slices.IndexFunc(n.list, func(o notice) bool {
		return o.Code == ev.Code && o.Group == ev.Group && o.peer == ev.Peer
	})
	if i < 0 {
		if len(n.list) == maxNotices {
			n.list = n.list[1:]
		}
		n.list = append(n.list, notice{Warning: api.Warning{Code: ev.Code, Group: ev.Group, Since: ev.Time}, peer: ev.Peer})
		i = len(n.list) - 1
	}
	n.list[i].Text, n.list[i].last = ev.Reason, ev.Time
}

func (n *notices) current(now time.Time) []api.Warning {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.list = slices.DeleteFunc(n.list, func(o notice) bool { return now.Sub(o.last) > noticeLife })
	out := make([]api.Warning, len(n.list))
	for i := range n.list {
		out[i] = n.list[i].Warning
	}
	return out
}

// good are notices that no person need look at: a handover worked, a peer hears
// this node again, a group waits for what it lacks, or has it. Status says so
// for as long as it lasts.
var good = []string{"HF2003", "HF2025", "HF2032"}

// isWarning tells what a person should look at from what merely happened.
func isWarning(ev api.Event) bool {
	return ev.Kind == "notice" && ev.Code != "" && !slices.Contains(good, ev.Code) || ev.Code == "HF2004"
}

// record takes a fact from the engine's loop: into the journal, the log, the
// warnings and the hooks, none of which blocks.
func (d *Daemon) record(r engine.Record) {
	d.left(&r)
	ev := api.Event{
		Time: r.Time, Kind: r.Kind, Code: r.Code, Group: r.Group, Reason: r.Reason,
		Epoch: r.Epoch,
	}
	if r.Kind == "transition" {
		ev.From, ev.To = r.From.String(), r.To.String()
	}
	if r.Peer.IsValid() {
		ev.Peer = r.Peer.String()
	}
	if r.Family != 0 {
		ev.Family = familyName(r.Family)
	}
	d.note(ev)
	if r.Kind == "transition" {
		d.runHook(ev, r.To)
	}
}

// note enters an event that did not come from the engine, too.
func (d *Daemon) note(ev api.Event) {
	if ev.Time.IsZero() {
		ev.Time = time.Now()
	}
	if isWarning(ev) {
		d.notices.note(ev)
	}
	if !d.early.keeps(ev) {
		d.journal.Append(ev)
	}
}

// follow writes the journal's entries to the log, on a goroutine of its own:
// a terminal or a log daemon that does not read must not stop the loop.
func (d *Daemon) follow(ctx context.Context, after uint64) {
	for {
		events, more := d.journal.After(after, 0)
		for _, ev := range events {
			d.logEvent(ctx, ev)
			after = ev.ID
		}
		select {
		case <-more:
		case <-ctx.Done():
			return
		}
	}
}

func (d *Daemon) logEvent(ctx context.Context, ev api.Event) {
	level := slog.LevelInfo
	if isWarning(ev) || ev.To == group.Fault.String() {
		level = slog.LevelWarn
	}
	args := []any{"reason", ev.Reason}
	for _, kv := range [][2]string{
		{"group", ev.Group}, {"service", ev.Service}, {"from", ev.From}, {"to", ev.To}, {"peer", ev.Peer}, {"family", ev.Family}, {"code", ev.Code},
	} {
		if kv[1] != "" {
			args = append(args, kv[0], kv[1])
		}
	}
	d.opt.Log.Log(ctx, level, ev.Kind, args...)
}
