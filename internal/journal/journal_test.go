package journal

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-net/holdfast/internal/api"
)

// open opens a journal that the test closes at its end.
func open(t *testing.T, dir string, o Options) *Journal {
	t.Helper()
	j, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil && !errors.Is(err, ErrClosed) {
			t.Error(err)
		}
	})
	return j
}

// reasons lists the reasons of entries, the part a person reads.
func reasons(events []api.Event) []string {
	out := []string{}
	for _, ev := range events {
		out = append(out, ev.Reason)
	}
	return out
}

func ids(events []api.Event) []uint64 {
	out := []uint64{}
	for _, ev := range events {
		out = append(out, ev.ID)
	}
	return out
}

func TestJournal_AssignsIDAndTime(t *testing.T) {
	j := Memory()
	defer j.Close()
	at := time.Date(2026, 5, 4, 12, 0, 0, 123456789, time.FixedZone("", 7200))
	before := time.Now().Truncate(time.Microsecond)
	j.Append(api.Event{Reason: "one", Time: at})
	j.Append(api.Event{Reason: "two", ID: 77})
	got, _ := j.After(0, 0)
	if diff := cmp.Diff([]uint64{1, 2}, ids(got)); diff != "" {
		t.Errorf("ids (-want +got):\n%s", diff)
	}
	if want := at.UTC().Truncate(time.Microsecond); !got[0].Time.Equal(want) || got[0].Time.Location() != time.UTC {
		t.Errorf("time = %v, want %v", got[0].Time, want)
	}
	if got[1].Time.Before(before) {
		t.Errorf("zero time was not assigned: %v", got[1].Time)
	}
}

func TestJournal_After(t *testing.T) {
	j := start(nil, nil, Options{Memory: 1000}.withDefaults())
	for range 1500 {
		j.Append(api.Event{Reason: "x"})
	}
	tests := []struct {
		name        string
		after       uint64
		limit       int
		first, last uint64
		n           int
		more        bool
	}{
		{"everything kept", 0, 0, 501, 1500, 1000, false},
		{"a page", 600, 10, 601, 610, 10, true},
		{"a page over several chunks", 600, 700, 601, 1300, 700, true},
		{"the last page", 1490, 10, 1491, 1500, 10, false},
		{"the end", 1500, 10, 0, 0, 0, false},
		{"from before the oldest kept", 3, 2, 501, 502, 2, true},
		{"an id never given", 9999, 0, 501, 1500, 1000, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, news := j.After(tt.after, tt.limit)
			if len(got) != tt.n {
				t.Fatalf("%d entries, want %d", len(got), tt.n)
			}
			if tt.n > 0 && (got[0].ID != tt.first || got[tt.n-1].ID != tt.last) {
				t.Errorf("entries %d to %d, want %d to %d", got[0].ID, got[tt.n-1].ID, tt.first, tt.last)
			}
			select {
			case <-news:
				if !tt.more {
					t.Error("news although nothing is newer")
				}
			default:
				if tt.more {
					t.Error("no news although the page was cut")
				}
			}
		})
	}
}

func TestJournal_NewsWakesEveryReader(t *testing.T) {
	j := Memory()
	defer j.Close()
	_, a := j.After(0, 0)
	_, b := j.After(0, 0)
	j.Append(api.Event{Reason: "x"})
	for _, news := range []<-chan struct{}{a, b} {
		select {
		case <-news:
		case <-time.After(5 * time.Second):
			t.Fatal("a reader was not woken")
		}
	}
}

func TestJournal_GoesOnAfterRestart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state", "holdfast")
	j := open(t, dir, Options{})
	want := api.Event{
		Kind: "transition", Code: "HF2001", Group: "web", From: "backup", To: "active",
		Reason: `no advert within <3.4s> & "so" on`, Peer: "192.0.2.2", Family: "ipv4",
		Time: time.Date(2026, 5, 4, 12, 0, 0, 123456000, time.UTC),
	}
	j.Append(want)
	j.Append(api.Event{Kind: "daemon", Reason: "stopped"})
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}

	j = open(t, dir, Options{})
	j.Append(api.Event{Kind: "daemon", Reason: "started"})
	got, _ := j.After(0, 0)
	if diff := cmp.Diff([]uint64{1, 2, 3}, ids(got)); diff != "" {
		t.Errorf("ids (-want +got):\n%s", diff)
	}
	want.ID = 1
	if diff := cmp.Diff(want, got[0]); diff != "" {
		t.Errorf("entry read back (-want +got):\n%s", diff)
	}
}

func TestJournal_SurvivesTornLine(t *testing.T) {
	tests := []struct {
		name, tail string
		want       []string
	}{
		{"half a line", `{"id":3,"time":"2026-05-04T12:0`, []string{"one", "two", "new"}},
		{"only its newline is missing", `{"id":3,"time":"2026-05-04T12:00:00Z","kind":"daemon","reason":"three"}`, []string{"one", "two", "three", "new"}},
		{"zeros, as some file systems leave them", "\x00\x00\x00\x00\x00\x00", []string{"one", "two", "new"}},
		{"garbage between lines", "garbage\n\n\n{}\n[1]\n", []string{"one", "two", "new"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			j := open(t, dir, Options{})
			j.Append(api.Event{Reason: "one"})
			j.Append(api.Event{Reason: "two"})
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			f, err := os.OpenFile(fileName(dir, 0), os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.WriteString(tt.tail); err != nil {
				t.Fatal(err)
			}
			f.Close()

			j = open(t, dir, Options{})
			j.Append(api.Event{Reason: "new"})
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			got, err := Read(dir, 0)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, reasons(got)); diff != "" {
				t.Errorf("entries (-want +got):\n%s", diff)
			}
			if last := got[len(got)-1].ID; last != uint64(len(tt.want)) {
				t.Errorf("the new entry has id %d, want %d", last, len(tt.want))
			}
		})
	}
}

func TestJournal_RotatesWithinBounds(t *testing.T) {
	for _, files := range []int{1, 2, 3} {
		dir := t.TempDir()
		o := Options{Files: files, FileBytes: 8 << 10, Memory: 50}
		j := open(t, dir, o)
		// In batches, as they come in life: one batch is the unit of rotation.
		for range 100 {
			for range 10 {
				j.Append(api.Event{Kind: "notice", Reason: strings.Repeat("x", 100)})
			}
			waitWritten(t, j, dir)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		if len(entries) != files {
			t.Errorf("%d files, want %d", len(entries), files)
		}
		for _, e := range entries {
			if st, err := e.Info(); err != nil || st.Size() > o.FileBytes {
				t.Errorf("%s has %d bytes (%v), bound %d", e.Name(), st.Size(), err, o.FileBytes)
			}
		}
		got, err := Read(dir, 0)
		if err != nil {
			t.Fatal(err)
		}
		for i, ev := range got {
			if ev.ID != got[0].ID+uint64(i) {
				t.Fatalf("files=%d: entry %d follows %d", files, ev.ID, got[i-1].ID)
			}
		}
		if last := got[len(got)-1].ID; last != 1000 {
			t.Errorf("files=%d: the newest entry on disk is %d, want 1000", files, last)
		}
		j = open(t, dir, o)
		j.Append(api.Event{Reason: "after restart"})
		mem, _ := j.After(0, 0)
		if n := len(mem); n != min(50, len(got)+1) || mem[n-1].ID != 1001 {
			t.Errorf("files=%d: %d entries in memory, the newest %d; want 1001", files, n, mem[n-1].ID)
		}
	}
}

// waitWritten waits until the newest entry is on disk.
func waitWritten(t *testing.T, j *Journal, dir string) {
	t.Helper()
	j.mu.Lock()
	last := j.last
	j.mu.Unlock()
	deadline := time.Now().Add(10 * time.Second)
	for time.Now().Before(deadline) {
		if got, err := Read(dir, 1); err == nil && len(got) == 1 && got[0].ID == last {
			return
		}
		time.Sleep(100 * time.Microsecond)
	}
	t.Fatalf("entry %d did not reach the disk", last)
}

func TestOpen_SaysWhyItCannot(t *testing.T) {
	t.Run("not a directory", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Open(path, Options{})
		if err == nil || !strings.Contains(err.Error(), "cannot open journal in "+path) {
			t.Errorf("error = %v", err)
		}
	})
	t.Run("used by another", func(t *testing.T) {
		dir := t.TempDir()
		j := open(t, dir, Options{})
		_, err := Open(dir, Options{})
		if err == nil || !strings.Contains(err.Error(), "another holdfast uses this directory") {
			t.Errorf("error = %v", err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		open(t, dir, Options{}) // free again
	})
	t.Run("reading nothing", func(t *testing.T) {
		_, err := Read(t.TempDir(), 0)
		if !errors.Is(err, os.ErrNotExist) {
			t.Errorf("error = %v", err)
		}
	})
}

func TestClose_TwiceIsAnError(t *testing.T) {
	j := Memory()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); !errors.Is(err, ErrClosed) {
		t.Errorf("error = %v, want ErrClosed", err)
	}
	j.Append(api.Event{Reason: "late"})
	if got, _ := j.After(0, 0); len(got) != 1 {
		t.Error("an entry appended after Close is not in memory")
	}
}
