package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/api/client"
	"github.com/holdfast-net/holdfast/internal/lab"
)

// group is the name of the one group in the demo.
const group = "web"

// node is one of the three: a host that runs a daemon.
type node struct {
	Node
	host *lab.Host
	dir  string // of everything below

	mu     sync.Mutex   // moves happen while others look
	daemon *lab.Process // nil: none that should run
	frozen bool
}

// running is the daemon that should run, nil when there is none.
func (n *node) running() *lab.Process {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.daemon
}

// expect notes what is to become of the daemon: nil, and nobody is surprised
// that it ends.
func (n *node) expect(daemon *lab.Process) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.daemon, n.frozen = daemon, false
}

func (n *node) setFrozen(to bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.frozen = to
}

func (n *node) isFrozen() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.frozen
}

func (n *node) config() string { return filepath.Join(n.dir, n.Name+".yaml") }
func (n *node) socket() string { return filepath.Join(n.dir, n.Name+".sock") }
func (n *node) log() string    { return filepath.Join(n.dir, n.Name+".log") }

// file is the whole configuration of a node, in ten lines.
func (n *node) file(interval time.Duration) string {
	return fmt.Sprintf(`node: %s
groups:
  %s:
    addresses: [%s, %s]
    vrrp:
      id: 51
      priority: %d
      interval: %v
state: %s
control: {socket: %s}
`, n.Name, group, vip4, vip6, n.Priority, interval, filepath.Join(n.dir, n.Name), n.socket())
}

// start starts the node's daemon, as a boot or a package upgrade would. What is
// killed stays so until the demo starts it again.
func (n *node) start(executable string) error {
	log, err := os.OpenFile(n.log(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("cannot open the daemon's log: %w", err)
	}
	defer log.Close()
	cmd := exec.Command(executable, "run", "-c", n.config(), "--guardian", "release")
	cmd.Stdout, cmd.Stderr = log, log
	daemon, err := n.host.Start(cmd)
	if err != nil {
		return err
	}
	n.expect(daemon)
	return nil
}

// state asks the daemon which state it is in, unless the demo knows that it
// cannot say.
func (n *node) state(ctx context.Context) NodeState {
	s := NodeState{Node: n.Name}
	switch {
	case n.isFrozen():
		s.State = frozen
	case n.running() == nil:
		s.State = off
	default:
		s.State = silent
		if g, err := n.group(ctx); err == nil {
			s.State = g.State
		}
	}
	return s
}

// group is what the daemon's status says about the group.
func (n *node) group(ctx context.Context) (*api.Group, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	status, err := client.Dial(n.socket()).Status(ctx)
	if err != nil {
		return nil, err
	}
	for i := range status.Groups {
		if status.Groups[i].Name == group {
			return &status.Groups[i], nil
		}
	}
	return nil, fmt.Errorf("cannot find group %s in the status of %s", group, n.Name)
}

// handover asks the daemon to hand the group over.
func (n *node) handover(ctx context.Context, to string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	r, err := client.Dial(n.socket()).Handover(ctx, group, api.Handover{To: to})
	if err == nil && !r.OK {
		err = errors.New(r.Text)
	}
	if err != nil {
		return fmt.Errorf("cannot hand %s over from %s to %s: %w", group, n.Name, to, err)
	}
	return nil
}

// lastWords is the end of the daemon's log, for an error message.
func (n *node) lastWords() string {
	b, _ := os.ReadFile(n.log())
	lines := bytes.Split(bytes.TrimSpace(b), []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-5):], []byte("\n")))
}
