package database

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/lab"
)

// machine is a node: a host of the lab with folders of its own where a machine
// has /etc, /run, /var/lib and /usr/local, so that what a README says can be
// done on three of them.
type machine struct {
	name   string
	host   *lab.Host
	dir    string
	binary string // holdfast's
	log    string // where everything that runs on it prints
	root   *lab.Process
	follow *lab.Process
}

// own are a machine's own folders, with what they begin with.
var own = []struct{ path, from string }{{"/etc", "/etc"}, {"/run", ""}, {"/var/lib", ""}, {"/usr/local", ""}}

// newMachine adds one to a LAN. example is copied to where its commands run.
func newMachine(lan *lab.LAN, name string, number byte, dir, binary, example string) (*machine, error) {
	m := &machine{name: name, dir: dir, binary: binary, log: filepath.Join(dir, "log")}
	var mounts []string
	for _, o := range own {
		mine := filepath.Join(dir, strings.ReplaceAll(o.path[1:], "/", "-"))
		if err := os.MkdirAll(mine, 0o755); err != nil {
			return nil, err
		}
		if o.from != "" {
			if out, err := exec.Command("cp", "-a", o.from+"/.", mine).CombinedOutput(); err != nil {
				return nil, fmt.Errorf("cannot copy %s: %w: %s", o.from, err, out)
			}
		}
		mounts = append(mounts, fmt.Sprintf("mount --bind %s %s", mine, o.path))
	}
	if out, err := exec.Command("cp", "-a", example, m.work()).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("cannot copy %s: %w: %s", example, err, out)
	}
	bin := m.file("/usr/local/bin")
	if err := errors.Join(os.MkdirAll(bin, 0o755), os.Symlink(binary, filepath.Join(bin, "holdfast"))); err != nil {
		return nil, err
	}
	var err error
	m.host, err = lan.Add(lab.HostConfig{
		Name: name, MAC: net.HardwareAddr{2, 0, 0, 0, 0, number},
		Addresses: []netip.Prefix{netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 0, 2, number}), 24)},
	})
	if err != nil {
		return nil, err
	}
	ready := filepath.Join(dir, "ready")
	// As the package of PostgreSQL has it made at every boot.
	mounts = append(mounts, "install -d -o postgres -g postgres -m 2775 /run/postgresql", "touch "+ready, "exec sleep infinity")
	if m.root, err = m.start(exec.Command("unshare", "--mount", "--propagation", "private", "sh", "-ec", strings.Join(mounts, "\n"))); err != nil {
		return nil, err
	}
	return m, until(func() error { _, err := os.Stat(ready); return err })
}

func (m *machine) work() string { return filepath.Join(m.dir, "example") }

// file is where a path of the machine is on this one.
func (m *machine) file(path string) string {
	for _, o := range own {
		if rest, ok := strings.CutPrefix(path, o.path+"/"); ok {
			return filepath.Join(m.dir, strings.ReplaceAll(o.path[1:], "/", "-"), rest)
		}
	}
	return path
}

func (m *machine) start(cmd *exec.Cmd) (*lab.Process, error) {
	log, err := os.OpenFile(m.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	return m.host.Start(cmd)
}

// inside is a command on the machine, in the example's folder.
func (m *machine) inside(words ...string) *exec.Cmd {
	enter := []string{fmt.Sprintf("--mount=/proc/%d/ns/mnt", m.root.PID()), "--wdns=" + m.work()}
	cmd := exec.Command("nsenter", append(enter, words...)...)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	return cmd
}

// run runs a command to its end, and gives what it said.
func (m *machine) run(words ...string) (string, error) {
	cmd := m.inside(words...)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	p, err := m.host.Start(cmd)
	if err != nil {
		return "", err
	}
	select {
	case <-p.Done():
	case <-time.After(patience):
		err = errors.Join(errors.New("it does not end"), p.Kill())
	}
	if err = errors.Join(err, p.Err()); err != nil {
		return out.String(), fmt.Errorf("cannot run %q on %s: %w: %s", words, m.name, err, out.String())
	}
	return out.String(), nil
}

// begin starts what systemd would.
func (m *machine) begin() error {
	if m.follow == nil {
		var err error
		m.follow, err = m.start(m.inside("setpriv", "--pdeathsig=KILL", "--reuid=postgres", "--regid=postgres", "--init-groups", "/usr/local/lib/holdfast-postgresql/follow"))
		if err != nil {
			return err
		}
	}
	_, err := m.start(m.inside(m.binary, "run", "-c", "/etc/holdfast/holdfast.yaml"))
	return err
}

// processes are those whose program is called so.
func (m *machine) processes(program string) []int {
	return slices.DeleteFunc(m.host.Processes(), func(pid int) bool {
		exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
		return err != nil || filepath.Base(strings.TrimSuffix(exe, " (deleted)")) != program
	})
}

func signal(pids []int, sig unix.Signal) {
	for _, pid := range pids {
		_ = unix.Kill(pid, sig) // it may have ended
	}
}

// roles are holdfast's processes that were started with a word: "run" is the
// daemon, "member" keeps the node's part of the store.
func (m *machine) roles(word string) []int {
	return slices.DeleteFunc(m.processes("holdfast"), func(pid int) bool {
		line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		words := strings.Split(string(line), "\x00")
		return err != nil || len(words) < 2 || words[1] != word
	})
}

// postmaster is the first process of the machine's PostgreSQL.
func (m *machine) postmaster() (int, error) {
	text, err := os.ReadFile(m.file("/var/lib/postgresql/holdfast/data/postmaster.pid"))
	if err != nil {
		return 0, err
	}
	var pid int
	_, err = fmt.Sscan(string(text), &pid)
	return pid, err
}

// state is what holdfast says of the group here.
func (m *machine) state() string {
	out, err := m.run(m.binary, "status", "db")
	if err != nil {
		return err.Error()
	}
	return out
}
