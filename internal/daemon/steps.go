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

	// Of groups that are not in the file any more.
	note func(api.Event)
	ctx  context.Context // of what undoes them
	end  context.CancelFunc

	mu        sync.Mutex
	plans     map[string]order.Plan
	books     map[string]order.Book
	forgotten map[string]*answers
	undone    map[string]order.Book // what they have left in the end: the epoch
}

// askAgent is how long an OCF agent may take to say what it is.
const askAgent = 10 * time.Second

// newStepper makes the stepper; post takes the answers to what groups asked for,
// and note what there is to tell of those that are not in the file any more.
func newStepper(cfg *config.Config, kernel steps.Kernel, post func(string, order.Event), note func(api.Event)) *stepper {
	s := &stepper{
		note: note, plans: map[string]order.Plan{}, books: map[string]order.Book{},
		forgotten: map[string]*answers{}, undone: map[string]order.Book{},
	}
	s.ctx, s.end = context.WithCancel(context.Background())
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
			mine.put(ev)
		},
	})
	return s
}

// sweep ends what the steps of a daemon that was killed still run.
func (s *stepper) sweep(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, order.Grace)
	defer cancel()
	err := s.runner.Sweep(ctx, func(group, text string) {
		s.note(api.Event{Kind: "step", Group: group, Code: order.CodeStray, Reason: text})
	})
	if err != nil {
		s.note(api.Event{Kind: "notice", Code: order.CodeStuck, Reason: err.Error()})
	}
}

// prepare reads what the steps of a file's groups take. It comes before the
// engine is given the file, as it may take a while.
func (s *stepper) prepare(ctx context.Context, cfg *config.Config) error {
	ctx, cancel := context.WithTimeout(ctx, askAgent)
	defer cancel()
	for i := range cfg.Groups {
		g := &cfg.Groups[i]
		plan, err := steps.Plan(*g, func(o *config.OCF) (*steps.Metadata, error) { return steps.ReadMetadata(ctx, "", o, realtime.Start) })
		if err != nil {
			return err
		}
		book, err := s.runner.Load(g.Name)
		if err != nil {
			return fmt.Errorf("%w (see what of it still runs, stop that, and remove the file)", err)
		}
		s.mu.Lock()
		undoing := s.forgotten[g.Name] != nil
		if b, ok := s.undone[g.Name]; ok {
			book = b // what of it is on disk may still be on its way there
		}
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
	s.end()
	ctx, cancel := context.WithTimeout(context.Background(), order.Grace)
	defer cancel()
	s.runner.Close(ctx)
}
