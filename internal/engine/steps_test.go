package engine

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/lease"
	"github.com/holdfast-net/holdfast/internal/order"
)

// shelf is a Stepper made of values: books are written and steps are done at
// once, unless they are to hang or to fail.
type shelf struct {
	engine *Engine

	mu      sync.Mutex
	hangs   order.Direction
	hang    bool
	fail    bool // what is undone
	book    order.Book
	saved   order.Book
	epochs  []uint64 // of takes
	adopted map[string]*order.Machine
	late    int
}

func (s *shelf) Plan(string) order.Plan {
	return order.Plan{Steps: []order.Step{{Name: "exec /bin/disk", Undo: true, TakeIn: time.Second, LeaveIn: time.Second}}}
}

func (s *shelf) Book(string) order.Book { return s.book }

func (s *shelf) Adopt(group string, m *order.Machine) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.adopted[group] = m
}

func (s *shelf) Late(string, order.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.late++
}

func (s *shelf) Do(group string, acts []order.Action) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range acts {
		switch a.Kind {
		case order.ActionSave:
			s.saved = a.Book
			s.engine.Stepped(group, order.Saved(a.Serial, nil))
		case order.ActionRun:
			if a.Run.Direction == order.Taking {
				s.epochs = append(s.epochs, a.Run.Epoch)
			}
			if s.hang && s.hangs == a.Run.Direction {
				continue
			}
			var err error
			if s.fail && a.Run.Direction == order.Leaving {
				err = errors.New("it is in use")
			}
			s.engine.Stepped(group, order.StepDone(err, ""))
		}
	}
}

// stepped is a node with one group that has a step, and holds.
func stepped(t *testing.T, s *shelf, cfg *config.Config, leases Leases) *testNode {
	t.Helper()
	n := (&testLAN{}).node(t, "a", "192.0.2.1", "fe80::1")
	s.engine, s.adopted = n.engine, map[string]*order.Machine{}
	n.engine.opt.Steps, n.engine.opt.Leases = s, leases
	cfg.Groups[0].Steps = []config.Step{{Exec: []string{"/bin/disk"}}}
	n.start(t, cfg)
	time.Sleep(10 * time.Second)
	return n
}

func withSteps() *config.Config {
	return &config.Config{Groups: []config.Group{{
		Name: "db", Interface: "eth0", Addresses: []netip.Prefix{netip.MustParsePrefix("192.0.2.100/24")},
		VRRP: config.VRRP{ID: 51, Priority: 100, Version: 3, Interval: time.Second, Preempt: true},
	}}}
}

// The steps of a group that leaves the file, and that cannot be undone, are
// somebody's to undo.
func TestSteps_OfARemovedGroupAreAdopted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		n := stepped(t, s, withSteps(), nil)
		if !n.answers("192.0.2.100") {
			t.Fatalf("it does not hold: %q", n.story())
		}
		s.mu.Lock()
		s.fail = true
		s.mu.Unlock()
		if err := n.engine.Apply(t.Context(), &config.Config{Node: "a"}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		s.mu.Lock()
		m := s.adopted["db"]
		s.mu.Unlock()
		if m == nil {
			t.Fatalf("nobody has them: %q", n.story())
		}
		if v := m.View(); v.Phase != "stuck" || v.Begun != 1 {
			t.Errorf("they are %+v", v)
		}
		// An answer that comes later is passed on.
		n.engine.Stepped("db", order.StepDone(nil, ""))
		time.Sleep(time.Second)
		s.mu.Lock()
		if s.late == 0 {
			t.Error("an answer is lost")
		}
		s.mu.Unlock()
		n.stop(t)
	})
}

// Who is to hand on and cannot, because a step does not end, says which.
func TestHandOn_NamesTheStepThatDoesNotEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		n := stepped(t, s, withSteps(), nil)
		s.mu.Lock()
		s.hang, s.hangs = true, order.Leaving
		s.mu.Unlock()
		n.link(false, "no carrier")
		time.Sleep(time.Minute)
		err := n.engine.HandOn(context.Background(), func(*Estate) error { t.Error("it hands on"); return nil })
		if err == nil {
			t.Fatal("it hands on")
		}
		for _, word := range []string{"group db", "exec /bin/disk", "did not end within 1s"} {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("no %q in: %v", word, err)
			}
		}
		s.mu.Lock()
		s.hang = false
		s.mu.Unlock()
		n.engine.Stepped("db", order.StepDone(nil, ""))
		n.stop(t)
	})
}

// An epoch never goes back on a node, whatever the store has forgotten: not
// behind its own takes, nor behind those of others that it has heard of.
func TestSteps_EpochsGoBeyondAStoreThatForgot(t *testing.T) {
	for _, tt := range []struct {
		name string
		book order.Book
		have lease.Record
		want uint64
	}{
		{"the store was wiped", order.Book{Epoch: 41}, lease.Record{}, 42},
		{"the store is older", order.Book{Epoch: 41}, lease.Record{Instance: "b", Epoch: 7, Term: time.Second, Renewal: 3}, 42},
		{"another node's was higher", order.Book{Epoch: 41, Seen: 90}, lease.Record{}, 91},
		{"the store knows more", order.Book{Epoch: 41, Seen: 90}, lease.Record{Instance: "b", Epoch: 107, Term: time.Second, Renewal: 3}, 108},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &register{found: lease.Found{Revision: lease.Absent}}
				if tt.have.Epoch != 0 {
					r.found = lease.Found{Revision: "17", Record: tt.have}
				}
				s := &shelf{book: tt.book}
				n := stepped(t, s, leased(100), registerFor{r, "a"})
				s.mu.Lock()
				epochs := s.epochs
				s.mu.Unlock()
				if len(epochs) != 1 || epochs[0] != tt.want || r.holder().Epoch != tt.want {
					t.Errorf("took with %d, the store has %+v, want %d", epochs, r.holder(), tt.want)
				}
				n.stop(t)
			})
		})
	}
}

// What another node holds with is on disk here, for the day on which the store
// has forgotten it.
func TestSteps_RememberOthersEpochs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		other := lease.Record{Holder: "b", Instance: "b/1", Epoch: 77, Term: time.Hour, Renewal: 3, Priority: 200}
		r := &register{found: lease.Found{Revision: "17", Record: other}}
		s := &shelf{}
		n := stepped(t, s, leased(100), registerFor{r, "a"})
		s.mu.Lock()
		if s.saved.Seen != 77 || s.saved.Epoch != 0 {
			t.Errorf("on disk: %+v", s.saved)
		}
		s.mu.Unlock()
		n.stop(t)
	})
}
