package daemon

import (
	"crypto/rand"
	"encoding/binary"

	"github.com/holdfast-net/holdfast/internal/engine"
)

// newBallot is what makes this process another voter than the one before it.
func newBallot() engine.Ballot {
	var seed [32]byte
	_, _ = rand.Read(seed[:]) // never fails: crypto/rand ends the program instead
	return engine.Ballot{Session: binary.NativeEndian.Uint64(seed[16:]) | 1, Seed: seed[:16]}
}
