package daemon_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/api/client"
	"github.com/holdfast-net/holdfast/internal/journal"
	"github.com/holdfast-net/holdfast/internal/lab"
)

// node is a host that runs holdfast.
type node struct {
	s      *site
	host   *lab.Host
	name   string
	dir    string
	proc   *lab.Process
	access string // further words of the file's control:
	log    *output
	before machine // of the host, when no daemon had ever run
}

func (s *site) add(name string, number byte) *node {
	s.t.Helper()
	n := &node{s: s, name: name, dir: filepath.Join(s.dir, name), host: s.host(name, number), log: &output{}}
	s.must(os.Mkdir(n.dir, 0o755))
	n.before = n.machine()
	s.t.Cleanup(func() {
		_ = unix.Unmount(n.kernel(), unix.MNT_DETACH) // where a daemon was killed
		if s.t.Failed() {
			s.t.Logf("%s:\n%s", name, n.log)
		}
	})
	return n
}

var errNotYet = errors.New("not yet")

// output keeps what a daemon prints while it prints it.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

func (n *node) file() string   { return filepath.Join(n.dir, "holdfast.yaml") }
func (n *node) socket() string { return filepath.Join(n.dir, "run", "holdfast.sock") }
func (n *node) kernel() string { return filepath.Join(n.dir, "run", "bpf") }
func (n *node) state() string  { return filepath.Join(n.dir, "state") }

// interval is how often every group is advertised: long enough that a busy
// machine does not look like a dead one.
const interval = 200 * time.Millisecond

// group writes one group of a file.
func group(name string, id, priority int, addresses []netip.Prefix, further ...string) string {
	var words []string
	for _, a := range addresses {
		words = append(words, a.String())
	}
	text := fmt.Sprintf("  %s:\n    addresses: [%s]\n    interface: eth0\n    vrrp:\n      id: %d\n      priority: %d\n      interval: %v\n",
		name, strings.Join(words, ", "), id, priority, interval)
	for _, f := range further {
		text += "      " + f + "\n"
	}
	return text
}

// web is the group of most tests.
func web(priority int, further ...string) string {
	return group("web", 51, priority, []netip.Prefix{vip, vip6}, further...)
}

// text is the node's file.
func (n *node) text(groups ...string) string {
	return fmt.Sprintf("node: %s\nstate: %s\ncontrol: {socket: %s%s}\ngroups:\n%s",
		n.name, n.state(), n.socket(), n.access, strings.Join(groups, ""))
}

// write writes it.
func (n *node) write(groups ...string) {
	n.s.t.Helper()
	n.s.must(os.WriteFile(n.file(), []byte(n.text(groups...)), 0o644))
}

// start starts the daemon with a file of these groups, and waits until it can
// be asked.
func (n *node) start(groups ...string) {
	n.s.t.Helper()
	n.write(groups...)
	n.run(n.command())
}

// command is how the daemon is started.
func (n *node) command() *exec.Cmd {
	return exec.Command(binary.path, "run", "-c", n.file(), "--guardian", "release")
}

// run starts the daemon in another manner.
func (n *node) run(cmd *exec.Cmd) {
	n.s.t.Helper()
	cmd.Stdout, cmd.Stderr = n.log, n.log
	var err error
	n.proc, err = n.host.Start(cmd)
	n.s.must(err)
	n.s.within(n.name+" can be asked", func() error {
		if err := n.proc.Err(); err != nil {
			n.s.t.Fatalf("%s has ended: %v", n.name, err)
		}
		_, err := n.status()
		return err
	})
}

// end ends the daemon as systemctl stop does, if it runs.
func (n *node) end() {
	n.s.t.Helper()
	if n.proc == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	if err := n.proc.Stop(ctx); err != nil {
		n.s.t.Errorf("%s: cannot stop: %v", n.name, err)
	}
	n.proc = nil
}

func (n *node) status() (*api.Status, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return client.Dial(n.socket()).Status(ctx)
}

// group is what the status says of a group.
func (n *node) group(name string) (api.Group, error) {
	s, err := n.status()
	if err != nil {
		return api.Group{}, err
	}
	i := slices.IndexFunc(s.Groups, func(g api.Group) bool { return g.Name == name })
	if i < 0 {
		return api.Group{}, fmt.Errorf("%s knows no group %s", n.name, name)
	}
	return s.Groups[i], nil
}

// becomes waits until a group is in a state on this node, and not about to
// leave it.
func (n *node) becomes(name, state string) {
	n.s.t.Helper()
	n.s.within(fmt.Sprintf("%s is %s on %s", name, state, n.name), func() error {
		g, err := n.group(name)
		if err == nil && (g.State != state || g.Leaving) {
			err = fmt.Errorf("it is %s (%s)", g.State, g.Reason)
		}
		return err
	})
}

// transitions is how often a group has changed its state.
func (n *node) transitions(name string) uint64 {
	n.s.t.Helper()
	g, err := n.group(name)
	n.s.must(err)
	return g.Transitions
}

// answer is what a command of the command line came to.
type answer struct {
	out, err string
	code     int
}

// cli runs a command against this daemon.
func (n *node) cli(args ...string) answer { return n.cliAs(nil, args...) }

// cliAs does so as somebody.
func (n *node) cliAs(who *syscall.Credential, args ...string) answer {
	n.s.t.Helper()
	cmd := exec.Command(binary.path, append(args, "--socket", n.socket())...)
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: who}
	err := cmd.Run()
	if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) {
		n.s.t.Fatal(err)
	}
	return answer{out.String(), errs.String(), cmd.ProcessState.ExitCode()}
}

// released runs what the unit runs after a daemon was killed, in the host.
func (n *node) released() answer {
	n.s.t.Helper()
	return n.ends(exec.Command(binary.path, "release", "-c", n.file()))
}

// ends runs a program in the host to its end. One that has none is killed.
func (n *node) ends(cmd *exec.Cmd) answer {
	n.s.t.Helper()
	var out, errs output
	cmd.Stdout, cmd.Stderr = &out, &errs
	p, err := n.host.Start(cmd)
	n.s.must(err)
	select {
	case <-p.Done():
	case <-time.After(patience):
		n.s.must(p.Kill())
	}
	return answer{out.String(), errs.String(), cmd.ProcessState.ExitCode()}
}

// events reads the journal's files.
func (n *node) events() []api.Event {
	n.s.t.Helper()
	events, err := journal.Read(n.state(), 0)
	n.s.must(err)
	return events
}

// said waits until an event since an instant has the code and the words.
func (n *node) said(since time.Time, code string, words ...string) {
	n.s.t.Helper()
	n.s.within(fmt.Sprintf("the journal of %s says %s %q", n.name, code, words), func() error {
		for _, e := range n.events() {
			if !e.Time.Before(since) && e.Code == code && hasAll(e.Reason, words) {
				return nil
			}
		}
		return errors.New("it does not")
	})
}

func hasAll(text string, words []string) bool {
	for _, w := range words {
		if !strings.Contains(text, w) {
			return false
		}
	}
	return true
}

// reasons checks the journal: every transition begins where the one before it
// ended, and has a reason.
func (n *node) reasons() {
	n.s.t.Helper()
	if _, err := os.Stat(n.state()); err != nil {
		return // it never ran
	}
	at := map[string]string{}
	for _, e := range n.events() {
		if e.Kind == "daemon" && strings.Contains(e.Reason, " started with ") {
			clear(at)
		}
		if e.Reason == "" {
			n.s.t.Errorf("%s: an event without a reason: %+v", n.name, e)
		}
		if e.Kind != "transition" {
			continue
		}
		if was, ok := at[e.Group]; ok && was != e.From {
			n.s.t.Errorf("%s: %s went from %s to %s, and it was %s", n.name, e.Group, e.From, e.To, was)
		}
		at[e.Group] = e.To
	}
}
