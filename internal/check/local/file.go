package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/holdfast-net/holdfast/internal/check"
)

// maxFile is how much of a file is looked at.
const maxFile = 64 << 10

// fileProbe looks at a file.
type fileProbe struct{ kind check.File }

// Try opens and reads the file: not even its existence is remembered, so a
// file that was replaced is seen as it is now.
func (p fileProbe) Try(context.Context) check.Seen {
	k := p.kind
	if k.Absent {
		return p.absent()
	}
	// Without O_NONBLOCK, opening a named pipe would wait for a writer.
	f, err := os.OpenFile(k.Path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
	if err != nil {
		return failedf("%s, wanted the file", cause(err))
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return failedf("cannot look at it: %s", cause(err))
	case !info.Mode().IsRegular():
		return failedf("it is %s, wanted a file", sort(info.Mode()))
	}
	age := time.Since(info.ModTime())
	if k.MaxAge > 0 && age > k.MaxAge {
		return failedf("written %s ago, wanted at most %s", age.Round(min(time.Second, max(k.MaxAge/10, time.Millisecond))), k.MaxAge)
	}
	if !k.Value && k.Contains == "" {
		return passedf("%d bytes, written %s ago", info.Size(), age.Round(time.Second))
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return failedf("cannot read it: %s", cause(err))
	}
	if k.Value {
		return value(string(data), k.Times)
	}
	if !strings.Contains(string(data), k.Contains) {
		return failedf("%q is not in its %s, wanted it", short(k.Contains), size(len(data)))
	}
	return passedf("it contains %q", short(k.Contains))
}

func (p fileProbe) absent() check.Seen {
	info, err := os.Lstat(p.kind.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return check.Passed("it is not there")
	case err != nil:
		// Not to know is not to see that there is none.
		return failedf("cannot look for it: %s, wanted no file", cause(err))
	}
	return failedf("it is there since %s, wanted no file", info.ModTime().Format(time.DateTime))
}

// Bounds of an integer in a file.
const maxValue = 1 << 31

// value reads an integer and makes a weight of it.
func value(text string, times int) check.Seen {
	text = strings.TrimSpace(text)
	n, err := strconv.Atoi(text)
	switch {
	case text == "":
		return check.Failed("it is empty, wanted an integer")
	case err != nil || n > maxValue || n < -maxValue:
		return failedf("it holds %q, wanted an integer", short(text))
	case times == 0 && n != 0:
		return failedf("it holds %d, wanted 0", n)
	case times == 0:
		return check.Passed("it holds 0")
	}
	product := n * times
	words := fmt.Sprintf("it holds %d", n)
	if times != 1 {
		words += fmt.Sprintf(", times %d", times)
	}
	if product < check.LeastWeight {
		return failedf("%s: weight %d, wanted at least %d", words, product, check.LeastWeight)
	}
	weight := min(product, check.MostWeight)
	return check.Seen{OK: true, Text: fmt.Sprintf("%s: weight %d", words, weight), Weight: weight, Weighted: true}
}

// short keeps words from a file within a line.
func short(s string) string {
	const most = 60
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

func size(n int) string {
	if n == maxFile {
		return "first 64 KiB"
	}
	return strconv.Itoa(n) + " bytes"
}

// sort says what is there in place of a file.
func sort(m fs.FileMode) string {
	switch m.Type() {
	case fs.ModeDir:
		return "a directory"
	case fs.ModeNamedPipe:
		return "a named pipe"
	case fs.ModeSocket:
		return "a socket"
	}
	return "a device"
}

// cause is an error without the path, which the check shows already.
func cause(err error) string {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err.Error()
	}
	return err.Error()
}
