package run

import "time"

// pace has work on millions of flows leave the CPU again and again. All of a
// daemon's threads may be in the real-time class, where nobody takes the CPU from
// them: neither whoever else lives on the machine, nor the kernel's own thread
// that forwards packets when there are many.
type pace struct {
	worked time.Duration // since the last rest
	since  time.Time
}

// What nobody else gets a CPU for, and how long they have it then.
const (
	stretch = 2 * time.Millisecond
	rest    = 500 * time.Microsecond
)

// begin says that work begins, end that it has ended: then it is time to rest,
// or not yet.
func (p *pace) begin() { p.since = time.Now() }

func (p *pace) end() {
	if p.worked += time.Since(p.since); p.worked < stretch {
		return
	}
	p.worked = 0
	time.Sleep(rest)
}
