package fence

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/fence"
	"github.com/holdfast-net/holdfast/internal/fence/agent"
)

// A BMC that cuts a network namespace off when its power is switched off is told
// to by Debian's fence_ipmilan: the first level, a BMC that is not there, fails.
func TestAgents_CutANodeOff(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: it makes a network namespace")
	}
	for _, program := range []string{"ipmi_sim", "fence_ipmilan", "ip"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Fatalf("cannot fence: %v (scripts/need installs it)", err)
		}
	}
	node := fmt.Sprintf("hff%d", os.Getpid())
	run(t, "ip", "netns", "add", node)
	t.Cleanup(func() { run(t, "ip", "netns", "del", node) })
	run(t, "ip", "-n", node, "link", "add", "eth0", "type", "veth", "peer", "name", "eth1")
	run(t, "ip", "-n", node, "link", "set", "eth0", "up")
	bmc(t, node)

	good := map[string]string{"ip": "127.0.0.1", "ipport": "9623", "username": "holdfast", "password": "secret"}
	bad := map[string]string{"ip": "127.0.0.1", "ipport": "9624", "username": "holdfast", "password": "secret", "login_timeout": "2", "ipmitool_timeout": "2"}
	agents := map[string]*agent.Agent{
		"bmc":   {Path: agent.Find("fence_ipmilan"), Parameters: good},
		"wrong": {Path: agent.Find("fence_ipmilan"), Parameters: bad},
	}
	m, err := agent.ReadMetadata(t.Context(), agents["bmc"].Path)
	must(t, err)
	if wrong := m.Check(good, "off", "reboot", "monitor"); wrong != nil {
		t.Fatal(wrong)
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		if err = agents["bmc"].Monitor(t.Context()); err == nil || time.Now().After(deadline) {
			break
		}
	}
	must(t, err)

	f := fence.New(fence.Config{
		Devices: map[string]fence.Device{
			"bmc": {Action: fence.Off, Timeout: time.Minute}, "wrong": {Action: fence.Off, Timeout: time.Minute},
		},
		Nodes: map[string][][]string{"b": {{"wrong"}, {"bmc"}}},
	})
	events := make(chan fence.Event, 4)
	r := agent.NewRunner(func(device, _ string) *agent.Agent { return agents[device] }, func(ev fence.Event) { events <- ev })
	for ev := fence.Want("b", "db", "its lease has run out", true); !f.Fenced("b"); ev = <-events {
		acts := f.Step(time.Now(), ev, nil)
		for _, a := range acts {
			if a.Kind == fence.ActionRecord {
				t.Log(a.Text)
			}
			if a.Kind == fence.ActionDone && !a.OK {
				t.Fatal(a.Text)
			}
		}
		if r.Do(acts); f.Fenced("b") {
			break
		}
	}
	if said := run(t, "ip", "-n", node, "link", "show", "eth0"); strings.Contains(said, ",UP") {
		t.Errorf("the node is said to be fenced, and is not cut off: %s", said)
	}
}

// bmc runs OpenIPMI's simulator, whose chassis is the network of a namespace.
func bmc(t *testing.T, node string) {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		must(t, os.WriteFile(path, []byte(text), 0o755))
		return path
	}
	chassis := write("chassis", `#!/bin/sh
case "$2 $3" in
  "get power") ip -n `+node+` link show eth0 | grep -q ",UP" && echo power:1 || echo power:0 ;;
  "set power") [ "$4" = 0 ] && ip -n `+node+` link set eth0 down || ip -n `+node+` link set eth0 up ;;
esac
`)
	lan := write("lan.conf", `name "bmc"
set_working_mc 0x20
  startlan 1
    addr 127.0.0.1 9623
    priv_limit admin
    allowed_auths_admin none md2 md5 straight
    guid a123456789abcdefa123456789abcdef
  endlan
  chassis_control "`+chassis+` 0x20"
  user 2 true "holdfast" "secret" admin 10 none md2 md5 straight
`)
	emu := write("emu", "mc_setbmc 0x20\nmc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr\nmc_enable 0x20\n")
	cmd := exec.Command("ipmi_sim", "-n", "-c", lan, "-f", emu, "-s", dir)
	must(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
}

func run(t *testing.T, argv ...string) string {
	t.Helper()
	out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(argv, " "), err, out)
	}
	return string(out)
}
