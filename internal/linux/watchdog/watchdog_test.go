package watchdog

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestLook_ReadsWhatTheKernelTells(t *testing.T) {
	sys := t.TempDir()
	dir := filepath.Join(sys, "dev/char/1:3") // /dev/null
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"identity": "i6300ESB timer\n", "state": "active\n", "nowayout": "1\n", "timeout": "30\n", "max_timeout": "2046\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := look("/dev/null", sys)
	if err != nil {
		t.Fatal(err)
	}
	want := Info{Identity: "i6300ESB timer", Running: true, NoWayOut: true, Timeout: 30 * time.Second, Longest: 2046 * time.Second}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestLook_KnowsNothingWhereTheKernelTellsNothing(t *testing.T) {
	got, err := look("/dev/null", t.TempDir())
	if err != nil || got != (Info{}) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestLook_SaysWhatIsWrong(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"/dev/no-such-watchdog": "there is none",
		file:                    "not a device",
	} {
		if _, err := Look(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q in it", path, err, want)
		}
	}
}

func TestOpen_RefusesWhatIsNoWatchdog(t *testing.T) {
	if _, err := Open(Options{Path: "/dev/null", Timeout: time.Second}); err == nil || !strings.Contains(err.Error(), "timeout of watchdog /dev/null") {
		t.Error(err)
	}
	if _, err := Open(Options{Path: "/dev/no-such-watchdog"}); err == nil || !strings.Contains(err.Error(), "there is none") {
		t.Error(err)
	}
}
