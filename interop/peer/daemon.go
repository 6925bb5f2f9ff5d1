package peer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"

	"github.com/holdfast-net/holdfast/internal/lab"
)

// Kind is a program that speaks VRRP.
type Kind string

// The programs that a lab can run.
const (
	Holdfast   Kind = "holdfast"
	Keepalived Kind = "keepalived"
	FRR        Kind = "frr"
)

// Daemon is one running program.
type Daemon interface {
	Kind() Kind
	// State is the state of a group: Init, Backup, Active or Fault.
	State(group string) (string, error)
	// Stop ends the daemon the way an operator does (SIGTERM) and waits
	// for it.
	Stop(ctx context.Context) error
	// Kill ends it and what it started at once (SIGKILL).
	Kill() error
	// Process is the program's first process.
	Process() *lab.Process
	// Log is all that it has printed.
	Log() string
}

// Options are what differs between runs and not between routers.
type Options struct {
	Dir    string   // files of the daemon; made if missing
	Binary string   // of holdfast
	Node   string   // the node's name; empty: the host's
	Global []string // lines for keepalived's global_defs, or top level lines for holdfast's file
	Top    []string // lines for keepalived's file besides, before its instances
	// Guardian is what holdfast's does when its daemon was killed; empty:
	// release, since whoever started the daemon starts it again.
	Guardian string
	Under    []string // a command that runs the program given by its further arguments, such as unshare(1)
}

// Start starts a daemon of a kind with its routers on a host. It returns as
// soon as the program runs, which is before it has elected anything.
func Start(kind Kind, host *lab.Host, opt Options, routers ...Router) (Daemon, error) {
	if opt.Node == "" {
		opt.Node = host.Name()
	}
	if err := os.MkdirAll(opt.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("cannot make the folder of %s: %w", kind, err)
	}
	switch kind {
	case Holdfast:
		return startHoldfast(host, opt, routers)
	case Keepalived:
		return startKeepalived(host, opt, routers)
	case FRR:
		return startFRR(host, opt, routers)
	}
	return nil, fmt.Errorf("cannot start %q: no such peer", kind)
}

// Have says why a kind cannot run on this machine, or nil.
func Have(kind Kind) error {
	var missing []error
	for _, program := range map[Kind][]string{
		Keepalived: {"keepalived"},
		FRR:        {frrDir + "/zebra", frrDir + "/vrrpd", "vtysh"},
	}[kind] {
		if _, err := exec.LookPath(program); err != nil {
			missing = append(missing, err)
		}
	}
	return errors.Join(missing...)
}

// run starts a program with its output in a log.
func run(host *lab.Host, log *Log, opt Options, name string, args ...string) (*lab.Process, error) {
	line := append(append(slices.Clone(opt.Under), name), args...)
	cmd := exec.Command(line[0], line[1:]...)
	out, err := log.open()
	if err != nil {
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = out, out
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	return host.Start(cmd)
}
