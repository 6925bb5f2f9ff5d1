package survival

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/lab"
	"github.com/holdfast-net/holdfast/interop/peer"
)

// Pair is what runs on the two balancers. The first one holds the address while
// nothing is wrong.
type Pair interface {
	Name() string
	// Start starts what does not run on a balancer.
	Start(i int) error
	// Ready says what the second one lacks of what it needs to take over, or nil.
	Ready() error
	// Kill kills what forwards there, at once.
	Kill(i int) error
	// Freeze has all of it stand still, until Thaw.
	Freeze(i int) error
	Thaw(i int) error
	// Leave has it give the address away on purpose, and Return has it take the
	// address again.
	Leave(i int) error
	Return(i int) error
	// Upgrade puts another process of the same program in the place of the one
	// that runs.
	Upgrade(i int) error
	// Stop ends all of it in order.
	Stop() error
	// Logs is what all of it has printed.
	Logs() string
}

// patience is how long anything may take on a machine with other work. Nothing
// waits for it to pass.
const patience = 20 * time.Second

// adverts is the time between two of them: a failover takes a little more than
// three times as long.
const adverts = 100 * time.Millisecond

// router is the group of a balancer, in the words of every daemon.
func router(i int) peer.Router {
	return peer.Router{
		Name: "web", Interface: lab.Interface, ID: 51, Priority: uint8(200 - 100*i), Interval: adverts, Version: 3,
		Addresses: []netip.Prefix{vip, inner}, MAC: peer.PhysicalMAC,
	}
}

// until polls until f has nothing to complain about.
func until(f func() error) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(3 * patience); ; <-tick.C {
		err := f()
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("not within %s: %w", 3*patience, err)
		}
	}
}

// program finds the processes of a host by the beginning of their command lines.
func program(h *lab.Host, words ...string) (pids []int) {
	for _, pid := range h.Processes() {
		line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		args := strings.Split(strings.TrimRight(string(line), "\x00"), "\x00")
		args[0] = filepath.Base(args[0])
		if len(args) >= len(words) && strings.Join(args[:len(words)], " ") == strings.Join(words, " ") {
			pids = append(pids, pid)
		}
	}
	return pids
}

// stop ends processes of a host in order, and waits for them.
func stop(h *lab.Host, words ...string) error {
	if len(program(h, words...)) == 0 {
		return nil
	}
	return errors.Join(signal(h, unix.SIGTERM, words...), gone(h, words...))
}

// signal signals the processes of a host, of which there has to be one.
func signal(h *lab.Host, sig unix.Signal, words ...string) error {
	pids := program(h, words...)
	if len(pids) == 0 {
		return fmt.Errorf("cannot signal %s on %s: it does not run", strings.Join(words, " "), h.Name())
	}
	for _, pid := range pids {
		if err := unix.Kill(pid, sig); err != nil {
			return fmt.Errorf("cannot signal %s on %s: %w", strings.Join(words, " "), h.Name(), err)
		}
	}
	return nil
}

// gone waits until no such process is there.
func gone(h *lab.Host, words ...string) error {
	return until(func() error {
		if pids := program(h, words...); len(pids) > 0 {
			return fmt.Errorf("%s on %s has not ended: %v", strings.Join(words, " "), h.Name(), pids)
		}
		return nil
	})
}
