package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/lab"
)

// machine is a node: a host of the lab with namespaces of its own for files,
// processes, names and shared memory, so that cluster software that believes
// to be alone on a machine can run on three of them.
type machine struct {
	name   string
	number byte
	host   *lab.Host
	dir    string // what it keeps over a loss of power; the same path inside
	root   *lab.Process
	first  int // its process 1, as this machine numbers it
}

// disks are the folders that a machine has for itself and keeps. They begin as
// this machine's are; that of PostgreSQL begins empty.
var disks = []string{"/etc/corosync", "/var/lib/corosync", "/var/lib/pacemaker", "/var/log/corosync", "/var/log/pacemaker", postgresDir}

func newMachine(lan *lab.LAN, number byte, dir string) (*machine, error) {
	m := &machine{name: fmt.Sprintf("n%d", number), number: number, dir: filepath.Join(dir, fmt.Sprintf("n%d", number))}
	for _, d := range disks {
		if err := os.MkdirAll(m.file(d), 0o755); err != nil {
			return nil, err
		}
		if _, err := os.Stat(d); err != nil || d == postgresDir {
			continue // the former is of a program that is not compared with
		}
		if out, err := exec.Command("cp", "-a", d+"/.", m.file(d)).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("cannot copy %s: %w: %s", d, err, out)
		}
	}
	var err error
	m.host, err = lan.Add(lab.HostConfig{
		Name: m.name, MAC: net.HardwareAddr{2, 0, 0, 0, 0, 10 + number}, Echo: echoPort,
		Addresses: []netip.Prefix{netip.PrefixFrom(m.address(), 24)},
	})
	if err != nil {
		return nil, err
	}
	return m, m.boot()
}

func (m *machine) address() netip.Addr { return netip.AddrFrom4([4]byte{192, 0, 2, 10 + m.number}) }

// file is where a file of the machine's own folders is.
func (m *machine) file(path string) string { return filepath.Join(m.dir, path) }

// boot gives the host the namespaces of a machine. Nothing of the cluster
// software runs then. All of it ends with the first process.
func (m *machine) boot() error {
	ready := filepath.Join(m.dir, "ready")
	if err := os.Remove(ready); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	script := []string{"hostname " + m.name}
	for _, d := range disks {
		script = append(script, fmt.Sprintf("if [ -d %s ]; then mount --bind %s %s; fi", d, m.file(d), d))
	}
	// The folder itself is in shared memory, which the machine has anew.
	script = append(script,
		"mount --bind "+m.dir+" /srv", "mount -t tmpfs none /run", "mkdir /run/lock",
		"mount -t tmpfs none /dev/shm", "mkdir -p "+m.dir, "mount --bind /srv "+m.dir,
		"touch "+ready, "while :; do sleep 3600 || :; done")
	var err error
	m.root, err = m.host.Start(exec.Command("unshare", "--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child",
		"--mount-proc", "--propagation", "private", "sh", "-ec", strings.Join(script, "\n")))
	if err != nil {
		return err
	}
	return until(10*time.Second, func() error {
		if _, err := os.Stat(ready); err != nil {
			return err
		}
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", m.root.PID(), m.root.PID()))
		if err != nil {
			return err
		}
		m.first, err = strconv.Atoi(strings.TrimSpace(string(text)))
		return err
	})
}

// lose is a loss of power.
func (m *machine) lose() error {
	_, err := m.host.Kill()
	return err
}

// again boots it anew, whatever happened before.
func (m *machine) again() error {
	if err := m.lose(); err != nil {
		return err
	}
	if err := m.host.Boot(); err != nil {
		return err
	}
	return m.boot()
}

// under is the command that runs another one inside the machine.
func (m *machine) under() []string {
	return []string{"nsenter", "--target", strconv.Itoa(m.first), "--mount", "--uts", "--ipc", "--pid", "--wdns=/"}
}

// start starts a program that prints to its own log.
func (m *machine) start(words ...string) error {
	log, err := os.OpenFile(filepath.Join(m.dir, filepath.Base(words[0])+".log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	line := append(m.under(), words...)
	cmd := exec.Command(line[0], line[1:]...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	_, err = m.host.Start(cmd)
	return err
}

// run runs a command to its end, and gives what it printed.
func (m *machine) run(words ...string) (string, error) {
	line := append(m.under(), words...)
	cmd := exec.Command(line[0], line[1:]...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	p, err := m.host.Start(cmd)
	if err != nil {
		return "", err
	}
	select {
	case <-p.Done():
	case <-time.After(20 * time.Second):
		err = errors.Join(errors.New("it does not end"), p.Kill())
	}
	if err = errors.Join(err, p.Err()); err != nil {
		return out.String(), fmt.Errorf("cannot run %q on %s: %w: %s", words, m.name, err, out.String())
	}
	return out.String(), nil
}

// signal signals the machine's processes whose command line fits, one signal
// after the other, and fails where none does.
func (m *machine) signal(fits func(args []string) bool, signals ...unix.Signal) error {
	var pids []int
	for _, pid := range m.host.Processes() {
		if pid == m.first || pid == m.root.PID() {
			continue
		}
		line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if err != nil || len(line) == 0 {
			continue
		}
		args := strings.Split(strings.TrimRight(string(line), "\x00"), "\x00")
		if filepath.Base(args[0]) != "nsenter" && fits(args) {
			pids = append(pids, pid)
		}
	}
	if len(pids) == 0 {
		return fmt.Errorf("cannot signal anything on %s: nothing fits", m.name)
	}
	for _, s := range signals {
		for _, pid := range pids {
			_ = unix.Kill(pid, s) // it may have ended
		}
	}
	return nil
}

// everything fits every program.
func everything([]string) bool { return true }

// program fits programs by the name of their file and by their first argument,
// where one is given.
func program(name string, argument ...string) func([]string) bool {
	return func(args []string) bool {
		return filepath.Base(args[0]) == name && (len(argument) == 0 || len(args) > 1 && args[1] == argument[0])
	}
}

// until polls until f has nothing to complain about, or was stopped.
func until(patience time.Duration, f func() error) error {
	deadline := time.Now().Add(patience)
	for {
		err := f()
		if err == nil {
			return nil
		}
		if errors.Is(err, errStopped) {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("not within %s: %w", patience, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
