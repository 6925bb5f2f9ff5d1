package lab

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/vishvananda/netlink"
)

// state is the letter for a process's state in /proc, "" when it is gone.
func state(pid int) string {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	_, after, _ := strings.Cut(string(stat), ") ")
	return after[:1]
}

// interfaceAddresses lists what eth0 has, without link-local addresses.
func interfaceAddresses(t *testing.T, h *Host) []string {
	t.Helper()
	var all []string
	err := h.Do(func() error {
		eth0, err := netlink.LinkByName(Interface)
		if err != nil {
			return err
		}
		list, err := netlink.AddrList(eth0, netlink.FAMILY_ALL)
		for _, a := range list {
			if !a.IP.IsLinkLocalUnicast() {
				all = append(all, a.IPNet.String())
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestHost_IsReachableAtOnce(t *testing.T) {
	_, a, _, client := newLAN(t)
	for _, to := range []netip.Addr{address4(1), address6(1)} {
		p := startProber(t, client, to)
		answers(t, p, a.Name(), time.Time{})
		p.Stop()
		r := p.Report(time.Time{}, time.Now())
		if r.Lost != 0 {
			t.Errorf("%s: lost %d of the first %d probes to a host that just booted", to, r.Lost, r.Sent)
		}
	}
}

func TestHost_KillLeavesNothing(t *testing.T) {
	_, a, _, client := newLAN(t)
	// A program that leaves a child behind in a session of its own.
	cmd := exec.Command("/bin/sh", "-c", "setsid sleep 1000 & echo $!; wait")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p, err := a.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	var child int
	if _, err := fmt.Fscan(out, &child); err != nil {
		t.Fatal(err)
	}
	hold(t, a, vip4)
	prober := startProber(t, client, vip4)
	answers(t, prober, "a", time.Time{})

	if _, err := a.Kill(); err != nil {
		t.Fatal(err)
	}
	dead := time.Now() // cutting takes as long as the kernel's lock for it is fought over
	select {
	case <-p.Done():
	default:
		t.Error("the program still runs")
	}
	until(t, "the child of the program to be gone", func() bool { s := state(child); return s == "" || s == "Z" })
	until(t, "fifty probes in vain", func() bool { return prober.Report(dead, time.Now()).Sent >= 50 })
	prober.Stop()
	after := prober.Report(dead, time.Now())
	if after.Answered != 0 {
		t.Errorf("a killed host answered %d probes", after.Answered)
	}
	if _, err := a.Start(exec.Command("/bin/true")); err == nil {
		t.Error("a program started on a host that is off")
	}

	if err := a.Boot(); err != nil {
		t.Fatal(err)
	}
	want := []string{"192.0.2.1/24", "2001:db8::1/64"}
	if diff := cmp.Diff(want, interfaceAddresses(t, a)); diff != "" {
		t.Errorf("addresses after a boot (-want +got):\n%s", diff)
	}
	again := startProber(t, client, address4(1))
	answers(t, again, "a", time.Time{})
	if err := a.Boot(); err == nil {
		t.Error("a host that is on was booted")
	}
}

func TestProcess_PauseAndResume(t *testing.T) {
	_, a, _, client := newLAN(t)
	p, err := a.Start(exec.Command("/bin/sleep", "1000"))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Pause(); err != nil {
		t.Fatal(err)
	}
	until(t, "the process to be stopped", func() bool { return state(p.PID()) == "T" })
	prober := startProber(t, client, address4(1))
	answers(t, prober, "a", time.Time{}) // the machine goes on
	if err := p.Resume(); err != nil {
		t.Fatal(err)
	}
	until(t, "the process to run again", func() bool { return state(p.PID()) == "S" })
	if err := p.Stop(t.Context()); err == nil || !strings.Contains(err.Error(), "terminated") {
		t.Errorf("Stop of a program without a handler: %v", err)
	}
}

func TestProcess_StopKillsWhatDoesNotListen(t *testing.T) {
	_, a, _, _ := newLAN(t)
	cmd := exec.Command("/bin/sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1; done")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p, err := a.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	var ready string
	if _, err := fmt.Fscan(out, &ready); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := p.Stop(ctx); err == nil || !strings.Contains(err.Error(), "cannot stop") {
		t.Errorf("Stop of a program that ignores SIGTERM: %v", err)
	}
	if s := state(p.PID()); s != "" {
		t.Errorf("the process is still there, state %s", s)
	}
}

func TestHost_InterfaceGoesAndComes(t *testing.T) {
	_, a, _, client := newLAN(t)
	if err := a.RemoveInterface(); err != nil {
		t.Fatal(err)
	}
	err := a.Do(func() error { _, err := netlink.LinkByName(Interface); return err })
	if err == nil {
		t.Fatal("eth0 is still there")
	}
	if err := a.AddInterface(); err != nil {
		t.Fatal(err)
	}
	p := startProber(t, client, address4(1))
	answers(t, p, "a", time.Time{})
	if got, err := client.Neighbour(address4(1)); err != nil || !slices.Equal(got, mac(1)) {
		t.Errorf("the new eth0 has MAC %v (%v), want %v", got, err, mac(1))
	}
}

func TestLAN_RefusesHosts(t *testing.T) {
	lan, _, _, _ := newLAN(t)
	for _, cfg := range []HostConfig{
		{Name: ""},
		{Name: "sixteen-letters-"},
		{Name: "switch"},
		{Name: "a"}, // there is one
		{Name: "c", MAC: []byte{1, 2, 3}},
	} {
		if _, err := lan.Add(cfg); err == nil {
			t.Errorf("host %+v was added", cfg)
		}
	}
	if n := len(lan.Hosts()); n != 3 {
		t.Errorf("the LAN has %d hosts, want 3", n)
	}
}
