package peer

import (
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// Log keeps what a program prints, and what the programs print that it starts in
// turn, also when it has ended itself: a file without a name. It may be read
// while they write.
type Log struct{ file *os.File }

// open is the programs' end.
func (l *Log) open() (*os.File, error) {
	if l.file == nil {
		fd, err := unix.MemfdCreate("log", unix.MFD_CLOEXEC)
		if err != nil {
			return nil, fmt.Errorf("cannot make a log: %w", err)
		}
		l.file = os.NewFile(uintptr(fd), "log")
	}
	return l.file, nil
}

// String is everything so far.
func (l *Log) String() string {
	if l.file == nil {
		return ""
	}
	b, err := io.ReadAll(io.NewSectionReader(l.file, 0, 1<<40))
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// lastOf returns the last of the words that the log has, or "" if none.
func (l *Log) lastOf(words map[string]string) string {
	text, at, last := l.String(), -1, ""
	for word, meaning := range words {
		if i := strings.LastIndex(text, word); i > at {
			at, last = i, meaning
		}
	}
	return last
}
