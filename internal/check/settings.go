package check

import "time"

// Settings are what all kinds have in common. The zero value of a field is
// never a default: package config fills them in.
type Settings struct {
	Interval     time.Duration // between the starts of two looks
	FastInterval time.Duration // the same between the first odd result and the decision
	DownInterval time.Duration // the same while down
	Timeout      time.Duration // of one look
	Jitter       int           // percent by which an interval varies, 0 to 50
	Rise         int           // passes in a row that make it up
	Fall         int           // failures in a row that make it down
	Initial      Initial
	Flap         Flap
}

// Initial is what is assumed before anything was seen.
type Initial uint8

const (
	InitialWait Initial = iota // nothing: a group waits for the first result, and that decides
	InitialUp                  // it passes; Fall failures make it down
	InitialDown                // it fails; Rise passes make it up
)

// String is the word of the file.
func (i Initial) String() string { return [...]string{"wait", "up", "down"}[i] }

// Flap damps a check that changes too often: after Changes turns to down
// Within a time it is up again only when it has passed for all of Stable.
type Flap struct {
	Changes int // 0: off
	Within  time.Duration
	Stable  time.Duration
}
