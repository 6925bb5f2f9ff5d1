package peer

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"time"

	"github.com/holdfast-net/holdfast/internal/lab"
)

// BFDSession is one session as a peer's file says it.
type BFDSession struct {
	Interface     string
	Local, Remote netip.Addr
	TX, RX        time.Duration // whole milliseconds
	Multiplier    int
	Passive       bool
	Auth          string // BIRD's words, such as "keyed sha1"; empty: none
	Key           string // with id 1
}

// BFDStatus is what a peer says of the session.
type BFDStatus struct {
	State     string        // "up", "down", "init", "admin down"; "" when it knows none
	Interval  time.Duration // what it sends at
	Detection time.Duration // when it gives a silent neighbour up
}

// BFD is a running daemon that speaks BFD to one neighbour.
type BFD interface {
	Kind() Kind
	// Status asks the daemon.
	Status() (BFDStatus, error)
	// Set gives the session other timers while it runs.
	Set(BFDSession) error
	// Disable holds the session down until Enable. FRR says so to its
	// neighbour, BIRD falls silent.
	Disable() error
	Enable() error
	Kill() error
	Log() string
}

// BIRD speaks BFD, and no VRRP.
const BIRD Kind = "bird"

// StartBFD starts a daemon of a kind with a session on a host. It returns as
// soon as the program answers questions.
func StartBFD(kind Kind, host *lab.Host, dir string, s BFDSession) (BFD, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("cannot make the folder of %s: %w", kind, err)
	}
	switch kind {
	case BIRD:
		return startBIRD(host, dir, s)
	case FRR:
		return startBFDD(host, dir, s)
	}
	return nil, fmt.Errorf("cannot start %q for BFD: no such peer", kind)
}

// HaveBFD says why a kind cannot run on this machine, or nil.
func HaveBFD(kind Kind) error {
	var missing []error
	for _, program := range map[Kind][]string{
		BIRD: {"bird", "birdc"},
		FRR:  {frrDir + "/zebra", frrDir + "/bfdd", "vtysh"},
	}[kind] {
		if _, err := exec.LookPath(program); err != nil {
			missing = append(missing, err)
		}
	}
	return errors.Join(missing...)
}
