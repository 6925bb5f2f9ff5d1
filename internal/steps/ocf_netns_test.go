package steps

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/linux/netns/netnstest"
	"github.com/holdfast-net/holdfast/internal/order"
)

// agents skips without the agents of Debian's package resource-agents.
func agents(t *testing.T) {
	t.Helper()
	netnstest.Need(t) // and agents write below /run
	if _, err := os.Stat("/usr/lib/ocf/resource.d/heartbeat/Dummy"); err != nil {
		t.Skip("needs Debian's package resource-agents: scripts/need installs it")
	}
}

func dummy(t *testing.T) config.Step {
	return config.Step{OCF: &config.OCF{
		Provider: "heartbeat", Type: "Dummy", Instance: "holdfast-test",
		Parameters: map[string]string{"state": filepath.Join(t.TempDir(), "state")},
	}}
}

// An agent as Debian has it, started and stopped.
func TestOCF_Dummy(t *testing.T) {
	agents(t)
	s := dummy(t)
	x := newRig(t, t.TempDir(), group(s), Options{})
	state := s.OCF.Parameters["state"]
	for range 2 {
		x.take()
		if _, err := os.Stat(state); err != nil {
			t.Errorf("it was not started: %v", err)
		}
		x.leave()
		if _, err := os.Stat(state); err == nil {
			t.Error("it was not stopped")
		}
	}
	// The agent's own word for how long its actions may take: 20s each.
	if got := x.m.Estate(); got.Book.Epoch != 2 {
		t.Errorf("epoch %d", got.Book.Epoch)
	}
	p, err := Plan(group(s), func(o *config.OCF) (*Metadata, error) { return ReadMetadata(t.Context(), "", o, nil) })
	if err != nil || p.Steps[0].TakeIn != 40*time.Second || p.Steps[0].LeaveIn != 40*time.Second {
		t.Errorf("times of %+v, %v", p.Steps[0], err)
	}
}

// An agent that can be promoted is started first, promoted, and demoted again,
// and then it still runs.
func TestOCF_Stateful(t *testing.T) {
	agents(t)
	state := filepath.Join(t.TempDir(), "state")
	s := config.Step{OCF: &config.OCF{
		Provider: "heartbeat", Type: "Stateful", Instance: "holdfast-test", Promote: true,
		Parameters: map[string]string{"state": state},
	}}
	x := newRig(t, t.TempDir(), group(s), Options{})
	for range 2 {
		x.take()
		if got := strings.TrimSpace(read(t, state)); got != "master" && got != "promoted" {
			t.Errorf("after taking it is %q", got)
		}
		x.leave()
		if got := strings.TrimSpace(read(t, state)); got != "slave" && got != "unpromoted" {
			t.Errorf("after leaving it is %q", got)
		}
	}
}

// An agent that does something: an address, in this process's own namespace.
func TestOCF_IPaddr2(t *testing.T) {
	agents(t)
	for _, args := range [][]string{{"link", "set", "lo", "up"}, {"link", "add", "v0", "type", "veth", "peer", "name", "v1"}, {"link", "set", "v0", "up"}, {"link", "set", "v1", "up"}} {
		if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	t.Cleanup(func() { _ = exec.Command("ip", "link", "del", "v0").Run() })
	s := config.Step{OCF: &config.OCF{Provider: "heartbeat", Type: "IPaddr2", Instance: "holdfast-test", Parameters: map[string]string{
		"ip": "198.51.100.44", "cidr_netmask": "24", "nic": "v0", "arp_count": "1",
	}}}
	has := func() bool {
		out, err := exec.Command("ip", "-4", "address", "show", "dev", "v0").CombinedOutput()
		if err != nil {
			t.Fatal(err)
		}
		return strings.Contains(string(out), "198.51.100.44/24")
	}
	x := newRig(t, t.TempDir(), group(s), Options{})
	x.take()
	if !has() {
		t.Error("the agent's address is not there")
	}
	x.leave()
	if has() {
		t.Error("the agent's address is still there")
	}
	s.OCF.Parameters["nic"] = "nothere"
	y := newRig(t, t.TempDir(), group(s), Options{})
	if o, why := y.until(order.Take("fun", 0)); o != order.Failed || !strings.Contains(why, "start: ") || !strings.HasSuffix(why, "it said: [findif] failed") {
		t.Errorf("%s: %s", o, why)
	}
}

// What an agent says, in exit codes and words.
func TestOCF_Codes(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "resource.d", "test")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	// It does in each action what the parameter of that name says; its monitor
	// reads what the last one left.
	script(t, dir, "agent", `
case $1 in meta-data) echo "<resource-agent name='agent'><actions><action name='start' timeout='5'/></actions></resource-agent>"; exit 0;; esac
now=$(cat `+root+`/now 2>/dev/null || echo 7)
case $1 in
monitor) exit $now;;
start) echo ${OCF_RESKEY_started:-0} >`+root+`/now; exit ${OCF_RESKEY_start:-0};;
stop) echo 7 >`+root+`/now; exit 0;;
promote) test $now = 0 || exit 1; echo 8 >`+root+`/now; exit 0;;
demote) if test -n "$OCF_RESKEY_demote"; then echo "ERROR: noise" >&2; echo "ocf-exit-reason:it has clients" >&2; exit $OCF_RESKEY_demote; fi; echo 0 >`+root+`/now;;
esac`)
	for _, tt := range []struct {
		name       string
		parameters map[string]string
		promote    bool
		take       string // ends with; empty: it works
		after      string // the state after leaving
	}{
		{name: "not configured", parameters: map[string]string{"start": "6"}, take: "start: not configured as it should be"},
		{name: "not installed", parameters: map[string]string{"start": "5"}, take: "start: what it needs is not installed"},
		{name: "a start that lies", parameters: map[string]string{"started": "7"}, take: "start succeeded, but the monitor says not running"},
		{name: "promoted and demoted", promote: true, after: "0"},
		{name: "a demote that fails is a stop", promote: true, parameters: map[string]string{"demote": "1"}, after: "7"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_ = os.Remove(root + "/now")
			s := config.Step{OCF: &config.OCF{Provider: "test", Type: "agent", Promote: tt.promote, Parameters: tt.parameters}}
			x := newRig(t, t.TempDir(), group(s), Options{Agents: root})
			o, why := x.until(order.Take("fun", 0))
			if tt.take != "" {
				if o != order.Failed || !strings.HasSuffix(why, tt.take) {
					t.Errorf("%s: %s", o, why)
				}
				return
			}
			if o != order.Took {
				t.Fatalf("%s: %s", o, why)
			}
			x.leave()
			if got := strings.TrimSpace(read(t, root+"/now")); got != tt.after {
				t.Errorf("after leaving the state is %s, wanted %s", got, tt.after)
			}
		})
	}
}

// What a file says about an agent is compared with what the agent takes.
func TestMetadata_Check(t *testing.T) {
	agents(t)
	for _, tt := range []struct {
		ocf  config.OCF
		want []string
	}{
		{config.OCF{Type: "IPaddr2", Parameters: map[string]string{"ip": "192.0.2.1"}}, nil},
		{config.OCF{Type: "IPaddr2", Parameters: map[string]string{"ipp": "192.0.2.1", "arp_count": "many", "lvs_support": "perhaps"}, Promote: true}, []string{
			"agent IPaddr2 cannot be promoted: leave promote out",
			"agent IPaddr2 has no parameter ipp",
			"agent IPaddr2 needs the parameter ip",
			`parameter arp_count of agent IPaddr2 must be a whole number, not "many"`,
			`parameter lvs_support of agent IPaddr2 must be true or false, not "perhaps"`,
		}},
	} {
		tt.ocf.Provider = "heartbeat"
		m, err := ReadMetadata(t.Context(), "", &tt.ocf, nil)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, err := range m.Check(&tt.ocf) {
			got = append(got, err.Error())
		}
		if strings.Join(got, "\n") != strings.Join(tt.want, "\n") {
			t.Errorf("%s", strings.Join(got, "\n"))
		}
	}
	if _, err := ReadMetadata(t.Context(), "", &config.OCF{Provider: "heartbeat", Type: "nothing"}, nil); err == nil || !strings.Contains(err.Error(), "cannot run agent heartbeat:nothing: no such file or directory: ") {
		t.Errorf("an agent that is not there: %v", err)
	}
}

// The metadata of every agent that is installed can be read.
func TestMetadata_OfAll(t *testing.T) {
	agents(t)
	for _, name := range []string{"pgsql", "mysql", "apache", "nginx", "Filesystem", "LVM-activate", "IPsrcaddr", "redis", "portblock", "symlink"} {
		m, err := ReadMetadata(t.Context(), "", &config.OCF{Provider: "heartbeat", Type: name}, nil)
		if err != nil || len(m.Parameters) == 0 || m.Timeout("start") == 0 || m.Timeout("stop") == 0 {
			t.Errorf("%s: %+v, %v", name, m, err)
		}
	}
}
