package daemon

import (
	"strings"
	"testing"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/order"
)

// A group that comes back into the file while what an earlier run had begun of it
// is being undone has to wait for that: two machines would run its steps at once.
func TestStepper_RefusesAGroupThatIsBeingUndone(t *testing.T) {
	cfg := &config.Config{State: t.TempDir(), Groups: []config.Group{{Name: "db"}}}
	s := newStepper(cfg, nil, func(string, order.Event) {}, func(api.Event) {})
	defer s.close()
	if err := s.prepare(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	s.forgotten["db"] = newAnswers(order.View{})
	if err := s.prepare(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "still being undone") {
		t.Errorf("it is taken in: %v", err)
	}
	delete(s.forgotten, "db")
	if err := s.prepare(t.Context(), cfg); err != nil {
		t.Error(err)
	}
}

// Answers come in the order in which they were given: that a step is done must
// not overtake that it was written down.
func TestAnswers_KeepTheirOrder(t *testing.T) {
	a := newAnswers(order.View{})
	const most = 1000
	go func() {
		for i := range uint64(most) {
			a.put(order.Saved(i, nil))
		}
	}()
	next := uint64(0)
	for next < most {
		<-a.some
		for _, ev := range a.take() {
			if ev.Serial != next {
				t.Fatalf("%d comes for %d", ev.Serial, next)
			}
			next++
		}
	}
}
