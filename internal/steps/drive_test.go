package steps

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/linux/netns/netnstest"
	"github.com/holdfast-net/holdfast/internal/order"
)

// TestMain runs all tests in a network namespace of their own, where it may.
func TestMain(m *testing.M) { netnstest.Main(m) }

// rig is a machine with a runner, as the engine has them.
type rig struct {
	t      *testing.T
	m      *order.Machine
	r      *Runner
	events chan order.Event
	ends   []order.Action // ActionFinished
	story  []string
}

func newRig(t *testing.T, dir string, g config.Group, o Options) *rig {
	t.Helper()
	p, err := Plan(g, func(ocf *config.OCF) (*Metadata, error) { return ReadMetadata(t.Context(), o.Agents, ocf, nil) })
	if err != nil {
		t.Fatal(err)
	}
	x := &rig{t: t, events: make(chan order.Event, 100)}
	o.Dir, o.Node = dir, "lb1"
	o.Post = func(_ string, ev order.Event) { x.events <- ev }
	x.r = New(o)
	book, err := x.r.Load(g.Name)
	if err != nil {
		t.Fatal(err)
	}
	x.m = order.New(g.Name, p, book)
	t.Cleanup(func() {
		x.close()
		if t.Failed() {
			t.Log(strings.Join(x.story, "\n"))
		}
	})
	return x
}

// close ends what runs, and what is being written.
func (x *rig) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	x.r.Close(ctx)
}

func (x *rig) step(ev order.Event) {
	acts := x.m.Step(time.Now(), ev, nil)
	for _, a := range acts {
		switch a.Kind {
		case order.ActionFinished:
			x.story = append(x.story, "finished: "+a.Outcome.String()+", "+a.Reason)
			x.ends = append(x.ends, a)
		case order.ActionRecord:
			x.story = append(x.story, a.Code+" "+a.Reason)
		}
	}
	x.r.Do("web", acts)
}

// until runs the machine until it has finished once more, and says how.
func (x *rig) until(ev order.Event) (order.Outcome, string) {
	x.t.Helper()
	n := len(x.ends)
	x.step(ev)
	x.wait(func() bool { return len(x.ends) > n })
	end := x.ends[len(x.ends)-1]
	return end.Outcome, end.Reason
}

func (x *rig) wait(until func() bool) {
	x.t.Helper()
	bound := time.After(2 * time.Minute)
	for !until() {
		var due <-chan time.Time
		if d := x.m.Deadline(); !d.IsZero() {
			due = time.After(time.Until(d))
		}
		select {
		case ev := <-x.events:
			x.step(ev)
		case <-due:
			x.step(order.Tick())
		case <-bound:
			x.t.Fatalf("nothing happens: %+v", x.m.View())
		}
	}
}

func (x *rig) take() {
	x.t.Helper()
	if o, why := x.until(order.Take("lb2 is gone", 0)); o != order.Took {
		x.t.Fatalf("%s: %s", o, why)
	}
}

func (x *rig) leave() {
	x.t.Helper()
	if o, why := x.until(order.Leave("backup", "handover to lb2")); o != order.Left {
		x.t.Fatalf("%s: %s", o, why)
	}
}

// script is an executable file.
func script(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return string(b)
}
