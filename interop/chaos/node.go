package chaos

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/lab"
	"github.com/holdfast-net/holdfast/interop/peer"
)

// node is a host with a daemon that is started again and again.
type node struct {
	name      string
	host      *lab.Host
	kind      peer.Kind
	opt       peer.Options
	router    peer.Router
	daemons   []peer.Daemon // the last one is the one that runs, if any does
	manifest  manifest      // the host before anything ran on it
	unplugged bool          // a fault has its cable, its interface or its power
	disk      *disk         // of its own, where a fault fills it
	lost      string        // its member of the store was lost: what an operator has yet to do about it
}

// state is where the daemon keeps what it wants to find again.
func (n *node) state() string { return filepath.Join(n.opt.Dir, "state") }

// start starts the daemon where none runs: what systemd would do. One that was
// just started may not bear its own name yet, as it begins as the shell that
// mounts its disk; one that a guardian started is known by its name alone.
func (n *node) start() error {
	begun := len(n.daemons) > 0 && n.runs()
	if n.host.NS() == nil || begun || len(n.pids(theDaemon)) > 0 {
		return nil
	}
	// keepalived takes a process that has ended, but that its parent has not
	// yet asked about, for a running one. systemd asks.
	for _, name := range []string{"keepalived.pid", "vrrp.pid"} {
		if err := os.Remove(filepath.Join(n.opt.Dir, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	d, err := peer.Start(n.kind, n.host, n.opt, n.router)
	if err != nil {
		return fmt.Errorf("cannot start %s on %s: %w", n.kind, n.name, err)
	}
	n.daemons = append(n.daemons, d)
	return nil
}

// runs says that the program which was started last has not ended.
func (n *node) runs() bool {
	select {
	case <-n.daemon().Process().Done():
		return false
	default:
		return true
	}
}

func (n *node) daemon() peer.Daemon { return n.daemons[len(n.daemons)-1] }

// stop ends the daemon as an operator does: systemctl stop signals the first
// process, waits, and kills what is left.
func (n *node) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	first := n.daemon()
	n.signal(unix.SIGCONT, all) // with SIGTERM, as systemd does: what stands still cannot end
	if n.runs() {
		// How it exits after all that has happened to it says nothing.
		if err := first.Stop(ctx); err != nil && ctx.Err() != nil {
			return fmt.Errorf("cannot stop %s on %s: %w", n.kind, n.name, err)
		}
	}
	// What runs now may have been started by a guardian.
	n.signal(unix.SIGTERM, all)
	for len(n.pids(all)) > 0 {
		select {
		case <-ctx.Done():
			left := n.describe()
			n.signal(unix.SIGKILL, all)
			return fmt.Errorf("%s on %s does not end: %s", n.kind, n.name, left)
		case <-time.After(5 * time.Millisecond):
		}
	}
	return nil
}

// which names processes of a daemon.
type which uint8

const (
	theDaemon which = iota
	theGuardian
	theMember // of the store that the nodes make up
	all
)

// process is one program on a node.
type process struct {
	pid, parent int
	args        []string
}

// pids finds the processes that are meant.
func (n *node) pids(w which) []int {
	var procs []process
	for _, pid := range n.host.Processes() {
		if p, ok := inspect(pid); ok && filepath.Base(p.args[0]) == n.program() && !p.operates() {
			procs = append(procs, p)
		}
	}
	var pids []int
	for _, p := range procs {
		if w == all || w == n.part(p, procs) {
			pids = append(pids, p.pid)
		}
	}
	return pids
}

// program is the name of the daemon's file.
func (n *node) program() string {
	if n.kind == peer.Holdfast {
		return filepath.Base(n.opt.Binary)
	}
	return string(n.kind)
}

// part is which of a node's processes one is.
func (n *node) part(p process, procs []process) which {
	switch {
	case n.kind == peer.Holdfast && len(p.args) > 1 && p.args[1] == "member":
		return theMember
	case n.guards(p, procs):
		return theGuardian
	}
	return theDaemon
}

// operates tells whether a process is no daemon's, but a person's who changes the
// members of the store.
func (p process) operates() bool { return len(p.args) > 1 && p.args[1] == "cluster" }

// guards tells whether a process watches over another one.
func (n *node) guards(p process, procs []process) bool {
	if n.kind == peer.Holdfast {
		return len(p.args) > 1 && p.args[1] == "guard"
	}
	for _, child := range procs {
		if child.parent == p.pid {
			return true
		}
	}
	return false
}

// inspect reads what /proc says about a process.
func inspect(pid int) (process, bool) {
	args, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil || len(args) == 0 {
		return process{}, false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return process{}, false
	}
	// proc(5): pid (comm) state ppid; the name may contain anything.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 2 || fields[0] == "Z" {
		return process{}, false
	}
	parent, err := strconv.Atoi(fields[1])
	return process{pid, parent, strings.Split(strings.TrimRight(string(args), "\x00"), "\x00")}, err == nil
}

// signal signals the processes that are meant, and says how many they were.
func (n *node) signal(sig unix.Signal, w which) int {
	pids := n.pids(w)
	for _, pid := range pids {
		_ = unix.Kill(pid, sig) // gone in between: as well
	}
	return len(pids)
}

func (n *node) describe() string {
	var words []string
	for _, pid := range n.pids(all) {
		if p, ok := inspect(pid); ok {
			words = append(words, fmt.Sprintf("%d (%s)", pid, strings.Join(p.args, " ")))
		}
	}
	return strings.Join(words, ", ")
}

// deleteAddress takes the address away as an operator's slip does.
func (n *node) deleteAddress(vip netip.Prefix) error {
	return n.host.Do(func() error {
		links, err := netlink.LinkList()
		if err != nil {
			return err
		}
		var errs []error
		for _, link := range links {
			addrs, err := netlink.AddrList(link, netlink.FAMILY_ALL)
			errs = append(errs, err)
			for _, a := range addrs {
				if a.IP.Equal(net.IP(vip.Addr().AsSlice())) {
					errs = append(errs, netlink.AddrDel(link, &netlink.Addr{IPNet: a.IPNet}))
				}
			}
		}
		return errors.Join(errs...)
	})
}
