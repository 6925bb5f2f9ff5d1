//go:build race

package sim

// The race detector makes a run some ten times as slow, and finds nothing
// here: nothing is concurrent.
const slow = 10
