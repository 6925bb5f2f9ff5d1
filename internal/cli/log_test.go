package cli

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestJournalHandler(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(newJournalHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	log.Info("transition", "group", "web", "to", "active")
	log.With("iface", "eth0").WithGroup("x").Warn("no carrier", "time", 5)
	log.Error("bad")
	log.Debug("packet")
	want := "<6>msg=transition group=web to=active\n" +
		"<4>msg=\"no carrier\" iface=eth0 x.time=5\n" +
		"<3>msg=bad\n" +
		"<7>msg=packet\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The variable alone is not enough: it is inherited by what redirects stderr.
func TestToJournal_LooksAtTheStream(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	sys := st.Sys().(*syscall.Stat_t)
	mine := fmt.Sprintf("%d:%d", sys.Dev, sys.Ino)
	for _, tt := range []struct {
		name, stream string
		want         bool
	}{
		{"the journal's", mine, true},
		{"another file", fmt.Sprintf("%d:%d", sys.Dev, sys.Ino+1), false},
		{"no journal", "", false},
		{"nonsense", "x", false},
	} {
		env := func(name string) string {
			if name == "JOURNAL_STREAM" {
				return tt.stream
			}
			return ""
		}
		if got := toJournal(Terminal{Err: f, Getenv: env}); got != tt.want {
			t.Errorf("%s: %t, want %t", tt.name, got, tt.want)
		}
	}
	if toJournal(Terminal{Err: new(bytes.Buffer)}) {
		t.Error("a buffer is no journal")
	}
}
