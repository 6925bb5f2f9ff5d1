package daemon_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// manager is the end of sd_notify(3) that a service manager has.
type manager struct {
	path string
	mu   sync.Mutex
	said []string
	at   []time.Time
}

func (s *site) manager() *manager {
	s.t.Helper()
	m := &manager{path: filepath.Join(s.dir, "notify")}
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: m.path, Net: "unixgram"})
	s.must(err)
	s.t.Cleanup(func() { conn.Close() })
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := conn.Read(buf)
			if err != nil {
				return
			}
			m.mu.Lock()
			m.said, m.at = append(m.said, string(buf[:n])), append(m.at, time.Now())
			m.mu.Unlock()
		}
	}()
	return m
}

// all are the messages so far.
func (m *manager) all() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.said)
}

// hears waits for a message from index i on, and returns the index behind it.
func (s *site) hears(m *manager, i int, word string) (after int) {
	s.t.Helper()
	s.within("the service manager hears "+word, func() error {
		all := m.all()
		for j := i; j < len(all); j++ {
			if slices.Contains(strings.Split(all[j], "\n"), word) {
				after = j + 1
				return nil
			}
		}
		return fmt.Errorf("it heard %q", all[min(i, len(all)):])
	})
	return after
}

// What a service manager is told, and when: ready once it can be asked, alive
// as long as the loop that sends adverts is, reloading, stopping.
func TestNotify(t *testing.T) {
	s := newSite(t)
	m := s.manager()
	s.a.write(web(200))
	cmd := s.a.command()
	cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+m.path, "WATCHDOG_USEC=400000")
	cmd.Stdout, cmd.Stderr = s.a.log, s.a.log
	var err error
	s.a.proc, err = s.a.host.Start(cmd)
	s.must(err)
	at := s.hears(m, 0, "READY=1")
	if _, err := s.a.status(); err != nil {
		t.Errorf("it said ready and cannot be asked: %v", err)
	}
	for range 5 {
		at = s.hears(m, at, "WATCHDOG=1")
	}
	s.a.becomes("web", "active")

	// A loop that does not run does not feed the watchdog, though the process
	// lives.
	s.must(s.a.proc.Pause())
	quiet := len(m.all())
	s.within("nothing is heard for two watchdog times", func() error {
		if n := len(m.all()); n != quiet {
			quiet = n
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		if last := m.at[len(m.at)-1]; time.Since(last) < 800*time.Millisecond {
			return errNotYet
		}
		return nil
	})
	s.must(s.a.proc.Resume())
	at = s.hears(m, quiet, "WATCHDOG=1")

	for _, file := range []string{web(150), web(300)} { // good, bad
		s.a.write(file)
		s.a.cli("reload")
		at = s.hears(m, at, "RELOADING=1")
		at = s.hears(m, at, "READY=1")
	}
	s.must(s.a.proc.Signal(unix.SIGHUP))
	at = s.hears(m, at, "RELOADING=1")
	at = s.hears(m, at, "READY=1")

	s.must(s.a.proc.Signal(unix.SIGTERM))
	s.hears(m, at, "STOPPING=1")
	<-s.a.proc.Done()
	if err := s.a.proc.Err(); err != nil {
		t.Errorf("it ended with %v", err)
	}
	s.over()
}

// unit is the file of the package.
const unit = "../../packaging/holdfast.service"

// systemd reads the unit and knows every word of it.
func TestUnit_IsUnderstood(t *testing.T) {
	if binary.path == "" {
		t.Skip("needs root: holdfast is built for it")
	}
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skipf("needs systemd-analyze: %v", err)
	}
	file := filepath.Join(t.TempDir(), "holdfast.service")
	text := strings.ReplaceAll(read(t, unit), "/usr/bin/holdfast", binary.path)
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("systemd-analyze", "verify", "--man=no", file).CombinedOutput()
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "holdfast.service") {
			t.Error(strings.TrimSpace(line))
		}
	}
	if err != nil {
		t.Logf("systemd-analyze: %v\n%s", err, out)
	}
}

// What the unit's directives amount to, made by other means: its user, its
// capabilities and no way to more, its limits, its umask, its read-only file
// system and its kinds of sockets. Under all of them together the daemon does
// its whole work, in the real-time class.
func TestUnit_IsEnough(t *testing.T) {
	s := newSite(t)
	for _, program := range []string{"unshare", "mount", "setpriv", "prlimit"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("needs %s: %v", program, err)
		}
	}
	directives := directives(t)
	caps := strings.Fields(directives["AmbientCapabilities"])
	if got := strings.Fields(directives["CapabilityBoundingSet"]); !slices.Equal(got, caps) {
		t.Errorf("the bounding set %v is not the ambient set %v", got, caps)
	}
	for i, c := range caps {
		caps[i] = "+" + strings.ToLower(strings.TrimPrefix(c, "CAP_"))
	}
	set := strings.Join(caps, ",")
	s.b.start(web(100))
	s.b.becomes("web", "active")
	s.a.write(web(200))
	s.must(os.Chown(s.a.dir, int(daemonUser.Uid), int(daemonUser.Gid)))
	// A container may not raise limits; then this part stays unproven.
	limits := []string{"--rtprio=" + directives["LimitRTPRIO"], "--memlock=unlimited", "--nofile=" + directives["LimitNOFILE"]}
	limited := exec.Command("prlimit", append(limits, "true")...).Run() == nil
	if !limited {
		limits = []string{"--core=0"}
		t.Log("this machine does not let limits be raised: the real-time class is not looked at")
	}
	// ProtectSystem=strict: everything but /dev, /proc, /sys and the
	// daemon's own folders is read-only.
	script := fmt.Sprintf(`umask %s
		mount --bind %[2]s %[2]s
		mount -o remount,bind,ro /
		exec prlimit %[3]s setpriv --reuid=%[4]d --regid=%[5]d --clear-groups --no-new-privs \
		--inh-caps=-all,%[6]s --ambient-caps=-all,%[6]s --bounding-set=-all,%[6]s "$@"`,
		directives["UMask"], s.a.dir, strings.Join(limits, " "), daemonUser.Uid, daemonUser.Gid, set)
	s.a.run(exec.Command("unshare", "--mount", "sh", "-ec", script, "sh", binary.path, "run", "-c", s.a.file(), "--guardian", "release"))
	s.a.becomes("web", "active")
	s.answers(vip, "a")
	s.answers(vip6, "a")
	status, err := s.a.status()
	s.must(err)
	if limited && !status.Realtime.On {
		t.Errorf("no real-time class: %s", status.Realtime.Detail)
	}
	if !strings.HasPrefix(status.Gate.Line, "bpf ") {
		t.Errorf("the gate is %s: %s", status.Gate.Line, status.Gate.Why)
	}
	for _, r := range status.Groups[0].Routers {
		if !r.VirtualMAC {
			t.Errorf("%s: no virtual MAC: %s", r.Family, r.MACReason)
		}
	}
	s.a.write(web(150))
	if got := s.a.cliAs(daemonUser, "reload"); got.code != 0 {
		t.Errorf("ExecReload= ended with %d and said: %s", got.code, got.err)
	}

	// Killed, ExecStopPost= cleans up, as the daemon's user with its rights.
	s.a.crash()
	s.a.proc = nil
	release := exec.Command(binary.path, "release", "-c", s.a.file())
	release.SysProcAttr = s.a.as(daemonUser, capabilities).SysProcAttr
	if got := s.a.ends(release); got.code != 0 || !strings.Contains(got.out, vip.String()) {
		t.Errorf("ExecStopPost= ended with %d and said: %s%s", got.code, got.out, got.err)
	}
	s.answers(vip, "b")
	s.a.clean()
	s.over()
}

// The commands that the unit names exist, and what has to outlive a crash is
// where systemd keeps it.
func TestUnit_Commands(t *testing.T) {
	if binary.path == "" {
		t.Skip("needs root: holdfast is built for it")
	}
	d := directives(t)
	for _, key := range []string{"ExecStart", "ExecReload", "ExecStopPost"} {
		words := strings.Fields(strings.TrimPrefix(d[key], "-"))
		if len(words) < 2 || words[0] != "/usr/bin/holdfast" {
			t.Errorf("%s=%s is no command of holdfast", key, d[key])
			continue
		}
		if out, err := exec.Command(binary.path, words[1], "--help").CombinedOutput(); err != nil {
			t.Errorf("%s=%s: %v\n%s", key, d[key], err, out)
		}
	}
	// What the next run must put back is kept beside the control socket.
	if d["RuntimeDirectoryPreserve"] != "restart" {
		t.Error("RuntimeDirectoryPreserve= is not restart: after a crash nobody knows what to put back")
	}
	if d["Type"] != "notify" {
		t.Errorf("Type=%s, and the daemon says when it is ready", d["Type"])
	}
}

// directives reads the unit's.
func directives(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^([A-Za-z]+)=(.*)$`).FindAllStringSubmatch(read(t, unit), -1) {
		out[m[1]] = m[2]
	}
	return out
}
