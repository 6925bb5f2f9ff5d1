package journal

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-net/holdfast/internal/api"
)

// disk is a sink whose mood a test sets.
type disk struct {
	mu    sync.Mutex
	err   error
	gate  chan struct{} // not nil: writes wait for it
	lines []string
	tries int
}

func (d *disk) set(err error, gate chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.err, d.gate = err, gate
}

func (d *disk) Write(b []byte) error {
	d.mu.Lock()
	gate := d.gate
	d.mu.Unlock()
	if gate != nil {
		<-gate
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tries++
	if d.err != nil {
		return d.err
	}
	d.lines = append(d.lines, strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")...)
	return nil
}

func (d *disk) Close() error { return nil }

func TestJournal_FullDiskIsAWarningAndLosesNothingTheRingHas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{err: errors.New("no space left on device")}
		j := start(d, nil, Options{Memory: 100}.withDefaults())
		for i := range 5 {
			j.Append(api.Event{Reason: fmt.Sprint("entry ", i)})
		}
		synctest.Wait()
		if err := j.Err(); err == nil || !strings.Contains(err.Error(), "no space left") {
			t.Errorf("Err = %v", err)
		}
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if d.tries > 16 {
			t.Errorf("%d attempts in five minutes; the intervals do not grow", d.tries)
		}
		d.set(nil, nil)
		time.Sleep(retryMax + time.Second)
		synctest.Wait()
		if err := j.Err(); err != nil {
			t.Errorf("Err = %v after the disk works again", err)
		}
		got, _ := j.After(0, 0)
		want := []string{
			"entry 0", "entry 1", "entry 2", "entry 3", "entry 4",
			"no space left on device; entries are kept in memory until it works again",
			"the journal is written to disk again",
		}
		if diff := cmp.Diff(want, reasons(got)); diff != "" {
			t.Errorf("entries (-want +got):\n%s", diff)
		}
		if len(d.lines) != len(want) {
			t.Errorf("%d lines on disk, want %d:\n%s", len(d.lines), len(want), strings.Join(d.lines, "\n"))
		}
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestJournal_WedgedDiskNeverBlocksAndIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		d := &disk{gate: gate}
		j := start(d, nil, Options{Memory: 100}.withDefaults())
		j.Append(api.Event{Reason: "first"})
		synctest.Wait() // the writer is inside Write now
		for range 250 {
			j.Append(api.Event{Reason: "x"}) // would deadlock the bubble if it blocked
		}
		if err := j.Err(); err != nil {
			t.Errorf("Err = %v before the disk is late", err)
		}
		time.Sleep(wedged + time.Second)
		if err := j.Err(); err == nil || !strings.Contains(err.Error(), "has not answered for 6s") {
			t.Errorf("Err = %v", err)
		}
		if got, _ := j.After(0, 0); len(got) != 100 {
			t.Errorf("%d entries in memory, want 100", len(got))
		}
		d.set(nil, nil)
		close(gate)
		synctest.Wait()
		got, _ := j.After(0, 0)
		last := got[len(got)-1]
		if last.Code != CodeLost || !strings.HasPrefix(last.Reason, "150 journal entries") {
			t.Errorf("last entry = %+v, want the number lost", last)
		}
		if want := 1 + 100 + 1; len(d.lines) != want {
			t.Errorf("%d lines on disk, want %d", len(d.lines), want)
		}
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestClose_DoesNotWaitForAWedgedDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		d := &disk{gate: gate}
		j := start(d, nil, Options{}.withDefaults())
		j.Append(api.Event{Reason: "x"})
		synctest.Wait()
		begin := time.Now()
		if err := j.Close(); err == nil || !strings.Contains(err.Error(), "has not answered") {
			t.Errorf("Close = %v", err)
		}
		if d := time.Since(begin); d != closeWait {
			t.Errorf("Close took %s, want %s", d, closeWait)
		}
		close(gate)
	})
}

// shortFile takes part of a write, then reports a full disk.
type shortFile struct {
	*os.File
	room *int
}

func (f shortFile) Write(b []byte) (int, error) {
	if len(b) <= *f.room {
		*f.room -= len(b)
		return f.File.Write(b)
	}
	n, _ := f.File.Write(b[:*f.room])
	*f.room = 0
	return n, syscall.ENOSPC
}

func TestStore_TakesBackWhatAFullDiskCut(t *testing.T) {
	dir := t.TempDir()
	s, err := openStore(dir, Options{}.withDefaults())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	room := 10
	s.open = func(name string) (file, error) {
		f, err := os.OpenFile(name, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o640)
		return shortFile{f, &room}, err
	}
	s.f.Close()
	s.f = nil
	if err := s.Write([]byte("12345\n")); err != nil {
		t.Fatal(err)
	}
	err = s.Write([]byte("67890\n"))
	if want := "cannot write journal in " + dir + ": no space left on device"; err == nil || err.Error() != want {
		t.Errorf("error = %v, want %s", err, want)
	}
	room = 100
	if err := s.Write([]byte("67890\n")); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(fileName(dir, 0))
	if err != nil {
		t.Fatal(err)
	}
	if want := "12345\n67890\n"; string(got) != want {
		t.Errorf("file holds %q, want %q", got, want)
	}
}

func TestStore_SurvivesItsDirectoryBeingEmptied(t *testing.T) {
	dir := t.TempDir()
	s, err := openStore(dir, Options{FileBytes: 10}.withDefaults())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Write([]byte("12345678\n")); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(fileName(dir, 0)); err != nil {
		t.Fatal(err)
	}
	if err := s.Write([]byte("abcdefgh\n")); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(fileName(dir, 0)); err != nil || string(got) != "abcdefgh\n" {
		t.Errorf("file holds %q (%v)", got, err)
	}
}
