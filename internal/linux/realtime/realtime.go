// Package realtime makes the process punctual on a busy machine.
//
// A backup takes over when adverts are late, so an advert that waits for a
// processor is an outage. Four things make a Go program late, and each has its
// remedy here:
//
//   - Other programs have the processor. Threads in the real-time class
//     SCHED_RR get it at once. All threads are in the class, because the
//     runtime may carry on the loop on any of them, and because a collector
//     in the ordinary class would keep the loop waiting like the busy machine
//     keeps it.
//   - The loop waits for a processor of the runtime while other goroutines
//     compute. There is one more of them than the machine has.
//   - Memory was paged out. It is locked, as far as it is used.
//   - The kernel rounds timers of ordinary threads, by 50 µs. It does not for
//     real-time threads; for the case that the class is refused, the slack is
//     set to the least.
//
// What happens if a thread runs away in the real-time class? The kernel keeps
// a share of each processor for ordinary programs (sched_rt_runtime_us, or
// the deadline server since Linux 6.12, both 5 % by default), so an operator
// can still log in, and the watchdog of systemd, which the loop feeds, ends
// the process. RLIMIT_RTTIME, which kills a thread that computes for too long
// without ever sleeping, is left as it is: under a flood of packets the loop
// does just that, and dying of a flood would be worse than working through
// it.
//
// All threads have the same priority, and none may leave it for a moment. The
// runtime spins, yielding the processor, while it waits for one of its own
// threads (a collector for a goroutine to stop, for instance). A thread that
// is one step below never runs beside spinners above it: with the loop raised
// or a worker lowered by one step, whole processes were seen to spin for ever.
//
// Programs that the daemon starts must not run in the class: start them with
// Start.
package realtime

import (
	"errors"
	"fmt"
	"strings"
)

// Report says in words what was granted and what was refused.
type Report []Step

// Step is one thing that was asked for.
type Step struct {
	What string // "threads in the real-time class (SCHED_RR, priority 49)"
	Err  error  // why it was refused; nil if it was granted
	Hint string // what to do about it; empty if granted
}

// Granted lists what was granted.
func (r Report) Granted() []string {
	var list []string
	for _, s := range r {
		if s.Err == nil {
			list = append(list, s.What)
		}
	}
	return list
}

// Refused lists what was refused, with the reason and the remedy.
func (r Report) Refused() []string {
	var list []string
	for _, s := range r {
		if s.Err != nil {
			list = append(list, fmt.Sprintf("%s: %v (%s)", s.What, s.Err, s.Hint))
		}
	}
	return list
}

// Err joins what was refused, and is nil if everything was granted.
func (r Report) Err() error {
	var errs []error
	for _, s := range r {
		if s.Err != nil {
			errs = append(errs, fmt.Errorf("cannot have %s: %w", s.What, s.Err))
		}
	}
	return errors.Join(errs...)
}

// String is the whole report in one line.
func (r Report) String() string {
	var parts []string
	if g := r.Granted(); len(g) > 0 {
		parts = append(parts, "granted: "+strings.Join(g, ", "))
	}
	if f := r.Refused(); len(f) > 0 {
		parts = append(parts, "refused: "+strings.Join(f, "; "))
	}
	return strings.Join(parts, "; ")
}

func (r *Report) add(what string, err error, hint string) {
	if err == nil {
		hint = ""
	}
	*r = append(*r, Step{What: what, Err: err, Hint: hint})
}
