// Package daemon is the composition root of "holdfast run": it puts the
// kernel's doors (internal/linux), the engine, the journal, the hooks and the
// control interface together, and answers for them as one (it is the
// api.Daemon).
//
// Order of things at start: the file is read and checked; then the journal
// and the control socket open, so that what follows can be seen; then the
// kernel's doors; then the engine gets its configuration. At the end the same
// backwards: every group leaves in order before a door closes.
package daemon
