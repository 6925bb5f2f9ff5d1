package group

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func guarded(c *Config) { c.Guarded = true }

// A guarded backup that hears nobody asks for a mandate, once, and claims
// nothing before it has one.
func TestGuarded_WaitsForItsMandate(t *testing.T) {
	b := backup(t, single(guarded))
	acts := b.story(b.pass(20 * time.Second))
	if diff := cmp.Diff([]string{"ask for a mandate with 100"}, acts); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	b.in(waiting)
	b.feed(Mandate(b.now.Add(time.Second)))
	b.in(claiming)
}

// Another node got the mandate while this one waited. Though this one began to
// ask because nobody was heard, it asks that node now as any that preempts.
func TestGuarded_AsksWhoGotTheMandate(t *testing.T) {
	b := backup(t, single(guarded))
	b.pass(20 * time.Second)
	asks := func() bool {
		b.now = b.now.Add(time.Second)
		acts := b.story(append(b.feed(Tick()), b.kinAdverts(lower, 50)...))
		return slices.Contains(acts, "web ipv4: ask the holder with 100")
	}
	asked := 0
	for range 6 {
		if asks() {
			asked++
		}
	}
	if asked < 2 {
		t.Errorf("it asks %d times in 6s", asked)
	}
	b.in(waiting)
}
