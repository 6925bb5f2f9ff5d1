package peer

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/lab"
)

// Node is a running holdfast, with what its command line can do.
type Node struct {
	host   *lab.Host
	proc   *lab.Process
	log    *Log
	binary string
	dir    string
}

func startHoldfast(host *lab.Host, opt Options, routers []Router) (Daemon, error) {
	if opt.Binary == "" {
		return nil, errors.New("cannot start holdfast: no binary given")
	}
	n := &Node{host: host, log: &Log{}, binary: opt.Binary, dir: opt.Dir}
	if err := n.Write(HoldfastConf(opt, routers)); err != nil {
		return nil, err
	}
	for _, r := range routers {
		if r.Pass == "" {
			continue
		}
		if err := os.WriteFile(passFile(opt, r), []byte(r.Pass), 0o600); err != nil {
			return nil, fmt.Errorf("cannot write password: %w", err)
		}
	}
	var err error
	n.proc, err = run(host, n.log, opt, opt.Binary, "run", "-c", n.file(), "--guardian", cmp.Or(opt.Guardian, "release"))
	if err != nil {
		return nil, err
	}
	return n, nil
}

// HoldfastConf writes the routers in holdfast's language.
func HoldfastConf(opt Options, routers []Router) string {
	var b strings.Builder
	line := func(depth int, format string, args ...any) {
		fmt.Fprintf(&b, strings.Repeat("  ", depth)+format+"\n", args...)
	}
	line(0, "node: %s", opt.Node)
	line(0, "state: %s", filepath.Join(opt.Dir, "state"))
	line(0, "control: {socket: %s}", filepath.Join(opt.Dir, "holdfast.sock"))
	for _, g := range opt.Global {
		line(0, "%s", g)
	}
	line(0, "groups:")
	for _, r := range routers {
		line(1, "%s:", r.Name)
		line(2, "addresses: [%s]", joined(r.Addresses))
		line(2, "interface: %s", r.Interface)
		if r.Guard != "" {
			line(2, "guard: %s", r.Guard)
		}
		if r.Lease != "" {
			line(2, "lease: %s", r.Lease)
			continue
		}
		line(2, "vrrp:")
		line(3, "id: %d", r.ID)
		line(3, "priority: %d", r.Priority)
		line(3, "interval: %s", r.Interval)
		line(3, "version: %d", r.Version)
		if r.NoPreempt {
			line(3, "preempt: false")
		}
		if len(r.Peers) > 0 {
			line(3, "peers: [%s]", joined(r.Peers))
		}
		if r.MAC != "" {
			line(3, "mac: %s", r.MAC)
		}
		if r.Hops != 0 {
			line(3, "hops: %d", r.Hops)
		}
		if r.Checksum != "" {
			line(3, "checksum: %s", r.Checksum)
		}
		if r.Pass != "" {
			line(3, "auth: {pass: {file: %s}}", passFile(opt, r))
		}
		for _, f := range r.Further {
			line(3, "%s", f)
		}
	}
	return b.String()
}

// passFile is where the password of a router is kept: the file that people
// show around does not hold it.
func passFile(opt Options, r Router) string { return filepath.Join(opt.Dir, "pass-"+r.Name) }

func joined[T fmt.Stringer](values []T) string {
	var words []string
	for _, v := range values {
		words = append(words, v.String())
	}
	return strings.Join(words, ", ")
}

func (n *Node) file() string { return filepath.Join(n.dir, "holdfast.yaml") }

// Host is where it runs.
func (n *Node) Host() *lab.Host { return n.host }

// Socket is the path of the control socket.
func (n *Node) Socket() string { return filepath.Join(n.dir, "holdfast.sock") }

// Write replaces the configuration file.
func (n *Node) Write(conf string) error {
	if err := os.WriteFile(n.file(), []byte(conf), 0o600); err != nil {
		return fmt.Errorf("cannot write holdfast.yaml: %w", err)
	}
	return nil
}

// Command runs a command of the binary against this daemon, and returns what
// it printed. A command that fails says why on stderr; that is in the error.
func (n *Node) Command(args ...string) ([]byte, error) {
	cmd := exec.Command(n.binary, append(args, "--socket", n.Socket())...)
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = fmt.Errorf("holdfast %s: %w: %s", strings.Join(args, " "), err, exit.Stderr)
	}
	return out, err
}

// Status is what `holdfast status -o json` prints. Its exit code tells about
// the groups (20 and above) and is no error here.
func (n *Node) Status() (*api.Status, error) {
	out, err := n.Command("status", "-o", "json")
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() < 20) {
		return nil, err
	}
	var s api.Status
	if err := json.Unmarshal(out, &s); err != nil {
		return nil, fmt.Errorf("cannot read holdfast's status: %w\n%s", err, out)
	}
	return &s, nil
}

// State is the group's state as the status tells it.
func (n *Node) State(group string) (string, error) {
	if _, err := os.Stat(n.Socket()); err != nil {
		return Init, n.ended() // not listening yet
	}
	s, err := n.Status()
	if err != nil {
		return "", errors.Join(err, n.ended())
	}
	for _, g := range s.Groups {
		if g.Name == group {
			return g.State, nil
		}
	}
	return "", fmt.Errorf("holdfast knows no group %s", group)
}

// ended is an error where the program that was started is no more. Another one
// may go on in its place: after an upgrade, or started by a guardian.
func (n *Node) ended() error {
	select {
	case <-n.proc.Done():
		return fmt.Errorf("holdfast has ended: %w\n%s", cmp.Or(n.proc.Err(), errors.New("in order")), n.Log())
	default:
		return nil
	}
}

func (n *Node) Kind() Kind                     { return Holdfast }
func (n *Node) Process() *lab.Process          { return n.proc }
func (n *Node) Log() string                    { return n.log.String() }
func (n *Node) Kill() error                    { return n.proc.Kill() }
func (n *Node) Stop(ctx context.Context) error { return n.proc.Stop(ctx) }
