package bfd

import (
	"fmt"
	"time"
)

// State is a state of RFC 5880 §6.2, with its number on the wire.
type State uint8

const (
	AdminDown State = iota // held down by its operator
	Down                   // the neighbour is not heard, or has just been lost
	Init                   // the neighbour is heard, but may not hear us
	Up                     // both hear each other
)

// Diag is a diagnostic of RFC 5880 §4.1: why a system last left a state.
type Diag uint8

const (
	DiagNone              Diag = iota
	DiagExpired                // control detection time expired
	DiagEchoFailed             // echo function failed
	DiagNeighbourDown          // neighbour signalled session down
	DiagForwardingReset        // forwarding plane reset
	DiagPathDown               // path down
	DiagConcatenatedDown       // concatenated path down
	DiagAdminDown              // administratively down
	DiagReverseConcatDown      // reverse concatenated path down
)

// What RFC 5881 fixes for a single hop.
const (
	Port          = 3784  // UDP destination port, §4
	MinSourcePort = 49152 // lowest UDP source port; the highest is 65535, §4
	TTL           = 255   // of what is sent, and demanded of what is heard, §5
)

// slowest is the shortest interval while a session is not Up (RFC 5880 §6.8.3).
const slowest = time.Second

var (
	stateNames = [...]string{"admin down", "down", "init", "up"}
	diagNames  = [...]string{
		DiagNone:              "no diagnostic",
		DiagExpired:           "control detection time expired",
		DiagEchoFailed:        "echo function failed",
		DiagNeighbourDown:     "neighbour signalled session down",
		DiagForwardingReset:   "forwarding plane reset",
		DiagPathDown:          "path down",
		DiagConcatenatedDown:  "concatenated path down",
		DiagAdminDown:         "administratively down",
		DiagReverseConcatDown: "reverse concatenated path down",
	}
)

// String gives "admin down", "down", "init" or "up".
func (s State) String() string { return name(stateNames[:], int(s), "state") }

// String gives a short lower case clause.
func (d Diag) String() string { return name(diagNames[:], int(d), "diagnostic") }

// name looks a constant's word up, and says what it was when there is none.
func name(names []string, i int, what string) string {
	if i < len(names) {
		return names[i]
	}
	return fmt.Sprintf("%s %d", what, i)
}
