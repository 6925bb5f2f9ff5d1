package hold

import "time"

// Estate is what the Keeper of one process leaves to that of the next.
type Estate struct {
	Level Level
	Term  time.Duration
	Doors Doors // as adverts alone would have them
	Spoke Instant
}

// Estate draws it up.
func (k *Keeper) Estate() Estate { return Estate{k.level, k.term, k.doors, k.spoke} }

// Inherit makes a Keeper that goes on where another one stopped. Who hands a
// hold on must not extend it any more.
func Inherit(e Estate) Keeper {
	return Keeper{level: e.Level, term: e.Term, doors: e.Doors, spoke: e.Spoke}
}
