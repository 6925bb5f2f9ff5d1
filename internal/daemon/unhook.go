package daemon

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/holdfast-net/holdfast/internal/balance/bpf"
	"github.com/holdfast-net/holdfast/internal/linux/hands"
)

// A plane in the kernel goes on when its daemon is dead, and only the gate keeps
// from it what comes for addresses that are not held. Hosts that have not heard yet
// who has an address now send to this machine for some milliseconds: without the
// gate, the plane would begin connections of which no other node ever hears, and
// which end as soon as those hosts know. So it is taken off the interfaces before
// the gate is. Its flows stay, for the daemon that comes next.

// hookedNote is the file that says, also to who has no configuration, in which
// folder the plane of this network namespace is.
func hookedNote(memory string) (string, error) {
	namespace, err := os.Readlink("/proc/self/ns/net") // net:[4026531840]
	if err != nil {
		return "", fmt.Errorf("cannot see which network this is: %w", err)
	}
	return filepath.Join(memory, "balancer-"+strings.Trim(namespace, "net:[]")), nil
}

func noteHooked(memory, dir string) error {
	name, err := hookedNote(memory)
	if err == nil {
		err = os.WriteFile(name, []byte(dir), 0o600)
	}
	if err != nil {
		return fmt.Errorf("cannot note where the balancer is: %w", err)
	}
	return nil
}

// forgetHooked is for when there is no plane any more.
func forgetHooked(memory string) error {
	name, err := hookedNote(memory)
	if err != nil {
		return err
	}
	if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("cannot forget where the balancer was: %w", err)
	}
	return nil
}

// unhook takes a plane off the interfaces that no daemon works with.
func unhook(memory string) error {
	name, err := hookedNote(memory)
	if err != nil {
		return err
	}
	dir, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot find the balancer of an earlier run: %w", err)
	}
	return bpf.Unhook(string(dir))
}

// sweepAll removes what a run that was killed has left: addresses first, so that
// the host does not answer for the plane, then what serves them, then the gate and
// the rest.
func sweepAll(t *hands.Turn, memory string) (did []string, err error) {
	did, err = t.SweepAddresses()
	err = errors.Join(err, unhook(memory))
	rest, failed := t.Sweep(memory)
	return append(did, rest...), errors.Join(err, failed)
}
