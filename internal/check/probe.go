package check

import "context"

// Probe looks once and says what it saw.
//
// Try returns soon after ctx is done, and leaves no goroutine, no descriptor
// and no process behind. ctx carries the deadline that the check's timeout
// sets. One goroutine calls Try at a time, so a probe may keep what saves
// work between two looks. A probe that has to release something when its
// check goes away is an io.Closer too.
type Probe interface {
	Try(ctx context.Context) Seen
}

// Seen is the answer of one look.
type Seen struct {
	OK bool
	// Warn is for a person: it passes, but not for long (a certificate that
	// ends next week).
	Warn bool
	// Text is what was seen and, when it is not OK, what was wanted:
	// "HTTP 503 in 12 ms, wanted 200". One line, no check's name in it, and
	// no secret.
	Text string
	// Weight is what the kind itself gives, where Weighted: it is added to
	// the priority of a group that uses the check by weight, in place of the
	// fixed weight (-253 to 253). A file's number, a program's exit code, an
	// agent's word.
	Weight   int
	Weighted bool
	// Share is how much of the configured weight counts, in percent, where
	// Shared: an agent's "75%". 100 is all of it.
	Share  int
	Shared bool
	// Mute says that nothing can be told from this look: it counts neither
	// as a pass nor as a failure (HAProxy's agent that does not answer).
	Mute bool
}

// Passed and Failed are the two plain answers.
func Passed(text string) Seen { return Seen{OK: true, Text: text} }

func Failed(text string) Seen { return Seen{Text: text} }
