package local

import (
	"fmt"
	"net/netip"
	"os/exec"
	"time"

	"github.com/holdfast-net/holdfast/internal/check"
)

// Env is what the probes work with. It is shared by all of them.
type Env struct {
	Kernel Kernel
	// Processes is shared so that the checks of one interval look once; nil:
	// each probe has its own.
	Processes *Processes
	// Session tells how the BFD session with a neighbour is, on an interface
	// or on any: its state in words, and whether it is up. Known is false
	// where there is none.
	Session func(peer netip.Addr, dev string) (state string, up, known bool)
	// Heard tells how long ago a node was heard. Known is false where it
	// never was.
	Heard func(node string) (ago time.Duration, known bool)
	// Environ is what a program finds beside what tells it about the check;
	// nil: the daemon's own.
	Environ []string
	// Node is this node's name, for programs.
	Node string
	// Start starts a program; nil: (*exec.Cmd).Start.
	Start func(*exec.Cmd) error
}

// New makes the probe of a local kind. Nothing is looked at yet.
func New(kind check.Kind, env Env) (check.Probe, error) {
	switch k := kind.(type) {
	case check.Exec:
		return newExec(k, env), nil
	case check.File:
		return fileProbe{k}, nil
	case check.Process:
		return newProcess(k, env)
	case check.Link:
		return linkProbe{k, env.Kernel}, nil
	case check.Route:
		return routeProbe{k, env.Kernel}, nil
	case check.Address:
		return addressProbe{k, env.Kernel}, nil
	case check.BFD:
		return bfdProbe{k, env}, nil
	case check.Peer:
		return peerProbe{k, env}, nil
	case check.Agent:
		return newAgent(k), nil
	}
	return nil, fmt.Errorf("cannot look at %s: %T is not about this machine", kind.Target(), kind)
}

// failedf is a failure with what was seen, and wanted.
func failedf(format string, args ...any) check.Seen {
	return check.Failed(fmt.Sprintf(format, args...))
}

func passedf(format string, args ...any) check.Seen {
	return check.Passed(fmt.Sprintf(format, args...))
}

// took is a duration for people: "12 ms", "1.5 s".
func took(d time.Duration) string {
	switch {
	case d >= time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d >= time.Millisecond:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return "less than 1 ms"
}
