package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/fence"
)

// Fence fences a node because a person wants it.
func (e *Engine) Fence(ctx context.Context, node, who string) (CommandResult, error) {
	return Ask(ctx, e, func(now time.Time, answer func(CommandResult)) {
		f := &e.fencing
		switch {
		case f.fencer == nil || e.opt.Agents == nil || !slices.ContainsFunc(f.file.Nodes, func(n config.FenceNode) bool { return n.Name == node }):
			answer(CommandResult{Text: fmt.Sprintf("no node %s in the file's fence: nodes", node)})
		case node == e.node:
			answer(CommandResult{Text: "this node does not fence itself"})
		default:
			f.asked++
			by := fmt.Sprintf("%s (%d)", who, f.asked)
			f.wait[by] = answer
			e.fence(now, fence.Demand(node, by, "asked for by "+who))
		}
	})
}

// FenceConfirm takes a person's word that a node is off.
func (e *Engine) FenceConfirm(ctx context.Context, node, who string) (CommandResult, error) {
	return Ask(ctx, e, func(now time.Time, answer func(CommandResult)) {
		if e.fencing.fencer == nil || node == e.node {
			answer(CommandResult{Text: fmt.Sprintf("cannot confirm that %s is off: nobody would ask", node)})
			return
		}
		e.fence(now, fence.Confirm(node, who))
		answer(CommandResult{OK: true, Text: fmt.Sprintf("%s counts as fenced until it is heard again", node)})
	})
}

// Fencing shows the nodes that can be fenced, and whether the watchdog runs.
type Fencing struct {
	Nodes    []fence.View
	Watchdog bool // a group asks for it
	Device   config.Watchdog
	Armed    bool
	Fed      time.Time // zero: it does not run
}

// Fencing asks for that.
func (e *Engine) Fencing(ctx context.Context) (Fencing, error) {
	return Ask(ctx, e, func(_ time.Time, answer func(Fencing)) {
		answer(e.fencing.view())
	})
}

func (f *fencing) view() Fencing {
	out := Fencing{Watchdog: f.dog != nil, Device: f.watchdog}
	if f.dog != nil {
		out.Armed, out.Fed = f.dog.Awake(), f.dog.Fed()
	}
	if f.fencer != nil {
		out.Nodes = f.fencer.Views()
	}
	return out
}
