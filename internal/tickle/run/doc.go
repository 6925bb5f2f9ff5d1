// Package run gives a [tickle.Machine] a clock, a kernel and the other nodes. It
// is a goroutine of its own: lists of ten thousand connections are none of the
// engine's loop, which only hands on what it is told, in both directions.
package run
