package realtime

import "runtime"

// Tune does what makes the process punctual, at start: Raise, and room for
// the loop beside goroutines that compute. The runtime looks for packets when
// one of its processors has nothing else to do, so there is one more than the
// machine has.
func Tune(priority int) Report {
	_ = slack(1)
	runtime.GOMAXPROCS(runtime.NumCPU() + 1)
	return Raise(priority)
}
