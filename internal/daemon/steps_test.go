package daemon

import (
	"strings"
	"testing"

	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/order"
)

// A group that comes back into the file while what an earlier run had begun of it
// is being undone has to wait for that: two machines would run its steps at once.
func TestStepper_RefusesAGroupThatIsBeingUndone(t *testing.T) {
	cfg := &config.Config{State: t.TempDir(), Groups: []config.Group{{Name: "db"}}}
	s := newStepper(cfg, nil, func(string, order.Event) {})
	defer s.close()
	if err := s.prepare(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	s.forgotten["db"] = make(chan order.Event)
	if err := s.prepare(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "still being undone") {
		t.Errorf("it is taken in: %v", err)
	}
	delete(s.forgotten, "db")
	if err := s.prepare(t.Context(), cfg); err != nil {
		t.Error(err)
	}
}
