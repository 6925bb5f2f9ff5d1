package engine

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-net/holdfast/internal/check"
	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/group"
)

func checked(uses ...config.Use) *config.Config {
	cfg := webConfig(150, func(g *config.Group) { g.Checks = uses })
	for _, u := range uses {
		cfg.Checks = append(cfg.Checks, config.Check{Spec: check.Spec{Name: u.Check}})
	}
	return cfg
}

// A node that does not know yet whether it is fit takes nothing over, and says
// what it waits for; a check that a reload brings takes nothing away.
func TestEngine_WaitsForTheFirstResult(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, a, _ := pair(t)
		a.start(t, checked(config.Use{Check: "service"}))
		time.Sleep(10 * time.Second)
		if a.answers(vip) {
			t.Fatal("holds the address before it is known whether it is fit")
		}
		if got, want := a.stateOf(t), group.Init; got != want {
			t.Errorf("state %s, want %s", got, want)
		}
		a.engine.Checked("service", check.Change{To: check.Up})
		time.Sleep(10 * time.Second)
		if !a.answers(vip) {
			t.Fatal("does not take the address after the first result")
		}
		if err := a.engine.Apply(t.Context(), checked(config.Use{Check: "service"}, config.Use{Check: "new"})); err != nil {
			t.Fatal(err)
		}
		a.engine.Checked("service", check.Change{To: check.Pending}) // it began anew
		time.Sleep(10 * time.Second)
		if !a.answers(vip) {
			t.Error("a check without a result took the address away")
		}
		a.engine.Checked("new", check.Change{To: check.Down, Text: "refused"})
		time.Sleep(10 * time.Second)
		if a.answers(vip) {
			t.Error("a check that failed did not take the address away")
		}
		a.stop(t)
		_ = l
	})
}

// A number that a check gives is added to the priority; a share that is
// missing is taken off.
func TestEngine_AWorthMovesThePriority(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, _ := pair(t)
		a.start(t, checked(config.Use{Check: "load", Weight: 40}))
		tests := []struct {
			change check.Change
			want   uint8
		}{
			{check.Change{To: check.Up}, 150},
			{check.Change{From: check.Up, To: check.Up, Worth: check.Worth{Weight: 20, Weighted: true}}, 170},
			{check.Change{From: check.Up, To: check.Up, Worth: check.Worth{Weight: -30, Weighted: true}}, 120},
			{check.Change{From: check.Up, To: check.Up, Worth: check.Worth{Weight: 253, Weighted: true}}, 254},
			{check.Change{From: check.Up, To: check.Up, Worth: check.Worth{Share: 75, Shared: true}}, 140},
			{check.Change{From: check.Up, To: check.Up, Worth: check.Worth{Share: 0, Shared: true}}, 110},
			{check.Change{From: check.Up, To: check.Down, Text: "refused"}, 110},
			{check.Change{From: check.Down, To: check.Up}, 150},
		}
		for _, tt := range tests {
			a.engine.Checked("load", tt.change)
			time.Sleep(time.Second)
			s, err := a.engine.Snapshot(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if got := s.Units[0].View.Routers[0].Priority; got != tt.want {
				t.Errorf("%+v: priority %d, want %d", tt.change, got, tt.want)
			}
		}
		a.stop(t)
	})
}

func (n *testNode) stateOf(t *testing.T) group.State {
	t.Helper()
	s, err := n.engine.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s.Units[0].State
}
