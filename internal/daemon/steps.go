package daemon

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/linux/realtime"
	"github.com/holdfast-net/holdfast/internal/order"
	"github.com/holdfast-net/holdfast/internal/steps"
)

// stepper gives the engine the steps of the file's groups, and their runner.
type stepper struct {
	runner *steps.Runner

	mu        sync.Mutex
	plans     map[string]order.Plan
	books     map[string]order.Book
	forgotten map[string]chan order.Event // groups that are not in the file any more
}

// askAgent is how long an OCF agent may take to say what it is.
const askAgent = 10 * time.Second

// newStepper makes the stepper; post takes the answers to what groups asked for.
func newStepper(cfg *config.Config, kernel steps.Kernel, post func(string, order.Event)) *stepper {
	s := &stepper{plans: map[string]order.Plan{}, books: map[string]order.Book{}, forgotten: map[string]chan order.Event{}}
	s.runner = steps.New(steps.Options{
		Dir: filepath.Join(cfg.State, "steps"), Start: realtime.Start, Environ: os.Environ(), Node: cfg.Node, Kernel: kernel,
		Post: func(group string, ev order.Event) {
			s.mu.Lock()
			mine := s.forgotten[group]
			s.mu.Unlock()
			if mine == nil {
				post(group, ev)
				return
			}
			go func() { mine <- ev }()
		},
	})
	return s
}

// sweep ends what the steps of a daemon that was killed still run.
func (s *stepper) sweep(ctx context.Context, note func(api.Event)) {
	ctx, cancel := context.WithTimeout(ctx, order.Grace)
	defer cancel()
	err := s.runner.Sweep(ctx, func(group, text string) {
		note(api.Event{Kind: "step", Group: group, Code: order.CodeStray, Reason: text})
	})
	if err != nil {
		note(api.Event{Kind: "notice", Code: order.CodeStuck, Reason: err.Error()})
	}
}

// prepare reads what the steps of a file's groups take. It comes before the
// engine is given the file, as it may take a while.
func (s *stepper) prepare(ctx context.Context, cfg *config.Config) error {
	ctx, cancel := context.WithTimeout(ctx, askAgent)
	defer cancel()
	for i := range cfg.Groups {
		g := &cfg.Groups[i]
		plan, err := steps.Plan(*g, func(o *config.OCF) (*steps.Metadata, error) { return steps.ReadMetadata(ctx, "", o) })
		if err != nil {
			return err
		}
		book, err := s.runner.Load(g.Name)
		if err != nil {
			return fmt.Errorf("%w (see what of it still runs, stop that, and remove the file)", err)
		}
		s.mu.Lock()
		undoing := s.forgotten[g.Name] != nil
		if !undoing {
			s.plans[g.Name], s.books[g.Name] = plan, book
		}
		s.mu.Unlock()
		if undoing {
			return fmt.Errorf("cannot take group %s in: what an earlier run had begun of it is still being undone (see `holdfast events`, and try again when it is)", g.Name)
		}
	}
	return nil
}

// Plan, Book and Do are engine.Stepper.
func (s *stepper) Plan(group string) order.Plan {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.plans[group]
}

func (s *stepper) Book(group string) order.Book {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.books[group]
}

func (s *stepper) Do(group string, acts []order.Action) { s.runner.Do(group, acts) }

// longest is how long the steps of a group may take to be undone.
func (s *stepper) longest() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	var most time.Duration
	for _, p := range s.plans {
		most = max(most, p.Leaving())
	}
	return most
}

// close kills what still runs, as after a crash, and lets what is written be
// written.
func (s *stepper) close() {
	ctx, cancel := context.WithTimeout(context.Background(), order.Grace)
	defer cancel()
	s.runner.Close(ctx)
}

// undoForgotten undoes what an earlier process has begun for groups that the
// file does not have any more, until it is done or ctx ends.
func (s *stepper) undoForgotten(ctx context.Context, cfg *config.Config, note func(api.Event)) {
	groups, err := s.runner.Groups()
	if err != nil {
		note(api.Event{Kind: "notice", Code: order.CodeStuck, Reason: err.Error()})
		return
	}
	for _, name := range groups {
		if hasGroup(cfg, name) {
			continue
		}
		book, err := s.runner.Load(name)
		if err != nil {
			note(api.Event{Kind: "notice", Group: name, Code: order.CodeStuck, Reason: err.Error()})
			continue
		}
		events := make(chan order.Event)
		s.mu.Lock()
		s.forgotten[name] = events
		s.mu.Unlock()
		go s.undo(ctx, name, book, events, note)
	}
}

func hasGroup(cfg *config.Config, name string) bool {
	for i := range cfg.Groups {
		if cfg.Groups[i].Name == name {
			return true
		}
	}
	return false
}

// undo is the loop of a machine that no group of the engine has.
func (s *stepper) undo(ctx context.Context, name string, book order.Book, events <-chan order.Event, note func(api.Event)) {
	m := order.New(name, order.Plan{}, book)
	for ev := order.Leave("init", "the group is not in the file any more"); ; {
		acts := m.Step(time.Now(), ev, nil)
		s.runner.Do(name, acts)
		for i := range acts {
			switch a := &acts[i]; {
			case a.Kind == order.ActionRecord:
				note(api.Event{Kind: "step", Group: name, Code: a.Code, Reason: a.Reason})
			case a.Kind == order.ActionFinished && a.Outcome == order.Left:
				s.mu.Lock()
				delete(s.forgotten, name)
				s.mu.Unlock()
				return
			}
		}
		var due <-chan time.Time
		if d := m.Deadline(); !d.IsZero() {
			due = time.After(time.Until(d))
		}
		select {
		case ev = <-events:
		case <-due:
			ev = order.Tick()
		case <-ctx.Done():
			return
		}
	}
}
