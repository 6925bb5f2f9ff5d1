package store

import (
	"context"
	"time"

	"github.com/holdfast-net/holdfast/internal/lease"
)

// Store keeps the records of leases. Its methods may be called from several
// goroutines, and return when ctx ends at the latest.
type Store interface {
	// Get reads a record from a majority; one that is not there is Absent
	// and no error.
	Get(ctx context.Context, id string) (lease.Found, error)

	// Swap replaces a record if the condition is met, in one step. It returns
	// whether it did, and what is there now; the revision may be empty after
	// one that did not, where the store does not say, which costs another
	// question. An error says that the record may have been replaced, or may
	// still be.
	Swap(ctx context.Context, id string, is lease.Condition, to lease.Record) (bool, lease.Found, error)

	// Watch calls tell with the record as it is, and with each change after
	// that, until ctx ends or the store does not tell any more (compacted,
	// disconnected). Changes may be told late or twice, and one that was
	// followed by another may be left out. tell must not block.
	Watch(ctx context.Context, id string, tell func(lease.Found)) error

	// View lists who the store is, and how they did when they were asked last.
	// It asks nobody.
	View() []View

	// Close ends it. Nothing is called after that.
	Close() error
}

// View is how a member of a store does, for people.
type View struct {
	Endpoint string
	First    bool          // it is asked first; the others where it is slow
	Heard    time.Time     // its last answer; zero: none yet
	Trip     time.Duration // that this one took
	Err      string        // why its last answer was none; "": it was one, or it was never asked
}
