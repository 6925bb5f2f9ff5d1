package program

import (
	"bytes"
	"strings"
	"sync"
	"unicode/utf8"
)

// Bounds on what is kept of a program's output.
const (
	tailBytes = 2048
	tailLines = 5
	headBytes = 1024
)

// output keeps the end of what is written to it, and its first line.
type output struct {
	limit int    // how much may be written; 0: any
	flood func() // called once when it is more

	mu   sync.Mutex
	tail []byte
	cut  bool // something was dropped before tail
	size int
}

// Write never fails: a program must not be held up by us.
func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	before := o.size
	o.size += len(b)
	if o.limit > 0 && before <= o.limit && o.size > o.limit {
		o.flood()
	}
	kept := b
	if len(kept) > tailBytes {
		kept, o.cut = kept[len(kept)-tailBytes:], true
	}
	o.tail = append(o.tail, kept...)
	if over := len(o.tail) - tailBytes; over > 0 {
		o.tail = append(o.tail[:0], o.tail[over:]...)
		o.cut = true
	}
	return len(b), nil
}

func (o *output) flooded() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.limit > 0 && o.size > o.limit
}

// String gives the last lines as one, without what would upset a terminal.
func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	text := string(o.tail)
	if o.cut { // the first line is a part of one
		if _, rest, ok := strings.Cut(text, "\n"); ok {
			text = rest
		}
	}
	var lines []string
	for line := range strings.Lines(text) {
		if line = clean(line); line != "" {
			lines = append(lines, line)
		}
	}
	if len(lines) > tailLines {
		lines = lines[len(lines)-tailLines:]
	}
	return strings.Join(lines, " | ")
}

// firstLine keeps the first line that is written to it, and as much of the
// beginning as is wanted, and passes everything on.
type firstLine struct {
	all  *output
	keep int

	mu   sync.Mutex
	line []byte
	done bool
	kept []byte
}

func (f *firstLine) Write(b []byte) (int, error) {
	f.mu.Lock()
	if !f.done {
		line, _, ended := bytes.Cut(b, []byte("\n"))
		line = line[:min(len(line), headBytes-len(f.line))]
		f.line = append(f.line, line...)
		f.done = ended || len(f.line) == headBytes
	}
	f.kept = append(f.kept, b[:min(len(b), f.keep-len(f.kept))]...)
	f.mu.Unlock()
	return f.all.Write(b)
}

func (f *firstLine) beginning() []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.kept
}

func (f *firstLine) String() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return clean(string(f.line))
}

func clean(line string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r == utf8.RuneError || r < ' ' && r != '\t' || r == 0x7f {
			return -1
		}
		return r
	}, line))
}
