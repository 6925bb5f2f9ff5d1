package local

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-net/holdfast/internal/check"
)

func TestFile(t *testing.T) {
	dir := t.TempDir()
	write := func(name, data string, age time.Duration) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
		at := time.Now().Add(-age)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
		return path
	}
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o644); err != nil {
		t.Fatal(err)
	}
	none := filepath.Join(dir, "none")
	ready := write("ready", "state: primary\n", time.Hour)
	value := func(data string, times int) check.File {
		return check.File{Path: write("value"+data, data, 0), Value: true, Times: times}
	}
	weight := func(w int, text string) check.Seen {
		return check.Seen{OK: true, Weight: w, Weighted: true, Text: text}
	}
	for _, tt := range []struct {
		kind check.File
		want check.Seen
	}{
		{check.File{Path: ready}, check.Passed("15 bytes, written 1h0m0s ago")},
		{check.File{Path: none}, check.Failed("no such file or directory, wanted the file")},
		{check.File{Path: dir}, check.Failed("it is a directory, wanted a file")},
		{check.File{Path: pipe}, check.Failed("it is a named pipe, wanted a file")},
		{check.File{Path: "/dev/null"}, check.Failed("it is a device, wanted a file")},
		{check.File{Path: none, Absent: true}, check.Passed("it is not there")},
		{check.File{Path: ready + "/x", Absent: true}, check.Failed("cannot look for it: not a directory, wanted no file")},
		{check.File{Path: ready, Contains: "primary"}, check.Passed(`it contains "primary"`)},
		{check.File{Path: ready, Contains: "standby"}, check.Failed(`"standby" is not in its 15 bytes, wanted it`)},
		{check.File{Path: ready, MaxAge: 2 * time.Hour}, check.Passed("15 bytes, written 1h0m0s ago")},
		{check.File{Path: ready, MaxAge: time.Minute}, check.Failed("written 1h0m0s ago, wanted at most 1m0s")},
		{check.File{Path: ready, MaxAge: time.Minute, Contains: "primary"}, check.Failed("written 1h0m0s ago, wanted at most 1m0s")},
		{value("10\n", 1), weight(10, "it holds 10: weight 10")},
		{value(" -3 ", -10), weight(30, "it holds -3, times -10: weight 30")},
		{value("0", 5), weight(0, "it holds 0, times 5: weight 0")},
		{value("300", 1), weight(253, "it holds 300: weight 253")},
		{value("-253", 1), weight(-253, "it holds -253: weight -253")},
		{value("-254", 1), check.Failed("it holds -254: weight -254, wanted at least -253")},
		{value("2147483648", -1000000), check.Failed("it holds 2147483648, times -1000000: weight -2147483648000000, wanted at least -253")},
		{value("2147483649", 1), check.Failed(`it holds "2147483649", wanted an integer`)},
		{value("99999999999999999999", 1), check.Failed(`it holds "99999999999999999999", wanted an integer`)},
		{value("", 1), check.Failed("it is empty, wanted an integer")},
		{value("12 13", 1), check.Failed(`it holds "12 13", wanted an integer`)},
		{value("1.5", 1), check.Failed(`it holds "1.5", wanted an integer`)},
		{value("1", 0), check.Failed("it holds 1, wanted 0")},
		{value("0", 0), check.Passed("it holds 0")},
		{check.File{Path: write("big", strings.Repeat("x", maxFile)+"needle", 0), Contains: "needle"}, check.Failed(`"needle" is not in its first 64 KiB, wanted it`)},
		{check.File{Path: "/proc/self/status", Contains: "Pid:"}, check.Passed(`it contains "Pid:"`)},
	} {
		if diff := cmp.Diff(tt.want, try(t, fileProbe{tt.kind}, long)); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", tt.kind, diff)
		}
	}
	if got := try(t, fileProbe{check.File{Path: ready, Absent: true}}, long); got.OK || !strings.HasPrefix(got.Text, "it is there since ") {
		t.Errorf("%+v", got)
	}
}

// A file that is replaced is seen as it is now.
func TestFile_IsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "value")
	p := fileProbe{check.File{Path: path, Value: true, Times: 1}}
	for _, data := range []string{"1", "22", "-3"} {
		if err := os.WriteFile(path+".new", []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
		if got := try(t, p, long); !got.OK || !strings.HasPrefix(got.Text, "it holds "+data) {
			t.Errorf("%+v, want %s", got, data)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if got := try(t, p, long); got.OK {
		t.Errorf("%+v", got)
	}
}

func FuzzValue(f *testing.F) {
	f.Add("1", 1)
	f.Add("-9223372036854775808", -1000000)
	f.Fuzz(func(t *testing.T, text string, times int) {
		if times < -1_000_000 || times > 1_000_000 {
			return
		}
		seen := value(text, times)
		if seen.Weighted && (seen.Weight < check.LeastWeight || seen.Weight > check.MostWeight || !seen.OK) {
			t.Errorf("%q times %d: %+v", text, times, seen)
		}
	})
}
