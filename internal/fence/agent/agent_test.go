package agent

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-net/holdfast/internal/fence"
)

// script writes a fence agent.
func script(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fence_test")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRun_GivesEverythingOnStandardInput(t *testing.T) {
	said := filepath.Join(t.TempDir(), "said")
	a := &Agent{
		Path:       script(t, `echo "$# $(cat)" >`+said),
		Parameters: map[string]string{"ip": "192.0.2.1", "password": "a b=c", "action": "on"},
	}
	out, err := a.Run(t.Context(), "off")
	if err != nil || out.Failure() != nil {
		t.Fatal(err, out.Failure())
	}
	got, err := os.ReadFile(said)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("0 ip=192.0.2.1\npassword=a b=c\naction=off\n", string(got)); diff != "" {
		t.Error(diff)
	}
}

func TestRun_SaysWhyAnAgentFailed(t *testing.T) {
	a := &Agent{Path: script(t, `echo "2026-01-01 10:00:00,123 ERROR: Connection timed out" >&2; exit 1`)}
	if err := a.Monitor(t.Context()); err == nil || err.Error() != "cannot use fence_test: exit status 1: Connection timed out" {
		t.Error(err)
	}
	a.Parameters = map[string]string{"password": "two\nlines"}
	if err := a.Monitor(t.Context()); err == nil || strings.Contains(err.Error(), "two") {
		t.Error(err)
	}
}

func TestRun_EndsOneThatHangs(t *testing.T) {
	a := &Agent{Path: script(t, "sleep 600")}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := a.Run(ctx, "off"); err == nil {
		t.Error("it did not hang")
	}
}

const metadata = `<?xml version="1.0" ?>
<resource-agent name="fence_test" shortdesc="a test">
<parameters>
<parameter name="action" required="1"><content type="string" default="reboot" /></parameter>
<parameter name="ip" required="1"><content type="string" /></parameter>
<parameter name="ipport" required="0"><content type="integer" default="623" /></parameter>
<parameter name="lanplus" required="0"><content type="boolean" default="0" /></parameter>
<parameter name="auth" required="0"><content type="select"><option value="md5" /><option value="none" /></content></parameter>
</parameters>
<actions><action name="on" automatic="0"/><action name="off" /><action name="reboot" /><action name="monitor" /></actions>
</resource-agent>`

func TestMetadata_FindsAllThatIsWrong(t *testing.T) {
	m, err := ReadMetadata(t.Context(), script(t, "grep -q action=metadata && cat <<'X'\n"+metadata+"\nX\n"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, err := range m.Check(map[string]string{"ipport": "x", "lanplus": "maybe", "auth": "md4", "passwd": "a"}, "off", "diag") {
		got = append(got, err.Error())
	}
	want := []string{
		"it does not know the action diag",
		"it has no parameter passwd",
		"it needs the parameter ip",
		"its parameter auth must be one of md5, none",
		"its parameter ipport must be a whole number",
		"its parameter lanplus must be 1 or 0",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if wrong := m.Check(map[string]string{"ip": "192.0.2.1", "lanplus": "1", "auth": "md5"}, "off", "reboot"); wrong != nil {
		t.Error(wrong)
	}
}

func TestReadMetadata_SaysWhatIsWrong(t *testing.T) {
	for path, want := range map[string]string{
		"/usr/sbin/fence_no_such_thing":       "cannot run fence agent: ",
		script(t, "exit 1"):                   "exit status 1",
		script(t, "echo hello"):               "cannot read the metadata of fence_test",
		script(t, "echo '<resource-agent/>'"): "it names no actions",
	} {
		if _, err := ReadMetadata(t.Context(), path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q in it", path, err, want)
		}
	}
}

func TestRunner_AnswersAndKills(t *testing.T) {
	agents := map[string]*Agent{
		"good":  {Path: script(t, "exit 0")},
		"bad":   {Path: script(t, "echo no; exit 1")},
		"hangs": {Path: script(t, "sleep 600")},
	}
	events := make(chan fence.Event, 8)
	r := NewRunner(func(device, _ string) *Agent { return agents[device] }, func(ev fence.Event) { events <- ev })
	want := map[uint64]fence.Event{
		1: fence.Ran(1, true, ""), 2: fence.Ran(2, false, "exit status 1: no"),
		3: fence.Ran(3, false, "it is not in the file any more"), 4: fence.Ran(4, false, "signal: terminated"),
	}
	for i, device := range []string{"good", "bad", "gone", "hangs"} {
		r.Do([]fence.Action{{Kind: fence.ActionRun, Device: device, Op: fence.Off, Run: uint64(i + 1)}})
	}
	for range want {
		select {
		case ev := <-events:
			if ev != want[ev.Run] {
				t.Errorf("got %+v, want %+v", ev, want[ev.Run])
			}
			if ev.Run == 3 {
				for killed := false; !killed; time.Sleep(time.Millisecond) {
					r.mu.Lock()
					_, killed = r.running[4]
					r.mu.Unlock()
				}
				r.Do([]fence.Action{{Kind: fence.ActionKill, Run: 4}})
			}
		case <-time.After(30 * time.Second):
			t.Fatal("no answer")
		}
	}
	r.Close(t.Context())
}
