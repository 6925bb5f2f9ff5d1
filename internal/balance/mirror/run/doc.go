// Package run gives a [mirror.Machine] a clock, a plane, and TCP.
//
// One goroutine owns the machine. Each connection has one that reads and one
// that writes; walks of the plane and what is put there have goroutines of
// their own. None of them has the plane wait: its news are copied and left, and
// where they are not taken in time they are dropped, and all is told.
package run
