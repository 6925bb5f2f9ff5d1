package daemon

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/order"
)

// A group that is not in the file any more has no place in the engine. What it
// had taken and what could not be undone yet is undone here: by the machine that
// the engine had, or by one that begins with the book of a dead process.

// answers are those to what a forgotten group's machine asked for, in the order
// in which they came. Putting one there never blocks.
type answers struct {
	mu    sync.Mutex
	queue []order.Event
	some  chan struct{} // holds one
	view  order.View    // of the machine, after the last one
	since time.Time
}

func newAnswers(v order.View) *answers {
	return &answers{some: make(chan struct{}, 1), view: v, since: time.Now()}
}

func (a *answers) put(ev order.Event) {
	a.mu.Lock()
	a.queue = append(a.queue, ev)
	a.mu.Unlock()
	select {
	case a.some <- struct{}{}:
	default:
	}
}

func (a *answers) take() []order.Event {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := a.queue
	a.queue = nil
	return out
}

// undoForgotten undoes what an earlier process has begun for groups that the
// file does not have any more.
func (s *stepper) undoForgotten(cfg *config.Config) {
	groups, err := s.runner.Groups()
	if err != nil {
		s.note(api.Event{Kind: "notice", Code: order.CodeStuck, Reason: err.Error()})
		return
	}
	for _, name := range groups {
		if hasGroup(cfg, name) {
			continue
		}
		book, err := s.runner.Load(name)
		if err != nil {
			s.note(api.Event{Kind: "notice", Group: name, Code: order.CodeStuck, Reason: err.Error()})
			continue
		}
		s.forget(name, order.New(name, order.Plan{}, book), order.Leave("init", "the group is not in the file any more"))
	}
}

func hasGroup(cfg *config.Config, name string) bool {
	return slices.ContainsFunc(cfg.Groups, func(g config.Group) bool { return g.Name == name })
}

// Adopt and Late are engine.Stepper.
func (s *stepper) Adopt(group string, m *order.Machine) { s.forget(group, m, order.Tick()) }

func (s *stepper) Late(group string, ev order.Event) {
	s.mu.Lock()
	mine := s.forgotten[group]
	s.mu.Unlock()
	if mine != nil {
		mine.put(ev)
	}
}

// forget sees to a machine from its next event on.
func (s *stepper) forget(name string, m *order.Machine, ev order.Event) {
	a := newAnswers(m.View())
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.forgotten[name] != nil {
		return
	}
	s.forgotten[name] = a
	go s.undo(name, m, ev, a)
}

// undo is the loop of such a machine.
func (s *stepper) undo(name string, m *order.Machine, first order.Event, a *answers) {
	for evs := []order.Event{first}; ; {
		for _, ev := range evs {
			s.undoStep(name, m.Step(time.Now(), ev, nil))
		}
		if m.Clean() {
			s.mu.Lock()
			delete(s.forgotten, name)
			s.undone[name] = m.Estate().Book
			s.mu.Unlock()
			return
		}
		a.mu.Lock()
		a.view = m.View()
		a.mu.Unlock()
		var due <-chan time.Time
		if d := m.Deadline(); !d.IsZero() {
			due = time.After(time.Until(d))
		}
		select {
		case <-a.some:
			evs = a.take()
		case <-due:
			evs = []order.Event{order.Tick()}
		case <-s.ctx.Done():
			return
		}
	}
}

func (s *stepper) undoStep(name string, acts []order.Action) {
	s.runner.Do(name, acts)
	for i := range acts {
		if a := &acts[i]; a.Kind == order.ActionRecord {
			s.note(api.Event{Kind: "step", Group: name, Code: a.Code, Reason: a.Reason})
		}
	}
}

// forgottenWarnings are of what is still taken of groups that are not in the file
// any more.
func (s *stepper) forgottenWarnings() []api.Warning {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []api.Warning
	for name, a := range s.forgotten {
		a.mu.Lock()
		v, since := a.view, a.since
		a.mu.Unlock()
		out = append(out, api.Warning{Code: order.CodeStuck, Group: name, Since: since, Text: fmt.Sprintf(
			"the group is not in the file any more, and %d of its steps are not undone yet; it is tried again by itself: %s", v.Begun, cmp.Or(v.Why, v.Step, v.Phase))})
	}
	slices.SortFunc(out, func(a, b api.Warning) int { return cmp.Compare(a.Group, b.Group) })
	return out
}
