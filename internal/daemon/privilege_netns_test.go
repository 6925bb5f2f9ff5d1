package daemon_test

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Somebody, and somebody else: users without a name.
var (
	daemonUser = &syscall.Credential{Uid: 4242, Gid: 4242}
	stranger   = &syscall.Credential{Uid: 4343, Gid: 4343}
)

// capabilities are those of the unit.
var capabilities = []uintptr{unix.CAP_NET_ADMIN, unix.CAP_NET_RAW, unix.CAP_NET_BIND_SERVICE}

// as makes the daemon run as a user with some capabilities and nothing else.
func (n *node) as(who *syscall.Credential, caps []uintptr) *exec.Cmd {
	n.s.t.Helper()
	n.s.must(os.Chown(n.dir, int(who.Uid), int(who.Gid)))
	cmd := n.command()
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: who, AmbientCaps: caps}
	return cmd
}

// The whole life of a daemon that is not root and has the capabilities of the
// unit: elections, virtual MACs and their settings, a reload and a handover
// that its own user asks for (ExecReload= runs as that one), and an end that
// leaves nothing.
func TestNotRoot(t *testing.T) {
	s := newSite(t)
	s.b.start(web(100))
	s.b.becomes("web", "active")
	s.a.write(web(200, "mac: virtual"))
	s.a.run(s.a.as(daemonUser, capabilities))
	s.a.becomes("web", "active")
	s.answers(vip, "a")
	s.answers(vip6, "a")
	for address, mac := range map[netip.Prefix]string{vip: "00:00:5e:00:01:33", vip6: "00:00:5e:00:02:33"} {
		s.within("the virtual MAC answers for "+address.String(), func() error {
			found, err := s.lan.WhoHas(s.client, address.Addr(), 200*time.Millisecond)
			if err == nil && (len(found) != 1 || found[0].MAC.String() != mac) {
				err = fmt.Errorf("%+v answers", found)
			}
			return err
		})
	}
	// What it may not do, it says: without the right to, no real-time class.
	status, err := s.a.status()
	s.must(err)
	if !status.Realtime.On && !strings.Contains(status.Realtime.Detail, "not permitted") {
		t.Errorf("no word about why there is no real-time class: %q", status.Realtime.Detail)
	}

	s.a.write(web(150, "mac: virtual"))
	if got := s.a.cliAs(daemonUser, "reload"); got.code != 0 || !strings.Contains(got.out, "vrrp.priority") {
		t.Errorf("reload as the daemon's user ended with %d and said: %s%s", got.code, got.out, got.err)
	}
	if got := s.a.cliAs(daemonUser, "handover", "web", "--to", "b"); got.code != 0 {
		t.Errorf("handover as the daemon's user ended with %d and said: %s%s", got.code, got.out, got.err)
	}
	s.b.becomes("web", "active")
	s.a.becomes("web", "backup")
	s.answers(vip, "b")
	s.answers(vip6, "b")

	// Killed, it can clean up after itself, too.
	s.a.crash()
	s.a.write(web(200))
	s.a.run(s.a.as(daemonUser, capabilities))
	s.a.becomes("web", "active")
	s.answers(vip, "a")
	s.over()
}

// Without a capability that it needs it says which, and takes part in nothing.
func TestNotRoot_WithoutCapabilities(t *testing.T) {
	tests := []struct {
		name string
		caps []uintptr
		says string
	}{
		{"none", nil, "lacks CAP_NET_ADMIN and CAP_NET_RAW"},
		{"no CAP_NET_RAW", []uintptr{unix.CAP_NET_ADMIN}, "lacks CAP_NET_RAW"},
		{"no CAP_NET_ADMIN", []uintptr{unix.CAP_NET_RAW}, "lacks CAP_NET_ADMIN"},
	}
	s := newSite(t)
	for _, tt := range tests {
		s.a.write(web(200))
		got := s.a.ends(s.a.as(daemonUser, tt.caps))
		if got.code != 1 || !hasAll(got.err, []string{tt.says, "hint: "}) {
			t.Errorf("%s: it ended with %d and said: %s", tt.name, got.code, got.err)
		}
	}
	s.over()
}

// Where /proc/sys cannot be written, as in many containers, `mac: auto` finds
// a way that works or says why it takes the physical MAC.
func TestReadOnlySysctls(t *testing.T) {
	for _, program := range []string{"unshare", "mount"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("needs %s: %v", program, err)
		}
	}
	s := newSite(t)
	s.b.start(web(100))
	s.b.becomes("web", "active")
	s.a.write(web(200))
	s.a.run(exec.Command("unshare", "--mount", "sh", "-ec",
		`mount --bind /proc/sys /proc/sys
		mount -o remount,bind,ro /proc/sys
		exec "$@"`, "sh", binary.path, "run", "-c", s.a.file(), "--guardian", "release"))
	s.a.becomes("web", "active")
	s.answers(vip, "a")
	s.answers(vip6, "a")
	g, err := s.a.group("web")
	s.must(err)
	for _, r := range g.Routers {
		t.Logf("%s: virtual %t, %q", r.Family, r.VirtualMAC, r.MACReason)
		if !r.VirtualMAC && r.MACReason == "" {
			t.Errorf("%s: the physical MAC answers, and nobody says why", r.Family)
		}
	}
	s.over()
}

// The control socket is for root and the daemon's user; its group may read;
// nobody else gets in.
func TestControlSocket(t *testing.T) {
	const daemonGroup = 1 // "daemon", on every Linux system
	s := newSite(t)
	s.a.access = ", group: daemon"
	s.a.start(web(200))
	s.a.becomes("web", "active")
	var st unix.Stat_t
	s.must(unix.Stat(s.a.socket(), &st))
	if st.Mode&0o7777 != 0o660 || st.Gid != daemonGroup || st.Uid != 0 {
		t.Errorf("the socket has mode %o, user %d and group %d", st.Mode&0o7777, st.Uid, st.Gid)
	}
	member := &syscall.Credential{Uid: 4343, Gid: 4343, Groups: []uint32{daemonGroup}}
	tests := []struct {
		name string
		who  *syscall.Credential
		args []string
		want []int // exit codes
		says []string
	}{
		{"root reads", nil, []string{"status"}, []int{0, 20}, nil},
		{"root writes", nil, []string{"reload"}, []int{0}, nil},
		{"the group reads", member, []string{"status"}, []int{0, 20}, nil},
		{"the group reads events", member, []string{"events"}, []int{0}, nil},
		{"the group plans", member, []string{"plan"}, []int{0}, nil},
		{"the group does not reload", member, []string{"reload"}, []int{1}, []string{"may not change anything", "hint: "}},
		{"the group does not hand over", member, []string{"handover", "web"}, []int{1}, []string{"may not change anything"}},
		{"the group does not maintain", member, []string{"maintenance", "on"}, []int{1}, []string{"may not change anything"}},
		{"a stranger does not read", stranger, []string{"status"}, []int{1, 4}, []string{"permission denied"}},
		{"a stranger does not write", stranger, []string{"reload"}, []int{1, 4}, []string{"permission denied"}},
	}
	for _, tt := range tests {
		got := s.a.cliAs(tt.who, tt.args...)
		if !slices.Contains(tt.want, got.code) || !hasAll(got.err, tt.says) {
			t.Errorf("%s: %v ended with %d, want one of %v that says %q:\n%s%s", tt.name, tt.args, got.code, tt.want, tt.says, got.out, got.err)
		}
	}
	g, err := s.a.group("web")
	s.must(err)
	if g.State != "active" {
		t.Errorf("somebody changed something: %s", g.Reason)
	}
	s.over()
}

// A second daemon where one works already is refused with the reason, whatever
// of the first one it would take: its file, its state, its network namespace.
// The first one does not notice.
func TestSecondDaemon(t *testing.T) {
	s := newSite(t)
	s.a.start(slow(web(200)))
	s.a.becomes("web", "active")
	began, before := time.Now(), s.a.transitions("web")

	first := *s.a
	other := func(name string, change func(second *node)) {
		second := first
		second.log = &output{}
		second.dir = s.dir + "/" + name
		s.must(os.Mkdir(second.dir, 0o755))
		change(&second)
		if got := second.ends(second.command()); got.code != 1 || !strings.Contains(got.err, "another holdfast") {
			t.Errorf("%s: it ended with %d and said: %s", name, got.code, got.err)
		}
	}
	other("the same file", func(second *node) { second.dir = first.dir })
	other("state", func(second *node) {
		text := strings.ReplaceAll(read(t, first.file()), first.socket(), second.socket())
		s.must(os.WriteFile(second.file(), []byte(text), 0o644))
	})
	other("namespace", func(second *node) { second.write(group("dns", 52, 200, one(vip2))) })

	s.more(51, began, 4)
	s.gaps(51, began, calm)
	s.answers(vip, "a")
	s.answers(vip6, "a")
	if n := s.a.transitions("web"); n != before {
		t.Errorf("the first had %d transitions", n-before)
	}
	s.over()
}
